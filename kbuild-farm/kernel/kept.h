/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/kept.h - what was packed of a build directory, so that it is packed
 * again only when it changed.
 *
 * Beside the build directories, in ~/.cache/kfarm/kept/DIGITS (of the build
 * directory's path), lie copies of its last archives and a file `record`:
 *
 *	{"dir": "/build/dir",
 *	 "files": {"modules.tar.xz": {"key": "...", "stamp": "...",
 *				      "about": {...}}}}
 *
 * `key` is the digest of what the archive was made of (kernel/stamps.h),
 * `stamp` the copy's own: one that was changed since is not used.  A
 * directory whose build directory is gone is removed by the next build that
 * keeps something.  Nothing here makes a build fail: what cannot be kept is
 * packed again.
 */
#ifndef KERNEL_KEPT_H
#define KERNEL_KEPT_H

#include "base/digest.h"
#include "base/json.h"

#include <stdbool.h>

struct kernel_kept {
	char *build_dir;
	char *dir; /* of the copies */
	json_t *files;
	bool changed;
};

/* The build directory must be locked (kernel/lock.h) for all of its life. */
void kernel_kept_open(struct kernel_kept *k, const char *build_dir);
/*
 * Copy what is kept as `name`, made of `key`, to the file `to`.  False: there
 * is none.  `about` is what was said of it, borrowed until it is replaced.
 */
bool kernel_kept_take(const struct kernel_kept *k, const char *name,
		      const struct digest *key, const char *to,
		      const json_t **about);
/*
 * Keep `from`, made of `key`, as `name`, and say `about` (whose reference is
 * taken) of it.  Without a file (NULL) only what is said is kept.
 */
void kernel_kept_put(struct kernel_kept *k, const char *name,
		     const struct digest *key, const char *from, json_t *about);
/* Writes the record if something was put. */
void kernel_kept_close(struct kernel_kept *k);

#endif
