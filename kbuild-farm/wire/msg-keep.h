/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/msg-keep.h - the messages about the toolchains that a node keeps on its
 * disk: KEEP, KEPT, TOOLS, HELD and DROP.
 *
 * A kept toolchain is a directory of files that were built for a machine that
 * the node runs, and perhaps the build host does not; CELL names it as `own`.
 * The rules of wire/msg.h hold.
 */
#ifndef WIRE_MSG_KEEP_H
#define WIRE_MSG_KEEP_H

#include "base/buf.h"
#include "base/digest.h"
#include "wire/inode.h"
#include "wire/limits.h"

#include <stdbool.h>

/*
 * A NEED for a KEEP has this bit in `cell`, the number of the KEEP in the
 * others, and as `view` which of its messages it is about, from 1.
 */
#define WIRE_NEED_KEEP 0x80000000u

/*
 * Is it the id of a toolchain: 1 to WIRE_ID_MAX letters, digits and "._+-",
 * the first one a letter or a digit?
 */
bool wire_id_ok(const char *id);
/* Is it a host: 1 to WIRE_HOST_MAX of a-z, 0-9 and '_'?  "arm64". */
bool wire_host_ok(const char *host);
/*
 * Is it a path in normal form below a directory: 1 to WIRE_PATH_MAX bytes,
 * no '/' at either end, no component that is empty, "." or ".."?
 */
bool wire_relative_ok(const char *path);

/* A file of a toolchain that is to be kept. */
struct wire_keep_entry {
	char *path; /* below the toolchain's directory */
	struct wire_inode inode; /* none that is GONE */
};

/*
 * Keep a toolchain.  A long one is several messages with one number, in which
 * everything up to `last` is the same.
 */
struct wire_keep {
	uint32_t keep; /* unique in this connection, below WIRE_NEED_KEEP */
	char *id;
	char *host; /* what its programs run on */
	struct digest tree; /* over all entries; see wire/PROTOCOL */
	struct digest twin; /* id of the build host's own build, zero: none */
	uint8_t last; /* 1: nothing follows */
	char *json; /* its toolchain.json, "" but in the last one */
	uint32_t n; /* at most WIRE_VIEW_ENTRIES */
	struct wire_keep_entry *entries;
};

void wire_keep_release(struct wire_keep *m);
/* How many of the first `n` entries fit into one KEEP: at least 1 of any. */
uint32_t wire_keep_fits(const struct wire_keep_entry *entries, size_t n);
void wire_keep_encode(struct buf *out, const struct wire_keep *m);
/*
 * -EPROTO too where id, host or a path is not in form, a file's size beyond
 * its limit, or json stands in a message that is not the last.
 */
int wire_keep_decode(struct wire_keep *m, struct bytes in);

/* The answer to a KEEP or a DROP. */
struct wire_kept {
	uint32_t keep;
	uint8_t state; /* 0: it is so; 1: refused, and `detail` says why */
	struct digest tree; /* of what is there; zero where nothing is */
	char *detail;
};

void wire_kept_release(struct wire_kept *m);
void wire_kept_encode(struct buf *out, const struct wire_kept *m);
int wire_kept_decode(struct wire_kept *m, struct bytes in);

/* What do you hold? */
struct wire_tools {
	uint32_t ask; /* kfarm's choice, comes back in HELD */
	uint8_t verify; /* 1: read and hash all of it */
};

void wire_tools_encode(struct buf *out, const struct wire_tools *m);
int wire_tools_decode(struct wire_tools *m, struct bytes in);

enum wire_held_state {
	WIRE_HELD_OK,
	WIRE_HELD_DAMAGED, /* and never used; `detail` names a file */
	WIRE_HELD_IN_USE, /* good, and a cell uses it */
};

struct wire_held_one {
	char *id;
	char *host;
	struct digest tree;
	uint8_t state; /* enum wire_held_state */
	char *detail; /* for people; may be empty */
};

struct wire_held {
	uint32_t ask;
	uint8_t last; /* 1: nothing follows */
	uint32_t n; /* at most WIRE_HELD_MAX */
	struct wire_held_one *all;
};

void wire_held_release(struct wire_held *m);
void wire_held_encode(struct buf *out, const struct wire_held *m);
int wire_held_decode(struct wire_held *m, struct bytes in);

/* Remove it; KEPT answers. */
struct wire_drop {
	uint32_t keep; /* a number as KEEP's */
	char *id;
};

void wire_drop_release(struct wire_drop *m);
void wire_drop_encode(struct buf *out, const struct wire_drop *m);
int wire_drop_decode(struct wire_drop *m, struct bytes in);

#endif
