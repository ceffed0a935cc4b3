/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/neighbors.h"

#include "base/str.h"
#include "base/vec.h"
#include "peer/conn.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/*
 * Maximum number of nodes in a group.  Each node is announced to all other
 * nodes of its group, so this limit also bounds the number of announcements.
 */
#define GROUP_NODES_MAX 128

/* A node that has joined. */
struct group_node {
	struct peer_conn *conn;
	uint32_t number;
};

/* A node that has a blob or is about to receive it. */
struct holder {
	uint32_t number; /* of the node, which may have left */
	unsigned n_served; /* number of nodes that were directed to this one */
};

/* A blob in a group. */
struct group_blob {
	struct digest digest; /* first member, for tsearch() */
	struct holder *holders;
	size_t n_holders;
};

struct group {
	char *site;
	struct group_node *nodes;
	size_t n_nodes;
	void *blobs; /* tree of struct group_blob */
};

struct peer_neighbors {
	struct group *groups;
	size_t n_groups;
	uint32_t last_number; /* number of the node that joined last */
};

struct peer_neighbors *peer_neighbors_new(void)
{
	return xcalloc(1, sizeof(struct peer_neighbors));
}

static void free_group_blob(void *at)
{
	struct group_blob *b = at;

	free(b->holders);
	free(b);
}

void peer_neighbors_free(struct peer_neighbors *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n_groups; i++) {
		free(n->groups[i].site);
		free(n->groups[i].nodes);
		tdestroy(n->groups[i].blobs, free_group_blob);
	}
	free(n->groups);
	free(n);
}

/* Find a group of the site with room for a node, or add one. */
static struct group *get_group(struct peer_neighbors *n, const char *site)
{
	struct group *g;

	for (size_t i = 0; i < n->n_groups; i++) {
		g = &n->groups[i];
		if (!strcmp(g->site, site) && g->n_nodes < GROUP_NODES_MAX)
			return g;
	}
	g = VEC_ADD(n->groups, n->n_groups);
	*g = (struct group){ .site = xstrdup(site) };
	return g;
}

static struct group_node *find_node(const struct group *g, uint32_t number)
{
	for (size_t i = 0; i < g->n_nodes; i++) {
		if (g->nodes[i].number == number)
			return &g->nodes[i];
	}
	return NULL;
}

/* Return the group of a node, or NULL if the node has not joined. */
static struct group *find_group(const struct peer_neighbors *n,
				const struct peer_conn *l)
{
	for (size_t i = 0; l->neighbor_number && i < n->n_groups; i++) {
		if (find_node(&n->groups[i], l->neighbor_number))
			return &n->groups[i];
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

/* Announce `other` to `node`. */
static void announce(const struct group_node *node,
		     const struct group_node *other)
{
	struct wire_neighbor neighbor = {
		.number = other->number,
		.address = other->conn->neighbor_address,
		.fingerprint = other->conn->entry->pin,
	};
	struct buf body = { 0 };

	wire_neighbor_encode_at(&body, &neighbor, node->conn->version);
	send_to_neighbor(node->conn, WIRE_NEIGHBOR, &body);
}

void peer_neighbors_join(struct peer_neighbors *n, struct peer_conn *l)
{
	struct group_node *node;
	struct group *g;

	if (!l->entry->site || !l->neighbor_address ||
	    !wire_type_name(WIRE_NEIGHBOR, l->version))
		return;
	g = get_group(n, l->entry->site);
	node = VEC_ADD(g->nodes, g->n_nodes);
	*node = (struct group_node){ .conn = l, .number = ++n->last_number };
	l->neighbor_number = node->number;
	for (size_t i = 0; i + 1 < g->n_nodes; i++) {
		announce(node, &g->nodes[i]);
		announce(&g->nodes[i], node);
	}
}

void peer_neighbors_leave(struct peer_neighbors *n, struct peer_conn *l)
{
	struct group *g = find_group(n, l);

	if (g) {
		*find_node(g, l->neighbor_number) = g->nodes[g->n_nodes - 1];
		g->n_nodes--;
	}
	l->neighbor_number = 0;
}

/* Return the holder with the lowest n_served, or NULL if all have left. */
static struct holder *choose_holder(const struct group *g, struct group_blob *b)
{
	struct holder *best = NULL;

	for (size_t i = 0; i < b->n_holders; i++) {
		struct holder *h = &b->holders[i];

		if ((!best || h->n_served < best->n_served) &&
		    find_node(g, h->number))
			best = h;
	}
	return best;
}

static struct group_blob *get_group_blob(struct group *g,
					 const struct digest *d)
{
	struct group_blob **at = tfind(d, &g->blobs, digest_compare), *b;

	if (at)
		return *at;
	b = xcalloc(1, sizeof(*b));
	b->digest = *d;
	if (!tsearch(b, &g->blobs, digest_compare))
		str_out_of_memory();
	return b;
}

static bool is_holder(const struct group_blob *b, uint32_t number)
{
	for (size_t i = 0; i < b->n_holders; i++) {
		if (b->holders[i].number == number)
			return true;
	}
	return false;
}

/*
 * Find or add the blob in the node's group.  Returns NULL if the blob is too
 * small or the node has no group.
 */
static struct group_blob *find_shared(struct peer_neighbors *n,
				      const struct peer_conn *l,
				      const struct digest *d, uint64_t size,
				      struct group **g)
{
	if (size < PEER_NEIGHBORS_BLOB_MIN)
		return NULL;
	*g = find_group(n, l);
	return *g ? get_group_blob(*g, d) : NULL;
}

void peer_neighbors_hold(struct peer_neighbors *n, const struct peer_conn *l,
			 const struct digest *d, uint64_t size)
{
	struct group *g;
	struct group_blob *b = find_shared(n, l, d, size, &g);

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
	struct group *g;
	struct group_blob *b = find_shared(n, l, d, size, &g);
	struct holder *h;

	if (!b || is_holder(b, l->neighbor_number))
		return false;
	h = choose_holder(g, b);
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
