/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/neighbors.h"

#include "base/str.h"
#include "base/vec.h"
#include "peer/conn.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* A node that has joined. */
struct member {
	struct peer_conn *conn;
	uint32_t number;
};

/* A node that has a blob or is about to receive it. */
struct holder {
	uint32_t number; /* of the member; it can have left */
	unsigned n_served; /* nodes that were directed to it */
};

/* A blob in a site. */
struct site_blob {
	struct digest digest; /* first member, for tsearch() */
	struct holder *holders;
	size_t n_holders;
};

struct site {
	char *name;
	struct member *members;
	size_t n_members;
	void *blobs; /* tree of struct site_blob */
};

struct peer_neighbors {
	struct site *sites;
	size_t n_sites;
	uint32_t last_number; /* of a member */
};

struct peer_neighbors *peer_neighbors_new(void)
{
	return xcalloc(1, sizeof(struct peer_neighbors));
}

static void free_site_blob(void *at)
{
	struct site_blob *b = at;

	free(b->holders);
	free(b);
}

void peer_neighbors_free(struct peer_neighbors *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n_sites; i++) {
		free(n->sites[i].name);
		free(n->sites[i].members);
		tdestroy(n->sites[i].blobs, free_site_blob);
	}
	free(n->sites);
	free(n);
}

static struct site *find_site(struct peer_neighbors *n, const char *name)
{
	for (size_t i = 0; i < n->n_sites; i++) {
		if (!strcmp(n->sites[i].name, name))
			return &n->sites[i];
	}
	return NULL;
}

/* Send a message and release its body. */
static void send_to_neighbor(const struct peer_conn *l, enum wire_type type,
			     struct buf *body)
{
	wire_stream_send(l->stream, type, buf_bytes(body), WIRE_PLAIN);
	buf_release(body);
}

/* Announce `other` to the node of `m`. */
static void announce(const struct member *m, const struct member *other)
{
	struct wire_neighbor neighbor = {
		.number = other->number,
		.address = other->conn->neighbor_address,
		.fingerprint = other->conn->entry->pin,
	};
	struct buf body = { 0 };

	wire_neighbor_encode_at(&body, &neighbor, m->conn->version);
	send_to_neighbor(m->conn, WIRE_NEIGHBOR, &body);
}

void peer_neighbors_join(struct peer_neighbors *n, struct peer_conn *l)
{
	const char *name = l->entry->site;
	struct site *site;
	struct member *m;

	if (!name || !l->neighbor_address ||
	    !wire_type_name(WIRE_NEIGHBOR, l->version))
		return;
	site = find_site(n, name);
	if (!site) {
		site = VEC_ADD(n->sites, n->n_sites);
		*site = (struct site){ .name = xstrdup(name) };
	}
	m = VEC_ADD(site->members, site->n_members);
	*m = (struct member){ .conn = l, .number = ++n->last_number };
	l->neighbor_number = m->number;
	for (size_t i = 0; i + 1 < site->n_members; i++) {
		announce(m, &site->members[i]);
		announce(&site->members[i], m);
	}
}

void peer_neighbors_leave(struct peer_neighbors *n, struct peer_conn *l)
{
	if (!l->neighbor_number)
		return;
	l->neighbor_number = 0;
	for (size_t i = 0; i < n->n_sites; i++) {
		struct site *site = &n->sites[i];

		for (size_t j = 0; j < site->n_members; j++) {
			if (site->members[j].conn == l) {
				site->members[j] =
					site->members[--site->n_members];
				return;
			}
		}
	}
}

static bool has_member(const struct site *site, uint32_t number)
{
	for (size_t i = 0; i < site->n_members; i++) {
		if (site->members[i].number == number)
			return true;
	}
	return false;
}

/* Find the holder that has served the fewest; NULL: none is left. */
static struct holder *choose_holder(const struct site *site,
				    struct site_blob *b)
{
	struct holder *best = NULL;

	for (size_t i = 0; i < b->n_holders; i++) {
		struct holder *h = &b->holders[i];

		if ((!best || h->n_served < best->n_served) &&
		    has_member(site, h->number))
			best = h;
	}
	return best;
}

static struct site_blob *get_site_blob(struct site *site,
				       const struct digest *d)
{
	struct site_blob **at = tfind(d, &site->blobs, digest_compare), *b;

	if (at)
		return *at;
	b = xcalloc(1, sizeof(*b));
	b->digest = *d;
	if (!tsearch(b, &site->blobs, digest_compare))
		str_out_of_memory();
	return b;
}

static bool is_holder(const struct site_blob *b, uint32_t number)
{
	for (size_t i = 0; i < b->n_holders; i++) {
		if (b->holders[i].number == number)
			return true;
	}
	return false;
}

/* Find the blob in the site of the node; NULL: the blob is not shared. */
static struct site_blob *find_shared(struct peer_neighbors *n,
				     const struct peer_conn *l,
				     const struct digest *d, uint64_t size,
				     struct site **site)
{
	if (!l->neighbor_number || size < PEER_NEIGHBORS_BLOB_MIN)
		return NULL;
	*site = find_site(n, l->entry->site);
	return *site ? get_site_blob(*site, d) : NULL;
}

void peer_neighbors_hold(struct peer_neighbors *n, const struct peer_conn *l,
			 const struct digest *d, uint64_t size)
{
	struct site *site;
	struct site_blob *b = find_shared(n, l, d, size, &site);

	if (b && !is_holder(b, l->neighbor_number))
		*VEC_ADD(b->holders, b->n_holders) = (struct holder){
			.number = l->neighbor_number
		};
}

bool peer_neighbors_direct(struct peer_neighbors *n, struct peer_conn *l,
			   const struct digest *d, uint64_t size)
{
	struct wire_fetch m = { .digest = *d, .size = size };
	struct buf body = { 0 };
	struct site *site;
	struct site_blob *b = find_shared(n, l, d, size, &site);
	struct holder *h;

	if (!b || is_holder(b, l->neighbor_number))
		return false;
	h = choose_holder(site, b);
	if (h) {
		h->n_served++;
		m.neighbor = h->number;
	}
	*VEC_ADD(b->holders, b->n_holders) = (struct holder){
		.number = l->neighbor_number
	};
	if (!m.neighbor)
		return false;
	wire_fetch_encode_at(&body, &m, l->version);
	send_to_neighbor(l, WIRE_FETCH, &body);
	return true;
}
