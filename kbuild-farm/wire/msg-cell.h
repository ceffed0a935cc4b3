/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/msg-cell.h - the messages about a cell and the files in it:
 * CELL, HAVE, SHUT, VIEW, NEED and BLOB.
 *
 * A cell is the place on a node where the jobs of one toolchain run: its view
 * is the files that they see.  The rules of wire/msg.h hold.
 */
#ifndef WIRE_MSG_CELL_H
#define WIRE_MSG_CELL_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/str.h"
#include "wire/inode.h"
#include "wire/limits.h"

struct wire_cell {
	uint32_t cell; /* unique in this connection */
	struct digest toolchain; /* compiler_manifest_id() */
	uint8_t is_clang;
	char *driver; /* its absolute path in the view */
	struct strv roots; /* directories of the client, WIRE_ROOTS at most */
	/*
	 * The id of a toolchain that the node holds, and uses in place of what
	 * VIEWs of part 1 and 2 would bring; "" or, to be encoded, NULL: none.
	 */
	char *own;
};

void wire_cell_release(struct wire_cell *m);
void wire_cell_encode(struct buf *out, const struct wire_cell *m);
/*
 * -EPROTO too where driver or a root is no path in normal form (wire_path_ok())
 * or `own` neither empty nor wire_id_ok().
 */
int wire_cell_decode(struct wire_cell *m, struct bytes in);

enum wire_have_state {
	WIRE_HAVE_READY, /* its toolchain is complete, its jobs run */
	WIRE_HAVE_REFUSED, /* it will never be */
	WIRE_HAVE_LOST, /* it was ready, and is gone */
};

struct wire_have {
	uint32_t cell;
	uint8_t state; /* enum wire_have_state */
	/*
	 * For people, may be empty; of a cell that is ready with a toolchain
	 * of the node's own the compiler_manifest_id() of that, in hex.
	 */
	char *detail;
};

void wire_have_release(struct wire_have *m);
void wire_have_encode(struct buf *out, const struct wire_have *m);
int wire_have_decode(struct wire_have *m, struct bytes in);

/* The body of SHUT. */
void wire_shut_encode(struct buf *out, uint32_t cell);
int wire_shut_decode(uint32_t *cell, struct bytes in);

struct wire_entry {
	uint32_t path; /* a number that PATHS gave */
	struct wire_inode inode;
};

enum wire_part {
	WIRE_PART_TREE,
	WIRE_PART_TOOLCHAIN, /* more of it follows */
	WIRE_PART_TOOLCHAIN_END, /* with this VIEW it is complete */
};

struct wire_view {
	uint32_t cell;
	uint32_t view; /* 1, 2, ... in each cell */
	uint8_t part; /* enum wire_part */
	uint32_t n; /* at most WIRE_VIEW_ENTRIES */
	struct wire_entry *entries; /* applied in this order */
};

void wire_view_release(struct wire_view *m);
/*
 * How many of the first `n` entries fit into one VIEW: at least 1 of any, so
 * a list of any length is sent as several.
 */
uint32_t wire_view_fits(const struct wire_entry *entries, size_t n);
void wire_view_encode(struct buf *out, const struct wire_view *m);
/*
 * -EPROTO too where a path's number is there twice or can be none, a file's
 * size is beyond its limit, or the view's number is 0.  Whether PATHS gave
 * those numbers is for the caller to see.
 */
int wire_view_decode(struct wire_view *m, struct bytes in);

struct wire_need {
	uint32_t cell;
	uint32_t view;
	uint32_t n; /* at most WIRE_VIEW_ENTRIES */
	uint32_t *index; /* of that VIEW's entries, ascending */
};

void wire_need_release(struct wire_need *m);
void wire_need_encode(struct buf *out, const struct wire_need *m);
/* -EPROTO too where an index is not above the one before, or can be none. */
int wire_need_decode(struct wire_need *m, struct bytes in);

/* A piece of a file's bytes. */
struct wire_blob {
	struct digest digest; /* of the whole file */
	uint64_t size; /* of the whole file */
	uint64_t offset; /* of this piece */
	struct bytes data; /* WIRE_CHUNK_MAX at most; borrowed when decoded */
};

void wire_blob_encode(struct buf *out, const struct wire_blob *m);
/* -EPROTO too where the piece is not within the size, or empty and size > 0. */
int wire_blob_decode(struct wire_blob *m, struct bytes in);

#endif
