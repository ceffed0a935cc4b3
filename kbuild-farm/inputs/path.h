/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/path.h - Paths of the build host and the versions of their files.
 *
 * Each file has one path without symbolic links, and each path has versions.  A
 * version (struct inputs_entry) never changes and lives as long as the table,
 * so a comparison of pointers shows whether a node has the current version.
 *
 * The name of a directory on a command line or in a source leads, possibly
 * through symbolic links, to a path.  A cached resolution is checked once per
 * unit.  One stat(2) returns the inode, which shows whether the name still
 * leads to the same directory.  One lstat(2) for each link in the name shows
 * whether the link is unchanged.  A name without links is not checked if the
 * caller permits this and another unit has checked the directory recently.
 *
 * A file name is resolved through its directory.  Each unit names about four
 * hundred files, and the previous unit has usually named most of them.  The
 * table therefore caches each name with its directory and the path of the file.
 *
 * The caller of any function below, except those that create, free, lock and
 * unlock a table, holds the lock of the table.  Without the lock, any thread
 * can read entries, and the names, ids and parents of paths.
 */
#ifndef INPUTS_PATH_H
#define INPUTS_PATH_H

#include "base/map.h"
#include "store/digest-cache.h"
#include "wire/msg.h"

#include <stdatomic.h>

struct inputs_entry {
	struct inputs_path *path;
	enum wire_inode_kind kind;
	/* FILE: all members are valid; SYMLINK: only the stamp is valid */
	struct store_file_digest file_digest;
	char *target; /* SYMLINK */
	/*
	 * FILE: time by clock_us() when the file was last found unchanged.  Any
	 * thread can read and write it.
	 */
	atomic_uint_least64_t *verified_us;
};

struct inputs_path {
	struct map_entry entry;
	const char *name; /* full path; "" is the root */
	const char *base; /* its last component */
	uint32_t id; /* 0, 1, 2, ... */
	bool in_proc; /* it is /proc or a path below /proc */
	struct inputs_path *parent; /* NULL: the root */

	/* The lock of the table protects the members below. */
	const struct inputs_entry *current; /* newest version, or NULL */
	/* this path or a path below it has had an entry other than ABSENT */
	bool ever_listed;
	uint32_t listed_unit; /* reserved for inputs/manifest.c */
	uint32_t checked_unit; /* for a link: the unit that checked it last */
};

struct inputs_paths;

struct inputs_paths *inputs_paths_new(void);
void inputs_paths_free(struct inputs_paths *t);
void inputs_paths_lock(struct inputs_paths *t);
void inputs_paths_unlock(struct inputs_paths *t);

/* Return the child `name`, or NULL if it does not exist. */
struct inputs_path *inputs_paths_find(struct inputs_paths *t,
				      const struct inputs_path *parent,
				      const char *name, size_t len);
/*
 * Return the path with the absolute name `path`, and create it if it is new.
 * The name must not have "." or ".." components.
 */
struct inputs_path *inputs_paths_get(struct inputs_paths *t, const char *path);

/*
 * Set the newest version of a path.  Returns the current entry if the new
 * version is equal to it, otherwise a new entry.
 */
const struct inputs_entry *inputs_path_set_file(
	struct inputs_paths *t, struct inputs_path *p,
	const struct store_file_digest *id);
const struct inputs_entry *inputs_path_set_symlink(
	struct inputs_paths *t, struct inputs_path *p,
	const struct file_stamp *stamp, const char *target);
const struct inputs_entry *inputs_path_set_dir(struct inputs_paths *t,
					       struct inputs_path *p);
const struct inputs_entry *inputs_path_set_absent(struct inputs_paths *t,
						  struct inputs_path *p);

/* Resolution of directory and file names. */

#define INPUTS_SYMLINKS_MAX 40 /* links in the resolution of one name */

