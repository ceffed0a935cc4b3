/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who comes pays with a try, and gets it back when admitted.  The tries of an
 * address are in a table that does not grow: what falls into one place shares
 * it, and a stranger cannot choose the place, since map_hash() has a key.
 */
#include "agent/gate.h"

#include "base/map.h"
#include "base/str.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PLACES 1024

/* Tries that are left, in thousandths, at that time. */
struct tries {
	uint64_t at_ms;
	uint32_t left;
};

struct place {
	struct tries tries;
	bool admitted; /* somebody of there was */
};

struct agent_gate {
	TAILQ_HEAD(, agent_guest) guests; /* who came first is first */
	unsigned n;
	struct tries total;
	struct place places[PLACES];
};

struct agent_gate *agent_gate_new(void)
{
	struct agent_gate *g = xcalloc(1, sizeof(*g));

	TAILQ_INIT(&g->guests);
	g->total.left = AGENT_TRIES_TOTAL * 1000;
	for (size_t i = 0; i < PLACES; i++)
		g->places[i].tries.left = AGENT_TRIES_EACH * 1000;
	return g;
}

void agent_gate_free(struct agent_gate *g)
{
	free(g);
}

/* What counts as one address; a mapped one is IPv4's. */
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

static struct place *place_of_address(struct agent_gate *g, uint64_t address)
{
	return &g->places[address % PLACES];
}

static bool take_try(struct tries *t, uint64_t now_ms, unsigned most,
		     unsigned per_s)
{
	uint64_t more = (now_ms - t->at_ms) * per_s;
	uint64_t left = t->left + more;

	t->left = left < most * 1000 ? (uint32_t)left : most * 1000;
	t->at_ms = now_ms;
	if (t->left < 1000)
		return false;
	t->left -= 1000;
	return true;
}

static void give_back(struct tries *t, unsigned most)
{
	t->left = t->left < (most - 1) * 1000 ? t->left + 1000 : most * 1000;
}

/* The first one of there who is in, and how many there are. */
static struct agent_guest *first_of(struct agent_gate *g, uint64_t address,
				    unsigned *n)
{
	struct agent_guest *first = NULL, *each;

	*n = 0;
	list_for_each(each, &g->guests, link) {
		if (each->address != address)
			continue;
		if (!(*n)++)
			first = each;
	}
	return first;
}

/* Who came first, but rather one of where nobody was admitted. */
static struct agent_guest *first_stranger(struct agent_gate *g)
{
	struct agent_guest *each;

	list_for_each(each, &g->guests, link) {
		if (!place_of_address(g, each->address)->admitted)
			return each;
	}
	return TAILQ_FIRST(&g->guests);
}

bool agent_gate_enter(struct agent_gate *g, struct agent_guest *guest,
		      const struct sockaddr *from, uint64_t now_ms,
		      struct agent_guest **leaves)
{
	uint64_t address = hash_address(from);
	struct place *place = place_of_address(g, address);
	struct agent_guest *first;
	unsigned n;

	*leaves = NULL;
	if (!take_try(&place->tries, now_ms, AGENT_TRIES_EACH,
		      AGENT_TRIES_EACH_S))
		return false;
	if (!place->admitted && !take_try(&g->total, now_ms, AGENT_TRIES_TOTAL,
					  AGENT_TRIES_TOTAL_S))
		return false;
	first = first_of(g, address, &n);
	if (n >= AGENT_GUESTS_EACH)
		*leaves = first;
	else if (g->n >= AGENT_GUESTS)
		*leaves = first_stranger(g);
	guest->address = address;
	TAILQ_INSERT_TAIL(&g->guests, guest, link);
	g->n++;
	return true;
}

void agent_gate_leave(struct agent_gate *g, struct agent_guest *guest,
		      bool admitted)
{
	struct place *place = place_of_address(g, guest->address);

	TAILQ_REMOVE(&g->guests, guest, link);
	g->n--;
	if (!admitted)
		return;
	give_back(&place->tries, AGENT_TRIES_EACH);
	if (!place->admitted)
		give_back(&g->total, AGENT_TRIES_TOTAL);
	place->admitted = true;
}

struct agent_guest *agent_gate_first(const struct agent_gate *g)
{
	return TAILQ_FIRST(&g->guests);
}
