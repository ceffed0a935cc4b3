/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/give.h - one gift on its way to one node: KEEP, then the bytes that
 * NEED asks for, until KEPT.
 *
 * Files go one after the other, so that whatever ends the conversation costs
 * at most the piece of one: the node keeps every blob that came whole, and
 * asks for the others alone the next time.  They are packed on threads, ahead
 * of the stream, and once for all nodes (store/packed.h).
 */
#ifndef COORD_GIVE_H
#define COORD_GIVE_H

#include "coord/gift.h"
#include "coord/pool.h"
#include "wire/stream.h"

struct store_packed;

/* What is kept count of; added to, never cleared. */
struct coord_give_count {
	unsigned files_needed, files_sent;
	uint64_t bytes_needed, bytes_sent; /* unpacked */
};

struct coord_give_setup {
	struct wire_stream *stream;
	uint32_t keep; /* its number in the connection */
	const struct coord_gift *gift; /* borrowed */
	struct coord_pool *pool;
	struct store_packed *packed; /* of coord_ship_store() */
	struct coord_give_count *count;
	/*
	 * A file here cannot be had any more, so it can never be complete: from
	 * the loop, at most once.
	 */
	void (*failed)(void *ctx, const struct err *why);
	void *ctx;
};

struct coord_give;

/* Sends KEEP; drive it with the functions below. */
struct coord_give *coord_give_new(const struct coord_give_setup *setup);
/* NULL is fine.  What the pool has of it is left to the pool. */
void coord_give_free(struct coord_give *g);
/* A NEED with the bit WIRE_NEED_KEEP: 0, or -EPROTO with `err`. */
int coord_give_need(struct coord_give *g, const struct wire_need *m,
		    struct err *err);
/* There is room in the stream again. */
void coord_give_more(struct coord_give *g);
/* Once a second or so: there may be memory for packing again. */
void coord_give_retry(struct coord_give *g);

#endif
