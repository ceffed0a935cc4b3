/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/probe-entry.h - One file of the probe cache.
 *
 * The file consists of "kfanswr1", a hash of the rest, the key and the result
 * (encoded with base/buf.h).  The complete key distinguishes keys with equal
 * hashes.  A file that is damaged, too long, owned by another user or stored
 * for another key is ignored.
 */
#ifndef CC_PROBE_ENTRY_H
#define CC_PROBE_ENTRY_H

#include "base/buf.h"

/* size limit of an entry's file; a longer result is not cached */
#define CC_PROBE_ENTRY_MAX_BYTES (64u << 10)

struct cc_probe_entry {
	unsigned status;
	bool has_output_file; /* the probe wrote a file */
	bool executable;
	struct bytes out, err; /* captured stdout and stderr */
	struct bytes output; /* content of the written file */
};

/* Append to `to` the content of the cache file for the entry `a`. */
void cc_probe_entry_encode(struct buf *to, struct bytes key,
			   const struct cc_probe_entry *a);
/*
 * Decode the content of a cache file.  `a` borrows from `in`.  Returns false if
 * the file is invalid or belongs to another key.
 */
bool cc_probe_entry_decode(struct cc_probe_entry *a, struct bytes in,
			   struct bytes key);

/*
 * Find the entry of `key` in `dir`.  Returns true with the file's bytes in
 * `file`, from which `a` borrows.
 */
bool cc_probe_entry_find(struct cc_probe_entry *a, struct buf *file,
			 const char *dir, struct bytes key);
/*
 * Store an entry atomically, unless the directory has too many files.  Failures
 * are ignored, because the compiler can run again.
 */
void cc_probe_entry_store(const char *dir, struct bytes key,
			  const struct cc_probe_entry *a);

/*
 * Write the file `path`, which is in `dir`, atomically, unless the directory
 * has too many files.  Failures are ignored.
 */
void cc_probe_entry_write_file(const char *dir, const char *path,
			       struct bytes in);

#endif
