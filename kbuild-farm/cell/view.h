/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/view.h - the files of a cell, edited from outside through two
 * descriptors of its tmpfs: the root that jobs see, and a directory that they
 * do not see, where a new entry is made until a rename(2) puts it in place.
 *
 * No component of a path is ever followed when it is a symbolic link, and no
 * two paths share an inode: clang takes these for one file.
 *
 * view.c has the cell_put functions, cell_remove() and cell_freeze() as well.
 */
#ifndef CELL_VIEW_H
#define CELL_VIEW_H

#include "base/err.h"
#include "base/map.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cell_view {
	int root; /* -1: none */
	int stage;
	/*
	 * Who the tmpfs belongs to.  Only the cell's own user can make files
	 * in it: the superuser, whom its user namespace does not know, takes
	 * that user's file system ids for the while.
	 */
	uid_t uid;
	gid_t gid;
	unsigned long serial; /* of the next name in `stage` */
	struct map entries; /* what was put so far, until the freeze */
	bool frozen;
};

/* Owns the two descriptors from now on. */
void cell_view_init(struct cell_view *v, int root, int stage, uid_t uid,
		    gid_t gid);
void cell_view_release(struct cell_view *v);

/* Is this a path as cell/cell.h wants it? */
bool cell_view_normal(const char *path);

#endif
