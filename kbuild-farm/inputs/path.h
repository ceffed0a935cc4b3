/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/path.h - Versions of the build host's files that units read.
 *
 * Each file has one path without symbolic links, and each path has versions.  A
 * version (struct inputs_entry) never changes and lives as long as the table,
 * so a comparison of pointers shows whether a node has the current version.
 *
 * The caller of a function that takes a table must hold the lock of the table.
 * Without the lock, any thread can read entries, and the names, ids and parents
 * of paths.
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
	struct store_file_digest
		file_digest; /* FILE: all of it; SYMLINK: only the stamp */
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
	struct inputs_path *parent; /* NULL: the root */

	/* The lock of the table protects the members below. */
	const struct inputs_entry *current; /* newest version, or NULL */
	bool ever_listed; /* the path or a path below it had an entry */
	uint32_t listed_unit; /* reserved for inputs/manifest.c */
	uint32_t checked_unit; /* last unit for which a link was checked */
};

struct inputs_paths;

struct inputs_paths *inputs_paths_new(void);
void inputs_paths_free(struct inputs_paths *t);
void inputs_paths_lock(struct inputs_paths *t);
void inputs_paths_unlock(struct inputs_paths *t);

struct inputs_path *inputs_paths_root(struct inputs_paths *t);
/* Return the child `name` (without a slash) and create it if it is new. */
struct inputs_path *inputs_paths_child(struct inputs_paths *t,
				       struct inputs_path *parent,
				       const char *name, size_t len);
/* Return the child `name`, or NULL if it does not exist. */
struct inputs_path *inputs_paths_find(struct inputs_paths *t,
				      const struct inputs_path *parent,
				      const char *name, size_t len);
/* Return the path with the absolute name `path` in normal form. */
struct inputs_path *inputs_paths_get(struct inputs_paths *t, const char *path);

/*
 * Set the newest version of a path.  Returns the same entry as before if it is
 * equal.
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

#endif
