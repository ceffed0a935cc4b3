/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/collector.h - Collection of manifest entries from the file system.
 *
 * A path is given as a program names it.  Entries are added for each symbolic
 * link that the kernel follows during path resolution, for the directories that
 * a ".." leaves, and for the file at its resolved path.  A stat watch detects
 * later changes of the files that were collected.
 */
#ifndef COMPILER_COLLECTOR_H
#define COMPILER_COLLECTOR_H

#include "compiler/manifest.h"
#include "store/digest-cache.h"

/* Change detection for a list of files by stat(2). */
struct compiler_stat_watch;

struct compiler_stat_watch *compiler_stat_watch_new(void);
void compiler_stat_watch_free(struct compiler_stat_watch *w);
/* Add a path.  For a link, `stamp` is the stamp of the link itself. */
void compiler_stat_watch_add(struct compiler_stat_watch *w, const char *path,
			     const struct file_stamp *stamp);
/* Add a path that must not exist. */
void compiler_stat_watch_add_absent(struct compiler_stat_watch *w,
				    const char *path);
/*
 * Check all paths by lstat(2).  Returns 0 if all stamps are unchanged and no
 * absent path exists, or -ESTALE with `err` naming the first changed path.
 */
int compiler_stat_watch_check(struct compiler_stat_watch *w, struct err *err);
/*
 * Let compiler_stat_watch_check_quick() detect writes into the files that have
 * been added so far.
 */
void compiler_stat_watch_mark_written(struct compiler_stat_watch *w);
/*
 * Check only the directories of the paths and the marked files by stat(2).
 * Returns true if no file was added, removed or replaced and no marked file was
 * written since the last successful compiler_stat_watch_check().
 */
bool compiler_stat_watch_check_quick(const struct compiler_stat_watch *w);

/* A zeroed struct is an empty collector, in which `watch` may be set. */
struct compiler_collector {
	struct compiler_entries entries; /* sorted by path */
	struct strv needed_dirs; /* directories that must exist */
	struct strv listed_dirs; /* directories added with their content */
	struct compiler_stat_watch *watch; /* records all files; may be NULL */
};

void compiler_collector_release(struct compiler_collector *g);

/*
 * Add a file, or a directory without its content.  `real_path`, if not NULL,
 * receives the path without links, which the caller frees.
 *
 * Returns 0, or a negative errno with `err` naming the path: -EINVAL if the
 * path is neither a file nor a directory, -EAGAIN if the file changed while it
 * was read, -E2BIG beyond COMPILER_ENTRIES_MAX, or the error of path
 * resolution.
 */
int compiler_collector_add_path(struct compiler_collector *g, const char *path,
				char **real_path, struct err *err);
/*
 * Add a directory with all files below it and the targets of its links.  A
 * dangling link is added without a target.  Devices and other special files are
 * ignored.
 */
int compiler_collector_add_dir(struct compiler_collector *g, const char *path,
			       struct err *err);
/*
 * Add a symbolic link from `path` to `target` that exists only in the list of
 * entries, not on this machine.  Links on the way to `path` are added as well.
 * A file needs no link to itself, by whichever path.  Returns -EEXIST if
 * another entry has that path.
 */
int compiler_collector_add_symlink(struct compiler_collector *g,
				   const char *path, const char *target,
				   struct err *err);
/*
 * Add the directories of `needed_dirs` that have no entry below them, and move
 * all entries to `out`.  The watch stays in `g`.
 */
int compiler_collector_finish(struct compiler_collector *g,
			      struct compiler_entries *out, struct err *err);

/*
 * Return the entry of `path` in a list that is sorted by path.  Returns NULL if
 * the list has no such entry.
 */
const struct compiler_entry *compiler_entries_find(
	const struct compiler_entries *list, const char *path);

#endif
