/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/dir-digest.h - Digest of all files below a directory.
 *
 * An entry (struct compiler_entry, compiler/manifest.h) is a FILE, a SYMLINK,
 * or a DIR for an empty directory.  Other directories are not entries.  Paths
 * are relative to the directory.  Times and hard links do not enter the digest,
 * so a copy of the directory has the same digest.
 *
 * The file TOOLCHAIN_JSON in the root is excluded, because it contains the
 * digest.  Temporary files of TOOLCHAIN_JSON are excluded as well.
 */
#ifndef TOOLCHAIN_DIR_DIGEST_H
#define TOOLCHAIN_DIR_DIGEST_H

#include "compiler/manifest.h"

#include <stdatomic.h>

#define TOOLCHAIN_JSON "toolchain.json"

/* Maximum length of a relative path and of a link's target. */
#define TOOLCHAIN_ENTRY_PATH_MAX 1024

/*
 * Read and hash all files below the directory `dir`.  A gcc (100 to 300 MB)
 * takes a second.
 *
 * Returns 0 with `out` sorted by path (strcmp); -E2BIG beyond
 * COMPILER_ENTRIES_MAX; -ECANCELED once `cancel` (may be NULL) is true; -EINVAL
 * for a device, FIFO or socket; or another negative errno with `err` naming the
 * file.  `out` is empty on failure.
 */
int toolchain_dir_digest_read(struct compiler_entries *out, const char *dir,
			      const atomic_bool *cancel, struct err *err);

/*
 * Compute the digest of entries, which may be in any order.  It is a SHA-256
 * over the concatenated encodings of the entries, sorted by path.  An encoding
 * begins with the kind (u8) and the path (u32 little-endian length, bytes).
 * For a FILE, the executable bit (u8) and the digest of the file follow; for a
 * SYMLINK, the target (encoded like the path).  Does no I/O.
 */
void toolchain_dir_digest_compute(const struct compiler_entries *e,
				  struct digest *out);

/*
 * Append an entry with a copy of `path` and all other members zero.  Returns
 * the entry, borrowed until the next call.
 */
struct compiler_entry *toolchain_dir_digest_add_entry(
	struct compiler_entries *e, const char *path);
/* Sort entries by path, as compiler_entries_find() requires. */
void toolchain_dir_digest_sort_entries(struct compiler_entries *e);

/*
 * Return true if `path` can be the path of an entry: relative, 1 to
 * TOOLCHAIN_ENTRY_PATH_MAX bytes, without control characters, and without
 * components that are empty, ".", ".." or longer than NAME_MAX.
 */
bool toolchain_dir_digest_is_valid_path(const char *path);
/* Return the number of directories above the last component of a path. */
int toolchain_dir_digest_path_depth(const char *path);
/*
 * Return true if a link at `path` to `target` stays below the directory,
 * provided that all other links below the directory satisfy this condition as
 * well.  `target` may start with at most as many ".." as `path` has
 * directories.  A ".." after a name is rejected, because the name can be a link
 * to another directory, and ".." would then be the parent of that directory.
 */
bool toolchain_dir_digest_is_link_inside(const char *path, const char *target);

#endif
