/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/datadir.h - Paths and locks of managed trees.
 *
 *	DATA/trees/NAME/repo.git	a bare repository, or a symbolic link to
 *					the repository of a clone adopted in
 *					place
 *	DATA/trees/NAME/lock		locked (flock) while the tree is in use
 *	DATA/trees/NAME/update.lock	locked during an update
 *	DATA/trees/NAME/state.json	state at the last update (tree/state.h)
 *	DATA/trees/NAME/worktrees/KEY/	a private worktree per architecture,
 *					toolchain, configuration and nightly job
 *	DATA/trees/NAME/last-build	a symbolic link to the output directory
 *					of the last build, except builds of
 *					nightly jobs
 *	DATA/trees/.new-NAME/		a tree that is being added
 *	DATA/trees/.gone-PID-NAME/	a tree that is being removed
 *
 * tree/cleanup.h removes the remains of an interrupted addition or removal.
 *
 * In repo.git the branches of a remote are refs/remotes/REMOTE/BRANCH.  If a
 * tree was added by URL, its remote is "origin", and each update points HEAD to
 * a local branch with the name and the commit of origin's default branch.  The
 * repository of an adopted clone has the branches and remotes of that clone.  A
 * shallow clone (tree/add.h) has a file `shallow`.
 */
#ifndef TREE_DATADIR_H
#define TREE_DATADIR_H

#include "base/err.h"
#include "base/str.h"

enum tree_lock_mode {
	TREE_LOCK_READ, /* shared with other readers and one update */
	TREE_LOCK_UPDATE, /* shared with readers; one update at a time */
	TREE_LOCK_REMOVE, /* exclusive */
};

/* An open tree.  A zeroed struct is closed. */
struct tree_datadir {
	char *name;
	char *dir; /* DATA/trees/NAME */
	char *repository; /* path to open with libgit2 */
	char *url; /* configured URL, or NULL */
	int lock_fd, update_fd; /* descriptors; 0 if not locked */
};

/* Return the path of DATA/trees, which the caller frees. */
char *tree_datadir_top(void);
/*
 * Check the name of a tree: 1 to 64 characters, each of which is a letter, a
 * digit or one of "-_.+", without a leading dot or dash.  Returns 0 or -EINVAL.
 */
int tree_datadir_check_name(const char *name, struct err *err);
/* Append the names of all trees, sorted.  Returns 0 or a negative errno. */
int tree_datadir_list_names(struct strv *out, struct err *err);
/*
 * Open and lock the tree `name`.  TREE_LOCK_READ and TREE_LOCK_UPDATE wait for
 * the lock; after two seconds, a message on stderr names the process that holds
 * the lock.  TREE_LOCK_REMOVE does not wait.
 *
 * Returns 0; -EINVAL for an invalid name; -ENOENT with advice in `err` if the
 * tree or its repository does not exist; -EBUSY with `err` naming the process
 * that uses the tree; -ECANCELED if a signal interrupts the wait; or another
 * negative errno.
 */
int tree_datadir_open(struct tree_datadir *t, const char *name,
		      enum tree_lock_mode mode, struct err *err);
/* Close the tree and release its locks. */
void tree_datadir_release(struct tree_datadir *t);

#endif
