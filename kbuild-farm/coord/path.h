/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/path.h - the files of the build host that units read, as nodes get
 * to see them: each by its one path without symbolic links, in versions.
 *
 * A version (struct coord_entry) never changes and lives as long as the
 * table, so that "has the node been told" is a comparison of pointers.
 *
 * The table belongs to whoever holds its lock; names, numbers and parents of
 * paths, and entries, may be read by anybody at any time.
 */
#ifndef COORD_PATH_H
#define COORD_PATH_H

#include "store/identity.h"
#include "wire/msg-cell.h"

struct coord_entry {
	struct coord_path *path;
	enum wire_kind kind;
	struct store_identity identity; /* FILE; of a LINK its own stamp */
	char *target; /* LINK */
};

struct coord_path {
	const char *name; /* in full; "" is the root */
	const char *base; /* its last component */
	uint32_t id; /* 0, 1, 2, ... */
	struct coord_path *parent; /* NULL: the root */

	/* Under the lock. */
	const struct coord_entry *now; /* NULL: never looked at */
	bool held; /* it, or something below it, was an entry once */
	uint32_t mark; /* for who makes a list */
	uint32_t looked; /* the unit in which a link was looked at */
	uint64_t hash;
	struct coord_path *next; /* in its chain */
};

struct coord_paths;

struct coord_paths *coord_paths_new(void);
void coord_paths_free(struct coord_paths *t);
void coord_paths_lock(struct coord_paths *t);
void coord_paths_unlock(struct coord_paths *t);
/* How many there are: ids are below. */
uint32_t coord_paths_count(const struct coord_paths *t);

struct coord_path *coord_paths_root(struct coord_paths *t);
/* The child of that name (no slash in it), made where it is new. */
struct coord_path *coord_paths_child(struct coord_paths *t,
				     struct coord_path *parent,
				     const char *name, size_t len);
/* The same, or NULL where there is none. */
struct coord_path *coord_paths_find(struct coord_paths *t,
				    const struct coord_path *parent,
				    const char *name, size_t len);
/* The path itself from its normal form. */
struct coord_path *coord_paths_get(struct coord_paths *t, const char *path);

/*
 * The newest version of a path becomes this; the same one again as long as
 * nothing of it changed.
 */
const struct coord_entry *coord_paths_file(struct coord_paths *t,
					   struct coord_path *p,
					   const struct store_identity *id);
const struct coord_entry *coord_paths_link(struct coord_paths *t,
					   struct coord_path *p,
					   const struct store_stamp *stamp,
					   const char *target);
const struct coord_entry *coord_paths_dir(struct coord_paths *t,
					  struct coord_path *p);
const struct coord_entry *coord_paths_gone(struct coord_paths *t,
					   struct coord_path *p);

#endif
