/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/inode.h - what stands at a path, as VIEW tells it.
 */
#ifndef WIRE_INODE_H
#define WIRE_INODE_H

#include "base/buf.h"
#include "base/digest.h"

enum wire_kind {
	WIRE_FILE,
	WIRE_LINK, /* a symbolic link */
	WIRE_DIR,
	WIRE_GONE, /* what was there is removed, with all below it */
};

struct wire_inode {
	uint8_t kind; /* enum wire_kind */
	uint8_t executable; /* a file's, 0 or 1 */
	uint64_t size; /* a file's, at most WIRE_BLOB_MAX */
	int64_t mtime_ns; /* a file's, since 1970 */
	struct digest digest; /* a file's */
	char *target; /* a link's, 1 to WIRE_PATH_MAX bytes; else NULL */
};

/* The fewest bytes of one on the wire: u8 kind; and those of this one. */
#define WIRE_INODE_MIN 1
size_t wire_inode_size(const struct wire_inode *inode);
void wire_inode_put(struct buf *out, const struct wire_inode *inode);
/*
 * Sets `bad` where the kind is beyond `last`, a file's size beyond its limit,
 * or a link's target empty.  The target is the caller's to free, also then.
 */
void wire_inode_get(struct reader *r, struct wire_inode *inode,
		    enum wire_kind last);

#endif
