/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store/store.h - blobs on disk, found by their SHA-256.
 *
 *	DIR/sha256/ab/cdef...	a blob: mode 0444, put there by rename
 *	DIR/live/NAME/		what one open store holds: flock'ed by it
 *		in.N		a blob that is still arriving
 *		status		its owner's, if it likes (store_private_dir())
 *		pin.abcdef...	a hard link to a pinned blob
 *
 * Nothing on disk is believed.  A blob is hashed when it enters, and again
 * each time it is handed out; one that is not what its name says, or is no
 * plain file, is removed and counts as missing: ask for it again.  So nothing
 * is ever synced either: what a power failure tears is found like that.
 *
 * A pin is a hard link, and the collector passes over what has more than one
 * name.  That needs no lock between processes: whoever has made its link has
 * the blob, whatever happens to the other name.  A process that dies leaves
 * its directory unlocked, and the next one that opens or collects removes it,
 * pins and torn blobs included.  (A child that lives on without exec has to
 * close its descriptors, or that is put off until it ends.)
 *
 * Several stores, also of several processes, may be open on one directory.
 * One handle may be used by any number of threads.  Calls do file I/O but
 * wait for nobody; the collector has a thread of its own, which starts to
 * work above 7/8 of the limit and stops at 3/4, least recently used first.
 *
 * Errors that any of it may return: -ENOSPC, -EDQUOT, -EIO, -EROFS, -EMFILE,
 * -ENOENT when the directory was taken away.  None harms what is stored.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/digest.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

/*
 * Open the store in `dir`, made with mode 0700 where it is not there.  It is
 * refused when it belongs to somebody else, or others may write to it, or its
 * file system has no hard links.  `limit` is in bytes of disk; 0 stands for
 * store_limit_default().  Does not look at the blobs, however many.
 */
int store_open(struct store **out, const char *dir, uint64_t limit,
	       struct err *err);
/* Ends the collector and unpins everything.  NULL is fine. */
void store_free(struct store *s);
/*
 * A fifth of the file system that `dir` lies, or would lie, on, but at most
 * 10 GiB and at least 64 MiB.
 */
uint64_t store_limit_default(const char *dir);

/* Is it there, by name and size?  Tells nothing of a moment later. */
bool store_has(struct store *s, const struct digest *d, uint64_t size);
/*
 * Is it there?  Then it stays until it was unpinned as often as pinned.
 * Returns 0; -ENOENT; another error.  Damage shows only when it is read.
 */
int store_pin(struct store *s, const struct digest *d, uint64_t size);
void store_unpin(struct store *s, const struct digest *d);

/* A blob that arrives.  One thread at a time; several may bring the same. */
struct store_in;

/*
 * Expect a blob of `size` bytes.  `pin`: it is pinned from store_in_end() on.
 * Takes a descriptor until the end, so begin when the first piece is there.
 * Returns 0; -EFBIG: larger than the whole store may be; -ENOSPC: what is
 * pinned and what arrives leaves no room for it below the limit, or the disk
 * is full.  At the limit this may collect before it answers.
 */
int store_in_begin(struct store_in **out, struct store *s,
		   const struct digest *d, uint64_t size, bool pin);
/* -EMSGSIZE beyond the announced size.  After an error only the end is left. */
int store_in_add(struct store_in *in, struct bytes piece);
/*
 * Verify, publish and free `in`.  0; -EBADMSG: too short, or not what the
 * digest says; or the error that store_in_add() gave.
 */
int store_in_end(struct store_in *in);
/* Give it up and free it.  NULL is fine. */
void store_in_abort(struct store_in *in);

/*
 * A descriptor to read a blob with, at its beginning, after all of it was
 * hashed.  -ENOENT: it is not there, or not of that size; -EBADMSG: it was
 * damaged, and is not there any more; another error.
 */
int store_open_blob(struct store *s, const struct digest *d, uint64_t size);

/*
 * Collect down to `target` bytes, 0 for what the limit asks, on the caller's
 * thread; nothing happens below it.  Also removes what dead processes left.
 * 0, also when pins prevent it; a negative errno when the directory cannot be
 * read.
 */
int store_gc(struct store *s, uint64_t target);

/* Its DIR/live/NAME, the store's; what the owner puts there ends with it. */
int store_private_dir(const struct store *s);

struct store_stats {
	uint64_t limit;
	bool counted; /* `used` and `blobs` mean all, not what came since */
	uint64_t used, blobs; /* bytes of disk; others' as of the last look */
	uint64_t arriving; /* bytes announced and not yet published */
	uint64_t pinned; /* digests pinned by this handle */
	uint64_t in, in_bytes; /* published by this handle */
	uint64_t out, out_bytes; /* handed out */
	uint64_t damaged; /* removed because they were not what they should */
	uint64_t collected, collected_bytes;
};

void store_stats(struct store *s, struct store_stats *out);

#endif
