/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/ship.h - the bytes of files, for the nodes that lack them.
 *
 * A file is read and packed once per build, on a worker thread, whatever the
 * number of nodes that get it.  To a node the files go in pieces, one of each
 * in turn, as long as its stream takes more; small files and big ones are
 * packed side by side.  So a compiler of 30 MB does not keep a header waiting.
 *
 * Files of which a node keeps what came whole (those of a bundle) take one
 * turn together and go one after the other: whatever ends the conversation
 * costs at most the pieces of one of them.
 */
#ifndef PEER_SHIP_H
#define PEER_SHIP_H

#include "base/err.h"
#include "inputs/path.h"
#include "wire/frame.h"

struct pool;
struct store_packed;
struct store_packed_blob;
struct wire_stream;
struct peer_ship; /* of one connection */

/* What is kept count of; added to, never cleared. */
struct peer_ship_count {
	unsigned files_needed, files_sent;
	uint64_t bytes_needed, bytes_sent; /* unpacked */
};

/* Who wants files: part of a cell, or of a bundle on its way. */
struct peer_ship_user {
	/*
	 * This file cannot be had any more: never from within peer_ship_add().
	 * The user may be forgotten from here.
	 */
	void (*failed)(void *ctx, const struct inputs_entry *e,
		       const char *why);
	void *ctx;
	const char *top; /* where the paths of its entries begin: "", DIR */
	bool in_order; /* its files go one after the other */
	struct peer_ship_count *count; /* NULL: nobody asks */
};

struct peer_ship *peer_ship_new(struct wire_stream *stream, struct pool *pool,
				struct store_packed *packed);
/* Pieces under way are dropped.  NULL is fine. */
void peer_ship_free(struct peer_ship *s);
/* Send the content of this file, which lives until `user` is forgotten. */
void peer_ship_add(struct peer_ship *s, struct peer_ship_user *user,
		   const struct inputs_entry *e);
/*
 * It hears of nothing any more.  What it wanted is sent all the same: the node
 * asks for each content once, and may count on it for another cell.
 */
void peer_ship_forget(struct peer_ship *s, const struct peer_ship_user *user);
/* There is room in the stream again. */
void peer_ship_more(struct peer_ship *s);
/* Once a second or so: there may be memory for packing again. */
void peer_ship_retry(struct peer_ship *s);

/* What all connections share: files in the form in which they are sent. */
struct store_packed *peer_ship_store(enum wire_codec *codec);
/* Send piece `i` of what such a store packed. */
void peer_ship_piece(struct wire_stream *stream,
		     const struct store_packed_blob *blob, size_t i);

#endif
