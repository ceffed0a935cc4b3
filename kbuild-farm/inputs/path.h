/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/path.h - the files of the build host that units read, as nodes get
 * to see them: each by its one path without symbolic links, in versions.
 *
 * A version (struct inputs_entry) never changes and lives as long as the
 * table, so that "has the node been told" is a comparison of pointers.
 *
 * The table belongs to whoever holds its lock; names, numbers and parents of
 * paths, and entries, may be read by anybody at any time.
 */
#ifndef INPUTS_PATH_H
#define INPUTS_PATH_H

#include "base/map.h"
#include "store/identity.h"
#include "wire/msg-cell.h"

#include <stdatomic.h>

struct inputs_entry {
	struct inputs_path *path;
	enum wire_kind kind;
	struct store_identity identity; /* FILE; of a LINK its own stamp */
	char *target; /* LINK */
	/*
	 * FILE: when clock_us() was what, the last time that anybody looked and
	 * found it standing there as it is; any thread may read and write it.
	 */
	atomic_uint_least64_t *held_us;
};

struct inputs_path {
	struct map_node node;
	const char *name; /* in full; "" is the root */
	const char *base; /* its last component */
	uint32_t id; /* 0, 1, 2, ... */
	struct inputs_path *parent; /* NULL: the root */

	/* Under the lock. */
	const struct inputs_entry *now; /* NULL: never looked at */
	bool held; /* it, or something below it, was an entry once */
	uint32_t mark; /* for who makes a list */
	uint32_t looked; /* the unit in which a link was looked at */
};

struct inputs_paths;

struct inputs_paths *inputs_paths_new(void);
void inputs_paths_free(struct inputs_paths *t);
void inputs_paths_lock(struct inputs_paths *t);
void inputs_paths_unlock(struct inputs_paths *t);

struct inputs_path *inputs_paths_root(struct inputs_paths *t);
/* The child of that name (no slash in it), made where it is new. */
struct inputs_path *inputs_paths_child(struct inputs_paths *t,
				       struct inputs_path *parent,
				       const char *name, size_t len);
/* The same, or NULL where there is none. */
struct inputs_path *inputs_paths_find(struct inputs_paths *t,
				      const struct inputs_path *parent,
				      const char *name, size_t len);
/* The path itself from its normal form. */
struct inputs_path *inputs_paths_get(struct inputs_paths *t, const char *path);

/*
 * The newest version of a path becomes this; the same one again as long as
 * nothing of it changed.
 */
const struct inputs_entry *inputs_paths_file(struct inputs_paths *t,
					     struct inputs_path *p,
					     const struct store_identity *id);
const struct inputs_entry *inputs_paths_link(struct inputs_paths *t,
					     struct inputs_path *p,
					     const struct stamp *stamp,
					     const char *target);
const struct inputs_entry *inputs_paths_dir(struct inputs_paths *t,
					    struct inputs_path *p);
const struct inputs_entry *inputs_paths_gone(struct inputs_paths *t,
					     struct inputs_path *p);

#endif
