/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each connection attempt costs a token of its address.  If no client from this
 * address has been authenticated yet, the attempt also costs one of the tokens
 * that all such addresses share.  The tokens are returned when the client is
 * authenticated.
 *
 * A hash table of fixed size holds the tokens per address.  Addresses in the
 * same hash bucket share their tokens.  An attacker cannot choose an address in
 * the bucket of a client, because map_hash() is keyed.
 */
#include "kfarmd/admission.h"

#include "base/map.h"
#include "base/str.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ADDR_BUCKETS 1024

/* Remaining tokens, in thousandths, at the time updated_ms. */
struct token_bucket {
	uint64_t updated_ms;
	uint32_t tokens_milli;
};

struct addr_state {
	struct token_bucket tokens;
	/* a client from an address with this hash bucket was authenticated */
	bool any_admitted;
};

struct kfarmd_admission {
	TAILQ_HEAD(, kfarmd_admission_conn)
	pending; /* oldest first */
	unsigned n_pending;
	struct token_bucket total_tokens;
	struct addr_state addrs[ADDR_BUCKETS];
};

struct kfarmd_admission *kfarmd_admission_new(void)
{
	struct kfarmd_admission *g = xcalloc(1, sizeof(*g));

	TAILQ_INIT(&g->pending);
	g->total_tokens.tokens_milli = KFARMD_ADMISSION_TRIES_TOTAL * 1000;
	for (size_t i = 0; i < ADDR_BUCKETS; i++)
		g->addrs[i].tokens.tokens_milli =
			KFARMD_ADMISSION_TRIES_PER_ADDR * 1000;
	return g;
}

void kfarmd_admission_free(struct kfarmd_admission *g)
{
	free(g);
}

/*
 * Return a hash of an IPv4 address or of an IPv6 /64 prefix.  An IPv4-mapped
 * address counts as IPv4.
 */
static uint64_t hash_address(const struct sockaddr *from)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

	if (from->sa_family == AF_INET)
		return map_hash(bytes_of(&v4->sin_addr, 4));
	if (from->sa_family != AF_INET6)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		return map_hash(bytes_of(v6->sin6_addr.s6_addr + 12, 4));
	return map_hash(bytes_of(&v6->sin6_addr, 8));
}

static struct addr_state *find_addr_state(struct kfarmd_admission *g,
					  uint64_t address)
{
	return &g->addrs[address % ADDR_BUCKETS];
}

static bool spend_token(struct token_bucket *t, uint64_t now_ms, unsigned most,
			unsigned per_s)
{
	uint64_t more = (now_ms - t->updated_ms) * per_s;
	uint64_t left = t->tokens_milli + more;

	t->tokens_milli = left < most * 1000 ? (uint32_t)left : most * 1000;
	t->updated_ms = now_ms;
	if (t->tokens_milli < 1000)
		return false;
	t->tokens_milli -= 1000;
	return true;
}

static void return_token(struct token_bucket *t, unsigned most)
{
	t->tokens_milli = t->tokens_milli < (most - 1) * 1000 ?
				  t->tokens_milli + 1000 :
				  most * 1000;
}

/*
 * Return the oldest pending connection from an address, or NULL.  Store the
 * number of pending connections from this address in *n.
 */
static struct kfarmd_admission_conn *oldest_of_addr(struct kfarmd_admission *g,
						    uint64_t address,
						    unsigned *n)
{
	struct kfarmd_admission_conn *first = NULL, *each;

	*n = 0;
	list_for_each(each, &g->pending, entry) {
		if (each->addr_hash != address)
			continue;
		if (!(*n)++)
			first = each;
	}
	return first;
}

/*
 * Return the oldest pending connection from an address from which no client has
 * been authenticated yet.  If there is no such connection, return the oldest of
 * all pending connections.
 */
static struct kfarmd_admission_conn *oldest_unknown(struct kfarmd_admission *g)
{
	struct kfarmd_admission_conn *each;

	list_for_each(each, &g->pending, entry) {
		if (!find_addr_state(g, each->addr_hash)->any_admitted)
			return each;
	}
	return TAILQ_FIRST(&g->pending);
}

bool kfarmd_admission_add(struct kfarmd_admission *g,
			  struct kfarmd_admission_conn *conn,
			  const struct sockaddr *from, uint64_t now_ms,
			  struct kfarmd_admission_conn **evicted)
{
	uint64_t address = hash_address(from);
	struct addr_state *place = find_addr_state(g, address);
	struct kfarmd_admission_conn *first;
	unsigned n;

	*evicted = NULL;
	if (!spend_token(&place->tokens, now_ms,
			 KFARMD_ADMISSION_TRIES_PER_ADDR,
			 KFARMD_ADMISSION_RATE_PER_ADDR))
		return false;
	if (!place->any_admitted &&
	    !spend_token(&g->total_tokens, now_ms, KFARMD_ADMISSION_TRIES_TOTAL,
			 KFARMD_ADMISSION_RATE_TOTAL))
		return false;
	first = oldest_of_addr(g, address, &n);
	if (n >= KFARMD_ADMISSION_PENDING_PER_ADDR)
		*evicted = first;
	else if (g->n_pending >= KFARMD_ADMISSION_PENDING_MAX)
		*evicted = oldest_unknown(g);
	conn->addr_hash = address;
	TAILQ_INSERT_TAIL(&g->pending, conn, entry);
	g->n_pending++;
	return true;
}

void kfarmd_admission_remove(struct kfarmd_admission *g,
			     struct kfarmd_admission_conn *conn, bool admitted)
{
	struct addr_state *place = find_addr_state(g, conn->addr_hash);

	TAILQ_REMOVE(&g->pending, conn, entry);
	g->n_pending--;
	if (!admitted)
		return;
	return_token(&place->tokens, KFARMD_ADMISSION_TRIES_PER_ADDR);
	if (!place->any_admitted)
		return_token(&g->total_tokens, KFARMD_ADMISSION_TRIES_TOTAL);
	place->any_admitted = true;
}

struct kfarmd_admission_conn *kfarmd_admission_oldest(
	const struct kfarmd_admission *g)
{
	return TAILQ_FIRST(&g->pending);
}
