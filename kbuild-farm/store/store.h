/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store/store.h - Content-addressed blob store on disk.
 *
 * 	DIR/sha256/ab/cdef...	entry of a blob: mode 0444, created by rename
 * 	DIR/action/ab/cdef...	optional; the result of an action, addressed by
 * 				a key (see "Records" below)
 * 	DIR/note/ab/cdef...	optional; a note about results, addressed by a
 * 				key
 * 	DIR/usage		disk space in use (store/usage.c)
 * 	DIR/live/NAME/		scratch directory of an open store, locked
 * 				with flock
 * 		in.N		a blob that is being written
 * 		status		optional; a file that the caller creates
 * 				through store_scratch_fd()
 * 		pin.abcdef...	a hard link to a pinned blob
 *
 * The store assumes that files can be damaged.  It hashes a blob when it writes
 * the blob, and again each time it opens the blob, except in
 * store_open_unverified().  It removes a damaged blob, and also a directory or
 * special file that it finds in place of a blob.  The blob then counts as
 * missing, so the caller requests it again.  Therefore the store syncs no file:
 * it detects damage after a power failure in the same way.
 *
 * A pin is a hard link, and the collector skips files with more than one link.
 * Pins need no lock between processes: a process that has created the link can
 * open the blob even if the entry is removed.  When a process dies, its scratch
 * directory becomes unlocked.  The next process that opens the store or
 * collects garbage removes the directory with its pins and partial blobs.  (A
 * forked child that calls no exec must close the descriptors of the store.
 * Otherwise the directory remains locked until the child exits.)
 *
 * One directory can be open as several stores, in one process or in several.
 * All functions are thread-safe.  They perform file I/O, but do not wait while
 * another thread reads, writes or hashes a blob.  Only store_gc(), store_free()
 * and writes at the limit wait for a running collection.  The collector runs on
 * a separate thread: it starts above 7/8 of the limit and removes the least
 * recently used blobs down to 3/4 of the limit.
 *
 * All functions that return a negative errno can return -ENOSPC, -EDQUOT, -EIO,
 * -EROFS, -EMFILE, or -ENOENT if the directory was removed.  No error damages
 * stored blobs, but store_open_blob() treats a read error as damage.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct store;
struct store_write;

/*
 * Open the store in `dir`, which is created with mode 0700 if it does not
 * exist.  Fails if another user owns the directory or can write to it, or if
 * its file system has no hard links.  `limit` is in bytes of disk space; 0
 * means store_limit_default().  The time to open a store does not depend on the
 * number of blobs.  Returns 0, or a negative errno with `err` set.
 */
int store_open(struct store **out, const char *dir, uint64_t limit,
	       struct err *err);
/* Stop the collector, remove all pins and free the store.  `s` can be NULL. */
void store_free(struct store *s);
/*
 * Return a fifth of the size of the file system on which `dir` lies or would
 * lie, at most 10 GiB and at least 64 MiB.
 */
uint64_t store_limit_default(const char *dir);

/*
 * Return true if a blob with this digest and size exists.  The collector can
 * remove the blob at any later time.
 */
bool store_has(struct store *s, const struct digest *d, uint64_t size);
/*
 * Pin a blob, so that it remains until it has been unpinned as often as it was
 * pinned.  Returns 0, -ENOENT or another negative errno.  Damage is detected
 * only when the blob is opened.
 */
int store_pin(struct store *s, const struct digest *d, uint64_t size);
/* Undo one store_pin(). */
void store_unpin(struct store *s, const struct digest *d);

/*
 * A struct store_write is a blob that is being written.  Only one thread at a
 * time may use it.  Several threads can write the same blob, each with a
 * separate struct store_write.
 */

/*
 * Start to write a blob of `size` bytes.  If `pin` is true,
 * store_write_commit() also pins the blob.  The write holds a descriptor open,
 * so call this function only when the first bytes are available.  If the store
 * has reached its limit, the call may first collect garbage.  Returns 0; -EFBIG
 * if the blob is larger than the limit of the store; -ENOSPC if pinned blobs
 * and other writes leave no space below the limit, or if the disk is full.
 */
int store_write_begin(struct store_write **out, struct store *s,
		      const struct digest *d, uint64_t size, bool pin);
/*
 * Append bytes.  Returns 0; -EMSGSIZE if the blob would exceed the size passed
 * to store_write_begin(); or another negative errno.  After an error only
 * store_write_commit() and store_write_abort() are useful.
 */
int store_write_add(struct store_write *in, struct bytes piece);
/*
 * Read up to `len` of the bytes appended so far, from `offset` on, without
 * verification.  Returns the number of bytes read, which is 0 if the write has
 * not reached `offset` yet; the error of the write; or another negative errno.
 */
