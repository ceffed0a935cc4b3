/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/neighbors.h - Nodes of a site that get blobs from each other.
 *
 * The nodes of a site (the key `site` of the configuration) are announced to
 * each other.  If no node of the site has a large blob, the first one that
 * requests it receives it from the build host.  Each other one is directed to
 * the node that has sent the blob to the fewest others, whether that node has
 * the blob already or is about to receive it: the nodes form a tree, and the
 * uplink carries the blob once.  A node that requests a blob again, because the
 * neighbor has failed, receives it from the build host.
 */
#ifndef PEER_NEIGHBORS_H
#define PEER_NEIGHBORS_H

#include "base/digest.h"

#include <stdbool.h>

struct peer_conn;
struct peer_neighbors;

/* Blobs of at least this size come from neighbors. */
#define PEER_NEIGHBORS_BLOB_MIN (64u << 10)

/* Create the sites of a build. */
struct peer_neighbors *peer_neighbors_new(void);
void peer_neighbors_free(struct peer_neighbors *n);
/*
 * Announce a node, whose greeting is complete, and the other nodes of its site
 * to each other.  Does nothing if the node has no site, is no tls: node, or
 * does not support it.
 */
void peer_neighbors_join(struct peer_neighbors *n, struct peer_conn *l);
/* The node's session ends.  Does nothing if the node has not joined. */
void peer_neighbors_leave(struct peer_neighbors *n, struct peer_conn *l);
/* The node has the blob, because it has not requested it. */
void peer_neighbors_hold(struct peer_neighbors *n, const struct peer_conn *l,
			 const struct digest *d, uint64_t size);
/*
 * The node requests a blob of `size` bytes: direct it to a neighbor if that is
 * possible.  Otherwise return false; the caller sends the blob.
 */
bool peer_neighbors_direct(struct peer_neighbors *n, struct peer_conn *l,
			   const struct digest *d, uint64_t size);

#endif
