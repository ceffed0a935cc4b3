/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/ship.h - the bytes of files, for the nodes that lack them.
 *
 * A file is read and packed once per build, on a worker thread, whatever the
 * number of nodes that get it.  To a node the files go in pieces, one of each
 * in turn, as long as its stream takes more; small files and big ones are
 * packed side by side.  So a compiler of 30 MB does not keep a header waiting.
 */
#ifndef COORD_SHIP_H
#define COORD_SHIP_H

#include "coord/path.h"
#include "coord/state.h"
#include "wire/frame.h"

struct coord_cell;
struct store_packed_blob;
struct wire_stream;
struct coord_ship; /* of one connection */

struct coord_ship *coord_ship_new(struct coord_peer *p);
/* Pieces under way are dropped. */
void coord_ship_free(struct coord_ship *s);
/* Send the content of this file; `cell` is spoiled if it cannot be had. */
void coord_ship_add(struct coord_ship *s, struct coord_cell *cell,
		    const struct coord_entry *e);
/* The cell is over: it cannot be spoiled any more. */
void coord_ship_forget(struct coord_ship *s, const struct coord_cell *cell);
/* There is room in the stream again. */
void coord_ship_more(struct coord_ship *s);
/* Once a second: there may be memory for packing again. */
void coord_ship_retry(struct coord_ship *s);

/* What all connections share: files in the form in which they are sent. */
struct store_packed *coord_ship_store(enum wire_codec *codec);
/* Send piece `i` of what such a store packed. */
void coord_ship_piece(struct wire_stream *stream,
		      const struct store_packed_blob *blob, size_t i);

#endif