/* The observed state of a directory.  `stamp` never changes. */
struct inputs_dir_state {
	struct file_stamp stamp;
	/* Time of clock_us() at which the directory last had this stamp. */
	atomic_uint_least64_t verified_us;
};

struct inputs_dir {
	struct map_entry entry;
	/* Absolute, with links unresolved.  Any thread can read it. */
	const char *abs;
	struct inputs_dir *parent; /* NULL: the root */
	const char *base;
	/* path without links, also set if the directory does not exist */
	struct inputs_path *real;
	bool exists;
	struct file_stamp stamp; /* valid if `exists` is true */
	size_t n_links;
	struct inputs_path **links; /* links on the way to `real` */

	uint32_t checked_unit; /* the unit that checked the directory last */
	uint64_t checked_us; /* time of that check by clock_us() */
	struct inputs_dir_state *state; /* see inputs_dir_get_state() */
	uint32_t listed_unit; /* reserved for inputs/manifest.c */
	size_t guard_index; /* reserved for inputs/manifest.c */
	bool resolved;
};

/*
 * Allow units to omit the check of an existing directory without links if it
 * was checked at or after `since_us`, a time of clock_us().  With the initial
 * value UINT64_MAX, each unit repeats all checks.  If the caller finds out from
 * the files of a directory that the directory was replaced, it must call this
 * function with UINT64_MAX and resolve the directory again.
 */
void inputs_paths_trust_since(struct inputs_paths *t, uint64_t since_us);

/*
 * Resolve the directory `abs` (absolute, `len` bytes) for the unit `unit`
 * (never 0).  Returns NULL if the name leads through more than
 * INPUTS_SYMLINKS_MAX links, or through a link that cannot be read.
 */
struct inputs_dir *inputs_dir_resolve(struct inputs_paths *t, uint32_t unit,
				      const char *abs, size_t len);

/*
 * Return the state that the last check of the directory found.  Repeated calls
 * return the same object as long as the stamp of the directory is unchanged.
 */
struct inputs_dir_state *inputs_dir_get_state(struct inputs_paths *t,
					      struct inputs_dir *d);

/*
 * Read the symbolic link `p`, whose lstat(2) is `st`, record it as the newest
 * version of `p`, and write its absolute target to `target_path`
 * (`target_size` bytes, at least PATH_MAX).  Returns 0 or a negative errno.
 */
int inputs_dir_read_symlink(struct inputs_paths *t, struct inputs_path *p,
			    const struct stat *st, char *target_path,
			    size_t target_size);

struct inputs_filename {
	struct map_entry entry;
	const char *abs;
	size_t len;
	const char *base; /* the last component of `abs` */
	struct inputs_dir *dir; /* directory that the other components name */
	struct inputs_path *real_dir; /* `dir->real` when `path` was set */
	struct inputs_path *path; /* the file; NULL: not yet resolved */
};

/*
 * Look up the file `abs` (absolute, `len` bytes and a NUL) and resolve its
 * directory for the unit `unit`.  Returns NULL if inputs_dir_resolve() returns
 * NULL for the directory.
 */
struct inputs_filename *inputs_filename_get(struct inputs_paths *t,
					    uint32_t unit, const char *abs,
					    size_t len);

/*
 * Look up a file by the number that inputs_filename_set_number() assigned to
 * it.  The lookup by a number avoids building, hashing and comparing the name.
 * Returns NULL like inputs_filename_get(), and also for an unused number.
 */
struct inputs_filename *inputs_filename_get_numbered(struct inputs_paths *t,
						     uint32_t unit,
						     uint32_t number);

/* Assign `number` to `s` permanently.  A NULL `s` or a number 0 is ignored. */
void inputs_filename_set_number(struct inputs_paths *t,
				struct inputs_filename *s, uint32_t number);

/*
 * Return the path of the file, or NULL if `s` is NULL or cannot be a file
 * ("a/", "a/..").
 */
struct inputs_path *inputs_filename_resolve(struct inputs_paths *t,
					    struct inputs_filename *s);

#endif
