/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/gather.h - entries of a manifest, from the files of this machine.
 *
 * A path is given as a program spells it.  What is added is what a kernel
 * meets on that path: each symbolic link, the directories that a ".." leaves,
 * and the file itself where it really lies.
 */
#ifndef COMPILER_GATHER_H
#define COMPILER_GATHER_H

#include "compiler/manifest.h"

/* A zeroed one, with a watch where changes are to be noticed, is empty. */
struct compiler_gather {
	struct compiler_entries list; /* sorted by path */
	struct strv dirs; /* that have to exist */
	struct strv listed; /* directories that were added whole */
	struct compiler_watch *watch; /* may be NULL */
};

void compiler_gather_release(struct compiler_gather *g);

/*
 * Add a file or a directory without what is in it.  `real`, when not NULL,
 * receives the path without links, which the caller frees.  Returns 0, or a
 * negative errno with `err` naming the path: -ENOENT, -ELOOP, -EACCES ...,
 * -EINVAL for what is neither a file nor a directory, -EAGAIN for a file that
 * changed while it was read, -E2BIG beyond COMPILER_ENTRIES_MAX.
 */
int compiler_gather_path(struct compiler_gather *g, const char *path,
			 char **real, struct err *err);
/*
 * Add a directory and all that is below it and where its links lead; a link
 * that leads nowhere stays one, what is no file is passed over.
 */
int compiler_gather_dir(struct compiler_gather *g, const char *path,
			struct err *err);
/*
 * Add a link to `target` at `path` that this machine does not have.  Links
 * on the way to `path` are added as well.  -EEXIST when another entry has
 * that path.
 */
int compiler_gather_link(struct compiler_gather *g, const char *path,
			 const char *target, struct err *err);
/* The list, with the directories that would be empty; `g` keeps the watch. */
int compiler_gather_end(struct compiler_gather *g, struct compiler_entries *out,
			struct err *err);

/* The entry of this path, or NULL; binary search in a sorted list. */
const struct compiler_entry *compiler_entries_find(
	const struct compiler_entries *list, const char *path);

#endif
