/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/builddir.h - Build directory and source worktree of a build.
 *
 * The build directory is the first of these that applies:
 *
 *  - the argument of -b;
 *  - the value of O= or KBUILD_OUTPUT=;
 *  - in a managed tree (a repository in kfarm's data directory DATA, see
 *    tree/datadir.h), the directory `build` next to the worktree;
 *  - the source tree, if it has a .config;
 *  - the persistent default directory
 *    ~/.cache/kfarm/build/TREE-ARCH-CONFIG-COMPILER-DIGITS.
 *
 * If one command makes several builds, none of the builds uses the source tree
 * as its build directory.  If the user names a directory, each build uses a
 * subdirectory of it.  The name of the subdirectory is part_name in struct
 * kconfig_request.
 *
 * In a managed tree, each combination of architecture, configuration and
 * toolchain, as the user named them, has its own worktree and build directory:
 *
 *	DATA/trees/NAME/worktrees/ARCH-CONFIG-TOOLCHAIN-DIGITS/src, build
 *
 * Their paths do not depend on the revision, so make recompiles only what
 * differs between two revisions.
 *
 * In other trees, a thread determines, concurrently with make, whether the
 * user's checkout has uncommitted changes (struct kernel_source_dirty_check).
 */
#ifndef KERNEL_BUILDDIR_H
#define KERNEL_BUILDDIR_H

#include "base/err.h"
#include "kconfig/request.h"
#include "tree/datadir.h"
#include "tree/dirty.h"
#include "tree/worktree.h"

struct buf;
struct event_base;
struct kernel_plan;
struct task;

/* ---- lock ---- */

/*
 * Exclusive lock of a directory: an flock() on the directory itself, so kfarm
 * leaves no file in it.  The file locks/DEVICE-INODE in a runtime directory has
 * a note about the holder (struct kernel_rundir_note).  On a file system
 * without flock(), only the note protects the directory.  The note does not
 * exclude builds that start at the same moment or on another host.
 */
struct kernel_lock {
	int fd;
	char *holder_path;
};

/*
 * Lock the directory `dir`.  Returns 0; -EBUSY with `err` naming the process
 * that uses the directory, which can be the make of a killed kfarm; or another
 * negative errno.
 */
int kernel_lock_take(struct kernel_lock *l, const char *dir, struct err *err);
/* Return true if a process uses the directory.  Does not change the lock. */
bool kernel_lock_is_held(const char *dir);
/* Unlock the directory. Does nothing if the lock is not held. */
void kernel_lock_release(struct kernel_lock *l);

/* ---- build directory ---- */

enum kernel_builddir_kind {
	/* chosen by kfarm, which sets a constant build user, host and date */
	KERNEL_BUILDDIR_DEFAULT,
	KERNEL_BUILDDIR_GIVEN, /* -b, O=, KBUILD_OUTPUT */
	KERNEL_BUILDDIR_IN_TREE,
};

struct kernel_builddir {
	enum kernel_builddir_kind kind;
	char *dir; /* absolute; the tree itself with KERNEL_BUILDDIR_IN_TREE */
	/*
	 * variable that passes `dir` on make's command line, either "O" or
	 * "KBUILD_OUTPUT"; NULL if make needs no variable
	 */
	const char *variable;
};

/*
 * Choose the directory for the request, tree, architecture, compiler and
 * environment of `p`.  Returns 0; -EEXIST with `err` set if the directory
 * contains files that kbuild did not create; or -EINVAL with `err` set in these
 * cases: -b and a variable name different directories, the source tree is not
 * clean, a path has characters that make cannot handle, or the path of a new
 * directory of the user could be that of a default build directory.  The caller
 * frees out->dir.
 */
int kernel_builddir_find(struct kernel_builddir *out,
			 const struct kernel_plan *p, struct err *err);
/*
 * Create the build directory unless it exists, and lock it.  If another process
 * holds the lock and `on_wait` is not NULL, call on_wait() with the message of
 * kernel_lock_take(), and wait for the lock.  If `on_wait` is NULL, the error
 * suggests the option --wait.  The mtime of a default directory becomes the
 * time of its last use (kernel/cleanup.h).  Returns the same values as
 * kernel_lock_take().
 */
int kernel_builddir_lock(struct kernel_lock *l, const struct kernel_plan *p,
			 void (*on_wait)(void *ctx, const char *text),
			 void *ctx, struct err *err);
/*
 * Return true if `name` ends in "-DIGITS", as the names of default build
 * directories and of worktrees do.
 */
bool kernel_builddir_is_default_name(const char *name);
/*
 * Append the last component of the name or path of a configuration, without
 * ".config" and with unsuitable characters replaced.
 */
void kernel_builddir_add_name(struct buf *out, const char *path);
/*
 * Return true if the build directory has no objects of the kernel yet or, for
 * modules outside of the tree, if their directory has no objects.
 */
bool kernel_builddir_is_fresh(const struct kernel_plan *p);

/* ---- source worktree ---- */

/* Empty when zeroed. */
struct kernel_source {
	char *dir; /* directory of src and build; NULL without a managed tree */
	struct tree_datadir datadir; /* locked for reading */
	struct kernel_lock lock; /* lock of `dir` */
	struct tree_worktree worktree;
};

/*
 * Check out the tree and revision that `r` names into the worktree for `r`, and
 * lock the worktree until kernel_source_release().  Returns 0, -EBUSY if
 * another build uses the worktree, or another negative errno with `err` naming
 * the tree.  The caller releases `s`, even after an error.
 */
int kernel_source_acquire(struct kernel_source *s,
			  const struct kconfig_request *r, char *const *env,
			  struct err *err);
/* Unlock the worktree and the tree. */
void kernel_source_release(struct kernel_source *s);

/*
 * Set the link last-build of the managed tree to `output`, the output directory
 * of a build.  Returns 0 or a negative errno.
 */
int kernel_source_set_last_build(const struct kernel_source *s,
				 const char *output, struct err *err);

/* Check for uncommitted changes; not started when zeroed. */
struct kernel_source_dirty_check {
	/*
	 * thread of the check, which owns the members below; NULL once the
	 * check has ended
	 */
	struct task *task;
	char *tree;
	atomic_bool cancelled;
	int ret;
	struct err err;
	struct tree_dirty result;
};

/*
 * Start the check of the plan's tree; its end is an event of `base`.  A managed
 * worktree was just checked out, so it is clean and needs no check.  A tree
 * without a commit is not checked.
 */
void kernel_source_start_dirty_check(struct kernel_source_dirty_check *d,
				     struct event_base *base,
				     const struct kernel_plan *plan);
/*
 * Wait for the check or, with `stop`, cancel it.  Does nothing if the check
 * was not started or has already ended.  Returns 0; -ECANCELED; or another
 * negative errno with d->err set.
 */
int kernel_source_end_dirty_check(struct kernel_source_dirty_check *d,
				  bool stop);

#endif
