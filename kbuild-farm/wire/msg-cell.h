/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/msg-cell.h - the messages about a cell and the files in it:
 * CELL, HAVE, VIEW, NEED and BLOB.
 *
 * A cell is the place on a node where the jobs of one toolchain run: its view
 * is the files that they see.  The rules of wire/msg.h hold.
 */
#ifndef WIRE_MSG_CELL_H
#define WIRE_MSG_CELL_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/str.h"
#include "wire/field.h"
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
	char *kept;
};

/*
 * -EPROTO too where driver or a root is no path in normal form (wire_path_ok())
 * or `kept` neither empty nor wire_id_ok().
 */
WIRE_MESSAGE(cell);

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

WIRE_MESSAGE(have);

enum wire_kind {
	WIRE_FILE,
	WIRE_LINK, /* a symbolic link */
	WIRE_DIR,
	WIRE_GONE, /* what was there is removed, with all below it */
};

/* What stands at a path. */
struct wire_inode {
	uint8_t kind; /* enum wire_kind */
	uint8_t executable; /* a file's, 0 or 1 */
	uint64_t size; /* a file's, at most WIRE_BLOB_MAX */
	int64_t mtime_ns; /* a file's, since 1970 */
	struct digest digest; /* a file's */
	char *target; /* a link's, 1 to WIRE_PATH_MAX bytes; else NULL */
};

WIRE_MESSAGE(inode);

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

/*
 * How many of the first `n` entries fit into one VIEW: at least 1 of any, so
 * a list of any length is sent as several.
 */
uint32_t wire_view_fits(const struct wire_entry *entries, size_t n);
/*
 * -EPROTO too where a path's number is there twice or can be none, a file's
 * size is beyond its limit, or the view's number is 0.  Whether PATHS gave
 * those numbers is for the caller to see.
 */
WIRE_MESSAGE(view);

struct wire_need {
	uint32_t cell;
	uint32_t view;
	uint32_t n; /* at most WIRE_VIEW_ENTRIES */
	uint32_t *index; /* of that VIEW's entries, ascending */
};

/* -EPROTO too where an index is not above the one before, or can be none. */
WIRE_MESSAGE(need);

/* A piece of a file's bytes. */
struct wire_blob {
	struct digest digest; /* of the whole file */
	uint64_t size; /* of the whole file */
	uint64_t offset; /* of this piece */
	struct bytes data; /* WIRE_CHUNK_MAX at most; borrowed when decoded */
};

/* -EPROTO too where the piece is not within the size, or empty and size > 0. */
WIRE_MESSAGE(blob);

#endif
