/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/neighbor.h - Exchange of blobs with other nodes of the site.
 *
 * The build host announces the nodes of a site to each other (NEIGHBOR).  When
 * a node has requested a blob that a neighbor has or will receive, the build
 * host can send FETCH instead of BLOB: the node connects to the neighbor,
 * authenticates itself with the key of its listener, and sends GET.  The
 * neighbor sends each piece of the blob as soon as the piece is available, or
 * GONE if it neither has the blob nor has requested it.  The node verifies the
 * digest of the blob, so it need not trust the neighbor.  After any failure,
 * the node requests the blob from the build host again.
 *
 * The node serves the GETs of a neighbor as long as a client that has announced
 * this neighbor is connected.  Afterwards, the node rejects new GETs, serves
 * the pending GETs and closes the connection.  HELLO and GET are the only
 * messages that the node accepts from the neighbor on this connection.
 */
#ifndef KFARMD_NEIGHBOR_H
#define KFARMD_NEIGHBOR_H

#include "base/err.h"
#include "base/list.h"
#include "wire/msg.h"
#include "wire/stream.h"

#include <stdbool.h>

struct kfarmd;
struct kfarmd_blobs;
struct kfarmd_neighbor_server;
struct kfarmd_neighbors;
struct kfarmd_session_peer;
struct tls_context;

TAILQ_HEAD(kfarmd_neighbors_list, kfarmd_neighbors);
TAILQ_HEAD(kfarmd_neighbor_servers, kfarmd_neighbor_server);

/* limit on the neighbors that a client announces */
#define KFARMD_NEIGHBORS_MAX 1024

/*
 * Create the list of neighbors of a client, whose requested blobs are `blobs`.
 * If a neighbor does not send a blob, the event loop calls send_need() to
 * request the blob from the client.
 */
struct kfarmd_neighbors *kfarmd_neighbors_new(
	struct kfarmd *a, struct kfarmd_blobs *blobs,
	void (*send_need)(void *ctx, const struct wire_need *need), void *ctx);
/*
 * Close all connections to neighbors without calling send_need().  NULL is
 * allowed.
 */
void kfarmd_neighbors_free(struct kfarmd_neighbors *n);
/*
 * Handle a NEIGHBOR or FETCH message of protocol version `version`.  A neighbor
 * beyond KFARMD_NEIGHBORS_MAX is ignored.  Returns 0, or -EPROTO with `err` set
 * if the session must end.
 */
int kfarmd_neighbors_handle_msg(struct kfarmd_neighbors *n, uint16_t type,
				struct bytes body, int version,
				struct err *err);

/* Return true if a client has announced a neighbor with this key. */
bool kfarmd_neighbor_is_announced(const struct kfarmd *a,
				  const struct digest *fingerprint);
/* Serve blobs to a neighbor.  Takes ownership of `io`. */
void kfarmd_neighbor_serve(struct kfarmd *a, struct wire_io io,
			   const struct kfarmd_session_peer *who);
/* Close all connections that neighbors have opened. */
void kfarmd_neighbor_end_all(struct kfarmd *a);

#endif
