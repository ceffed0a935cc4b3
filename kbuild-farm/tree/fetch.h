/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/fetch.h - what a remote of a repository has, into that repository.
 */
#ifndef TREE_FETCH_H
#define TREE_FETCH_H

#include "tree/refset.h"
#include "tree/worker.h"

#include <git2.h>

/* A zeroed one is empty. */
struct tree_fetch {
	struct tree_worker *worker;
	git_repository *repo;
	unsigned depth; /* commits of each branch, 0: all there are */
	bool all_tags; /* else those of commits that are here */
	bool shared; /* others change the repository, too: a user's clone */
	struct tree_changes changes;
	char *head; /* refs/heads/BRANCH that the remote's HEAD is, or NULL */
};

/*
 * Fetch and prune the branches that the configuration of the repository names
 * for the remote, and tags, in a child of tree_worker_run() after
 * tree_transport_register().  Into a shallow repository, or with a depth, the
 * program git fetches, as libgit2 before 1.7 cannot.
 *
 * Returns 0 or a negative errno; then `err` names the URL, and what references
 * there are is as before, or partly as after it.
 */
int tree_fetch_remote(struct tree_fetch *f, const char *remote,
		      struct err *err);
/* Ask for `head` alone. */
int tree_fetch_head(struct tree_fetch *f, const char *remote, struct err *err);
void tree_fetch_release(struct tree_fetch *f);

#endif
