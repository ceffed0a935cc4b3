/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/ship.h - the bytes of files, for the nodes that lack them.
 *
 * A file is read and packed once per build, on a worker thread, whatever the
 * number of nodes that get it.  To a node the files go in pieces, one of each
 * in turn, as long as its stream takes more; small files and big ones are
 * packed side by side.  So a compiler of 30 MB does not keep a header waiting.
 */
#ifndef PEER_SHIP_H
#define PEER_SHIP_H

#include "coord/state.h"
#include "inputs/path.h"
#include "wire/frame.h"

struct peer_cell;
struct store_packed_blob;
struct wire_stream;
struct peer_ship; /* of one connection */

struct peer_ship *peer_ship_new(struct peer *p);
/* Pieces under way are dropped. */
void peer_ship_free(struct peer_ship *s);
/* Send the content of this file; `cell` is spoiled if it cannot be had. */
void peer_ship_add(struct peer_ship *s, struct peer_cell *cell,
		   const struct inputs_entry *e);
/* The cell is over: it cannot be spoiled any more. */
void peer_ship_forget(struct peer_ship *s, const struct peer_cell *cell);
/* There is room in the stream again. */
void peer_ship_more(struct peer_ship *s);
/* Once a second: there may be memory for packing again. */
void peer_ship_retry(struct peer_ship *s);

/* What all connections share: files in the form in which they are sent. */
struct store_packed *peer_ship_store(enum wire_codec *codec);
/* Send piece `i` of what such a store packed. */
void peer_ship_piece(struct wire_stream *stream,
		     const struct store_packed_blob *blob, size_t i);

#endif
