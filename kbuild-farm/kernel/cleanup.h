/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/cleanup.h - Removal of directories that kfarm has created.
 *
 * Only these directories and files are candidates:
 *
 *	CACHE/builds/N		default output directories
 *	CACHE/build/NAME-DIGITS	default build directories
 *	DATA/trees/TREE/worktrees/NAME-DIGITS
 *	CACHE/scan, probes, results, kept, url, catalog, tools.json
 *	.gone-PID-NAME		remains of an interrupted removal in the first
 *				three places
 *
 * Except for caches, a candidate must be a directory, not a symbolic link, and
 * must belong to the user.  A directory N that the user named with -o is not a
 * candidate: its metadata.json has the number of a build other than N.  A
 * removal first renames the directory under its lock, so no build finds an
 * incomplete directory.
 *
 * The mtime of a build directory or worktree is the time of its last use.
 */
#ifndef KERNEL_CLEANUP_H
#define KERNEL_CLEANUP_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_CLEANUP_KEEP_ALL SIZE_MAX

enum kernel_cleanup_kind {
	KERNEL_CLEANUP_LEFTOVER, /* remains of an interrupted removal */
	KERNEL_CLEANUP_OUTPUT_DIR,
	KERNEL_CLEANUP_BUILD_DIR,
	KERNEL_CLEANUP_WORKTREE,
	KERNEL_CLEANUP_CACHE,
};

/* Selection of the directories to remove. */
struct kernel_cleanup_request {
	/*
	 * Keep the newest output directories: this number of directories with
	 * artifacts, and the same number of directories without artifacts.
	 * KERNEL_CLEANUP_KEEP_ALL keeps all.  If the number is not 0, also keep
	 * the output directory with the newest artifacts of each existing build
	 * directory, and the output directory of the last build of each managed
	 * tree.
	 */
	size_t n_kept_builds;
	/*
	 * keep all output directories with this or a higher number; 0: the
	 * number does not matter
	 */
	int64_t first_kept_build;
	/*
	 * Remove build directories and worktrees that were last used before
	 * this time, in seconds since 1970; 0: do not remove them.
	 */
	int64_t unused_since_s;
	bool caches; /* remove caches, unless a build runs */
};

struct kernel_cleanup_item {
	enum kernel_cleanup_kind kind;
	char *path;
	int64_t number; /* of an output directory */
	uint64_t size_bytes; /* set by kernel_cleanup_measure() */
};

/* Empty when zeroed. */
struct kernel_cleanup {
	struct kernel_cleanup_item *items;
	size_t n_items;
	/* caches were requested, but are in use by a running build */
	bool caches_busy;
	/*
	 * messages about build directories and worktrees that are kept only
	 * because a process, such as a plain make, works in them: "PATH: in use
	 * by make, process 7"
	 */
	struct strv busy;
};

/* Find the items to remove, except those that are in use. */
void kernel_cleanup_find(struct kernel_cleanup *out,
			 const struct kernel_cleanup_request *r);
/* Measure the disk space of an item. */
void kernel_cleanup_measure(struct kernel_cleanup_item *item);
/*
 * Remove an item.  Returns 0, even if it no longer exists; -EBUSY with `err`
 * set if it is in use; or another negative errno with `err` naming a path.
 */
int kernel_cleanup_remove(const struct kernel_cleanup_item *item,
			  struct err *err);
/* Free the items. */
void kernel_cleanup_release(struct kernel_cleanup *c);

#endif
