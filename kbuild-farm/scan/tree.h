/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/tree.h - what stands in the file system, and what does not.
 *
 * One working directory's paths, as the compiler spells them, read in one
 * mode.  It belongs to one thread.  Everything is looked at again once per
 * unit: a file by one stat; an absence by one stat of the deepest directory
 * that is there, for it cannot end without that directory changing.
 */
#ifndef SCAN_TREE_H
#define SCAN_TREE_H

#include "scan/store.h"

struct scan_dir {
	char *path; /* as spelled; "" is the working directory */
	char *abs;
	uint32_t id;
	uint32_t checked; /* the unit that looked last */
	uint32_t version; /* changes when something may have come or gone */
	uint32_t noted; /* the unit that listed its absence */
	uint32_t met, met_as; /* unit and index, see scan/clang-name.h */
	bool exists, settled;
	int error; /* of stat, other than not being there */
	struct stamp now;
	/* Not there: the first directory of its path that is not, ... */
	struct scan_dir *missing;
	/* ... and the one above: absent as long as that is unchanged ... */
	struct scan_dir *guard;
	uint32_t guard_version; /* ... since then; guard NULL: never certain */
	struct scan_dir *next; /* in its hash chain */
};

/* One line of the answer; files of equal spelling share it. */
struct scan_entry {
	char *path; /* without leading ./ */
	uint32_t number; /* see struct scan_file */
	bool steps; /* it goes through ".." */
	uint32_t unit;
	size_t index;
	struct scan_entry *next;
};

struct scan_memo; /* of scan/expr.h */

struct scan_node {
	char *path;
	char *abs;
	struct scan_dir *dir; /* where "x.h" in it is looked for first */
	struct scan_entry *entry;
	uint32_t checked;
	uint32_t once; /* the unit in which it said #pragma once */
	uint32_t met[2], met_as; /* see scan/clang-name.h; [1]: with ./ */
	bool exists, settled;
	int error; /* of stat or read, other than not being there */
	int64_t looked; /* when `now` was seen, at the latest; INT64_MIN: it
			   may not be trusted */
	struct stamp now;
	struct scan_text *text; /* NULL: not read, or changed */
	struct scan_memo **memo; /* one per piece of `text` */
	struct scan_node *next;
};

/* One directory asked for one name. */
struct scan_probe {
	struct scan_dir *dir;
	uint32_t name;
	uint32_t checked;
	uint32_t noted; /* the unit that listed its absence */
	bool system;
	struct scan_node *node; /* NULL: absent; it may have an error */
	struct scan_node *spelled; /* what `node` is a shorter name of */
	char *path;
	struct scan_dir *parent; /* of `path` */
	bool certain; /* absent as long as `parent` is unchanged ... */
	uint32_t version; /* ... since then */
	struct scan_probe *next;
};

struct scan_tree;

struct scan_tree *scan_tree_new(struct scan_names *names,
				struct scan_store *store, const char *cwd,
				unsigned mode);
void scan_tree_free(struct scan_tree *t);
bool scan_tree_is(const struct scan_tree *t, const char *cwd, unsigned mode);
/* When this unit did: see stamp_settled(). */
int64_t scan_tree_started(const struct scan_tree *t);

/*
 * Start on another unit; `unit` is never used twice.  `trust_ns` is what
 * struct scan_unit says.
 */
void scan_tree_begin(struct scan_tree *t, uint32_t unit, int64_t trust_ns);

/* Directories and files by their spelling; checked for this unit. */
struct scan_dir *scan_tree_dir(struct scan_tree *t, const char *path);
struct scan_node *scan_tree_node(struct scan_tree *t, const char *path);
/*
 * Is there a `name` in `dir`?  The node, or NULL: only ENOENT and ENOTDIR say
 * that nothing is there, so it may be one that has an error.  `system`:
 * the shorter of its path and its real path counts, as gcc has it.
 */
struct scan_probe *scan_tree_probe(struct scan_tree *t, struct scan_dir *dir,
				   uint32_t name, bool system);
/* Is anything by that name in `dir`, be it a directory or a link to nothing? */
bool scan_tree_is_occupied(struct scan_tree *t, struct scan_dir *dir,
			   uint32_t name);
/*
 * The path whose absence says that a probe found nothing, or that a directory
 * is not there: its own, or the first directory on its way that is missing.
 * NULL: it was said for this unit.
 */
const char *scan_tree_absent(struct scan_tree *t, struct scan_probe *p);
const char *scan_tree_no_dir(struct scan_tree *t, struct scan_dir *d);
/*
 * Read a node that exists; `full`: with its text.  0 with node->text, or a
 * negative errno; -EAGAIN: it keeps changing.
 */
int scan_tree_read(struct scan_tree *t, struct scan_node *node, bool full);

/* Changes whenever a definition may have gone: memos end then. */
uint32_t scan_tree_epoch(const struct scan_tree *t);
size_t scan_tree_memory(const struct scan_tree *t);
/* How often stat(2) was called since this was asked the last time. */
uint64_t scan_tree_stats_take(struct scan_tree *t);

#endif
