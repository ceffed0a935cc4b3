/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/dirs.h - directories as command lines and sources spell them, and
 * where they really are.
 *
 * A spelled directory leads, perhaps through symbolic links, to a path of
 * inputs/path.h.  What was found out is looked at again once per unit: one
 * stat(2) tells by its inode that it is the same directory, and one lstat(2)
 * for each link on the way that the way is the same; or none, where that is
 * allowed and another unit found it a moment ago, without a link on the way.
 *
 * All calls are under the lock of the paths.
 */
#ifndef INPUTS_DIRS_H
#define INPUTS_DIRS_H

#include "inputs/path.h"

#define INPUTS_LINKS_MAX 40 /* on the way to one file */

/* How a directory was seen; never changes. */
struct inputs_dir_seen {
	struct stamp stamp;
	/* By clock_us(), the last time that anybody found it so. */
	atomic_uint_least64_t held_us;
};

struct inputs_dir {
	struct map_node node;
	const char *abs; /* as spelled, absolute; any thread may read it */
	struct inputs_dir *up; /* NULL: the root */
	const char *base;
	struct inputs_path *real; /* also where it would be, if it is not */
	bool exists;
	struct stamp now; /* if it exists */
	size_t n_links;
	struct inputs_path **link; /* on the way, each a LINK */

	uint32_t checked; /* the unit that looked last */
	uint64_t looked_us; /* when it did */
	struct inputs_dir_seen *seen; /* see inputs_dirs_seen(); may be NULL */
	uint32_t listed; /* for who makes a list */
	size_t at;
	bool resolved;
};

struct inputs_dirs;

struct inputs_dirs *inputs_dirs_new(struct inputs_paths *paths);
void inputs_dirs_free(struct inputs_dirs *t);

/*
 * From here on a look after `us`, by clock_us(), at a directory that is there
 * is new enough; UINT64_MAX, as at first: none is.  For callers who see by its
 * files if it is another one by now, and then look again.
 */
void inputs_dirs_trust(struct inputs_dirs *t, uint64_t us);
/*
 * The directory `abs` (the first `len` bytes, absolute), as it is for the
 * unit `unit` (never 0).  NULL after more than INPUTS_LINKS_MAX links.
 */
struct inputs_dir *inputs_dirs_get(struct inputs_dirs *t, uint32_t unit,
				   const char *abs, size_t len);
/* The same for a directory that was got before. */
struct inputs_dir *inputs_dirs_again(struct inputs_dirs *t, uint32_t unit,
				     struct inputs_dir *d);
/* How it was when it was looked at last: one as long as that is the same. */
struct inputs_dir_seen *inputs_dirs_seen(struct inputs_dirs *t,
					 struct inputs_dir *d);
/*
 * Read the link that stands at `p`: its newest version and where it leads,
 * absolute, in `to` (PATH_MAX bytes and more: `room`).  0 or a negative errno.
 */
int inputs_dirs_link(struct inputs_dirs *t, struct inputs_path *p,
		     const struct stat *st, char *to, size_t room);

#endif