ssize_t store_write_read(const struct store_write *in, void *to, size_t len,
			 uint64_t offset);
/*
 * Verify and publish the blob.  Frees `in`, even on failure.  Returns 0; the
 * error of an earlier store_write_add(); -EBADMSG if the blob is too short or
 * does not match its digest; or another negative errno.
 */
int store_write_commit(struct store_write *in);
/* Discard the blob and free `in`, which may be NULL. */
void store_write_abort(struct store_write *in);

/*
 * Verify a blob and return a descriptor at its beginning, which the caller
 * closes.  Returns -ENOENT if no blob of that size exists; -EBADMSG if the blob
 * was damaged and has been removed; or another negative errno.
 */
int store_open_blob(struct store *s, const struct digest *d, uint64_t size);
/* Like store_open_blob(), but leave the verification to the caller. */
int store_open_unverified(struct store *s, const struct digest *d,
			  uint64_t size);

/*
 * Verify a blob like store_open_blob() and append its content to `out`, which
 * is unchanged on failure.
 */
int store_read_blob(struct store *s, const struct digest *d, uint64_t size,
		    struct buf *out);

/* size of the name of a blob's file, with the terminating NUL */
#define STORE_BLOB_NAME_SIZE (sizeof("/sha256/ab/") + DIGEST_HEX - 3)

/*
 * Format the name of a blob's file, relative to the directory of the store,
 * with a leading slash.  A reader of the file must verify the digest.
 */
void store_blob_name(const struct digest *d,
		     char name[static STORE_BLOB_NAME_SIZE]);

/*
 * Records.  A record is a small file addressed by a key that is not the digest
 * of the file.  A record can be the result of an action, addressed by the
 * digest of the action's inputs, or a note about such results.  Records of
 * different kinds can have the same key.  The file ends with the SHA-256 of key
 * and content, so a damaged record, or the record of another key, counts as
 * missing.  Records take part in garbage collection like blobs.
 */
#define STORE_RECORD_MAX (1u << 20)

enum store_record {
	STORE_RECORD_ACTION, /* DIR/action */
	STORE_RECORD_NOTE, /* DIR/note */
	STORE_N_RECORDS,
};

/*
 * Store `content`, at most STORE_RECORD_MAX bytes, in place of an earlier
 * record of the key.  Returns 0, -EFBIG, -ENOSPC or another negative errno.
 */
int store_put_record(struct store *s, enum store_record kind,
		     const struct digest *key, struct bytes content);
/*
 * Append the content of a record to `out`, which is unchanged on failure.
 * Returns 0; -ENOENT if the key has no record; -EBADMSG if the record was
 * damaged and has been removed; or another negative errno.
 */
int store_get_record(struct store *s, enum store_record kind,
		     const struct digest *key, struct buf *out);
/* Remove the record of the key, if it exists. */
void store_remove_record(struct store *s, enum store_record kind,
			 const struct digest *key);

/*
 * Remove the scratch directories of dead processes, and collect garbage on the
 * caller's thread: if more than `target` bytes are used, remove blobs until
 * `target` bytes are left.  If `target` is 0, do what the collector's thread
 * does: above 7/8 of the limit, remove blobs down to 3/4.  Returns 0, even if
 * pinned blobs prevent the removal; -EMFILE or -ENFILE if no descriptor is
 * available; or the first other error that made the pass skip a directory or a
 * blob.  The statistics lack the blobs of skipped directories.
 */
int store_gc(struct store *s, uint64_t target);

/*
 * Return the descriptor of the store's scratch directory DIR/live/NAME.  The
 * store owns the descriptor.  store_free() removes the directory with all files
 * in it.
 */
int store_scratch_fd(const struct store *s);

struct store_stats {
	uint64_t limit_bytes;
	/*
	 * true after DIR/usage was read, or a pass of the collector has counted
	 * the blobs; used_bytes and n_blobs then include blobs that were added
	 * before this handle was opened
	 */
	bool counted;
	/*
	 * disk space in bytes and number of all blobs and records; after a
	 * write by this handle, both can include the changes by other handles
	 */
	uint64_t used_bytes, n_blobs;
	/* records at the last count; part of n_blobs */
	uint64_t n_records[STORE_N_RECORDS];
	uint64_t incoming_bytes; /* disk space reserved for open writes */
	uint64_t n_pinned; /* digests pinned by this handle */
	uint64_t n_written, written_bytes; /* blobs published by this handle */
	uint64_t n_read, read_bytes; /* blobs opened by this handle */
	uint64_t n_damaged; /* damaged blobs, records and directories removed */
	uint64_t n_collected, collected_bytes;
};

void store_stats(struct store *s, struct store_stats *out);

#endif
