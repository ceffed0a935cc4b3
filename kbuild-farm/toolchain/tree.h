/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/tree.h - all that lies below a directory, and its one digest.
 *
 * Entries are those of compiler/manifest.h, but with paths relative to the
 * directory: FILE, LINK, and DIR for a directory that is empty.  Directories
 * above an entry are none themselves, times and hard links do not count: who
 * makes the entries anew in an empty directory gets the same digest.
 *
 * TOOLCHAIN_JSON at the top is passed over, as it holds the digest.
 */
#ifndef TOOLCHAIN_TREE_H
#define TOOLCHAIN_TREE_H

#include "compiler/manifest.h"

#include <stdatomic.h>

#define TOOLCHAIN_JSON "toolchain.json"

/* A relative path is not longer than this, a link's target neither. */
#define TOOLCHAIN_PATH_MAX 1024

/*
 * Read and hash everything below the directory `dir`; what is neither file,
 * link nor directory is refused.  A gcc (100 to 300 MB) takes a second.
 *
 * Returns 0 with `out` sorted by path (strcmp); -E2BIG beyond
 * COMPILER_ENTRIES_MAX; -ECANCELED once *cancel (may be NULL) is true;
 * -EINVAL for a device and the like; or another negative errno with `err`
 * naming the file.  `out` is empty on failure.
 */
int toolchain_tree_read(struct compiler_entries *out, const char *dir,
			const atomic_bool *cancel, struct err *err);

/*
 * The digest of entries in any order: SHA-256 over, for each entry in order
 * of its path, kind (u8), path (u32 length and bytes, little endian), then
 * for a FILE its executable bit (u8) and digest, for a LINK its target (as
 * path).  Pure.
 */
void toolchain_tree_digest(const struct compiler_entries *e,
			   struct digest *out);

/* One more entry, zeroed but for its path, which is copied; borrowed. */
struct compiler_entry *toolchain_tree_add(struct compiler_entries *e,
					  const char *path);
/* By path, as compiler_entries_find() wants them. */
void toolchain_tree_sort(struct compiler_entries *e);

/*
 * May this be the path of an entry?  Relative, 1 to TOOLCHAIN_PATH_MAX bytes,
 * no "//", ".", "..", or trailing slash, no control characters, and none of a
 * component beyond NAME_MAX.
 */
bool toolchain_tree_is_path(const char *path);
/* How many directories lie above the last component of such a path. */
int toolchain_tree_depth(const char *path);
/*
 * Does a link at `path` to `target` stay below the directory, wherever other
 * such links lead?  Then it goes up first, as far as `path` is deep at most,
 * and down afterwards: what a ".." behind a name leaves is not known.
 */
bool toolchain_tree_is_inside(const char *path, const char *target);

#endif
