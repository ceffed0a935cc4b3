/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/neighbors.h - Nodes of a site that get blobs from each other.
 *
 * The nodes of a site (the key `site` of the configuration) form groups of at
 * most 128 nodes.  The nodes of a group are announced to each other.  The first
 * node of a group that requests a large blob receives it from the build host.
 * The build host directs each later node to a neighbor that has the blob or is
 * about to receive it.  Of these neighbors, it selects the one that was
 * selected least often for this blob.  The blob is thus transferred only once
 * per group over the link between the build host and the site.  If the neighbor
 * fails, the node requests the blob again and receives it from the build host.
 */
#ifndef PEER_NEIGHBORS_H
#define PEER_NEIGHBORS_H

#include "base/digest.h"

#include <stdbool.h>

struct peer_conn;
struct peer_neighbors;

/* Only blobs of at least this size are fetched from neighbors. */
#define PEER_NEIGHBORS_BLOB_MIN (64u << 10)

/* Create the state for the sites of a build, without nodes. */
struct peer_neighbors *peer_neighbors_new(void);
void peer_neighbors_free(struct peer_neighbors *n);
/*
 * Announce a node, whose greeting is complete, and the other nodes of its group
 * to each other.  Does nothing if the node has no site, is not a tls: node, or
 * speaks a version without NEIGHBOR.
 */
void peer_neighbors_join(struct peer_neighbors *n, struct peer_conn *l);
/* Remove a node whose session ends.  Does nothing if it has not joined. */
void peer_neighbors_leave(struct peer_neighbors *n, struct peer_conn *l);
/*
 * Record that the node has a blob, because a VIEW contained the blob and the
 * node did not request it by NEED.
 */
void peer_neighbors_hold(struct peer_neighbors *n, const struct peer_conn *l,
			 const struct digest *d, uint64_t size);
/*
 * Direct a node that requests a blob of `size` bytes to a neighbor if possible.
 * Returns false if the caller must send the blob.
 */
bool peer_neighbors_direct(struct peer_neighbors *n, struct peer_conn *l,
			   const struct digest *d, uint64_t size);

#endif
