/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/home.h - where the trees that kfarm manages are, and their locks.
 *
 *	DATA/trees/NAME/repo.git	a bare repository; a symbolic link to
 *					a clone's that was adopted in place
 *	DATA/trees/NAME/lock		flock'ed by who uses the tree
 *	DATA/trees/NAME/update.lock	flock'ed by who updates it
 *	DATA/trees/NAME/state.json	as of the last update: tree/state.h
 *	DATA/trees/NAME/worktrees/KEY/	a private worktree per configuration
 *	DATA/trees/NAME/last-build	a link to the last build's output
 *	DATA/trees/.new-NAME/		is being made; leftovers are swept
 *	DATA/trees/.gone-NAME/		is being removed; leftovers are swept
 *
 * In repo.git the branches of a remote are refs/remotes/REMOTE/BRANCH; that of
 * a URL is "origin".  HEAD is a branch that follows the one which the remote's
 * HEAD names.  An adopted clone has its own branches and remotes, a shallow
 * clone (tree/add.h) a file `shallow`.
 */
#ifndef TREE_HOME_H
#define TREE_HOME_H

#include "base/err.h"
#include "base/str.h"

enum tree_lock {
	/* A build, a look at it: together with other readers and an update. */
	TREE_READ,
	/* Fetches into it: the only one to do so. */
	TREE_UPDATE,
	/* Removes it: alone. */
	TREE_CHANGE,
};

/* A zeroed one is none. */
struct tree_home {
	char *name;
	char *dir; /* DATA/trees/NAME */
	char *repository; /* what libgit2 is to open */
	char *url; /* of the configuration, NULL: none */
	int lock, update; /* descriptors; 0: none */
};

/* DATA/trees; the caller frees it. */
char *tree_home_top(void);
/*
 * A tree's name: 1 to 64 letters, digits, - _ . + and no dot or dash in front;
 * -EINVAL with `err` else.
 */
int tree_home_check_name(const char *name, struct err *err);
/* The names of those that are there, sorted: 0 or a negative errno. */
int tree_home_names(struct strv *out, struct err *err);
/*
 * The tree `name`, locked.  TREE_READ and TREE_UPDATE wait for it, with a line
 * on stderr after two seconds that names who holds it; TREE_CHANGE does not.
 *
 * Returns 0; -EINVAL: no name; -ENOENT: there is none, and `err` says which
 * there are, or that `kfarm tree update` is what clones it; -EBUSY: in use, and
 * `err` names by whom; -ECANCELED: a signal came, and somebody catches it; or
 * another negative errno.
 */
int tree_home_open(struct tree_home *t, const char *name, enum tree_lock how,
		   struct err *err);
void tree_home_release(struct tree_home *t);

#endif
