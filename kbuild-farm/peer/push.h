/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/push.h - one gift on its way to one node: KEEP, then the bytes that
 * NEED asks for, until KEPT.
 *
 * Files go one after the other, so that whatever ends the conversation costs
 * at most the piece of one: the node keeps every blob that came whole, and
 * asks for the others alone the next time.  They are packed on threads, ahead
 * of the stream, and once for all nodes (store/packed.h).
 */
#ifndef PEER_PUSH_H
#define PEER_PUSH_H

#include "base/pool.h"
#include "peer/bundle.h"
#include "wire/stream.h"

struct store_packed;

/* What is kept count of; added to, never cleared. */
struct peer_push_count {
	unsigned files_needed, files_sent;
	uint64_t bytes_needed, bytes_sent; /* unpacked */
};

struct peer_push_setup {
	struct wire_stream *stream;
	uint32_t keep; /* its number in the connection */
	const struct peer_bundle *gift; /* borrowed */
	struct pool *pool;
	struct store_packed *packed; /* of peer_ship_store() */
	struct peer_push_count *count;
	/*
	 * A file here cannot be had any more, so it can never be complete: from
	 * the loop, at most once.
	 */
	void (*failed)(void *ctx, const struct err *why);
	void *ctx;
};

struct peer_push;

/* Sends KEEP; drive it with the functions below. */
struct peer_push *peer_push_new(const struct peer_push_setup *setup);
/* NULL is fine.  What the pool has of it is left to the pool. */
void peer_push_free(struct peer_push *g);
/* A NEED with the bit WIRE_NEED_KEEP: 0, or -EPROTO with `err`. */
int peer_push_need(struct peer_push *g, const struct wire_need *m,
		   struct err *err);
/* There is room in the stream again. */
void peer_push_more(struct peer_push *g);
/* Once a second or so: there may be memory for packing again. */
void peer_push_retry(struct peer_push *g);

#endif
