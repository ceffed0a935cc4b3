/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/fetch.h - Fetching of a remote into a repository.
 *
 * kfarm obtains user names and passwords for HTTP from `git credential fill`
 * (git-credential(1)), which runs the user's credential helpers or prompts on
 * the terminal.  If the server accepts the credentials, kfarm runs `git
 * credential approve`.  If the server requests other credentials, kfarm runs
 * `git credential reject`.  After any other error, kfarm runs neither.
 */
#ifndef TREE_FETCH_H
#define TREE_FETCH_H

#include "tree/ref-transaction.h"
#include "tree/worker.h"

#include <git2.h>

/* One fetch.  The caller sets the fields up to `lender` and zeroes the rest. */
struct tree_fetch {
	struct tree_worker *worker;
	git_repository *repo;
	unsigned depth; /* commits per branch; 0 for all */
	bool all_tags; /* fetch all tags, not only those of fetched commits */
	/* the repository is a user's clone, which other programs may change */
	bool shared;
	/* clone that lends objects and whose tags have precedence, or NULL */
	git_repository *lender;
	struct tree_ref_changes changes;
	/* refs/heads/BRANCH that the remote's HEAD names, or NULL */
	char *head_ref;
	/* commit of the remote's HEAD if it is detached, else all zero */
	git_oid head_id;
	/*
	 * the program git was needed but not run, because the server lacks all
	 * branches that the refspecs name
	 */
	bool none_left;
	bool begun; /* tree_worker_begin_remote() was called */
};

/*
 * Fetch tags, and fetch and prune the branches that the repository's
 * configuration selects for the remote.  Runs in a child of tree_worker_run()
 * after tree_transport_register().  If the repository is shallow or f->depth is
 * set, the program git fetches, because libgit2 before 1.7 does not support
 * shallow repositories.  In a shared repository, tags that exist do not change,
 * and a fetch into a checked-out branch is an error.
 *
 * Returns 0, or a negative errno with `err` naming the URL.  An error can leave
 * a part of the references updated.
 */
int tree_fetch_remote(struct tree_fetch *f, const char *remote,
		      struct err *err);
/*
 * Connect to the remote and set `head_ref` without fetching.  Returns 0, or a
 * negative errno with `err` set.
 */
int tree_fetch_head(struct tree_fetch *f, const char *remote, struct err *err);
void tree_fetch_release(struct tree_fetch *f);

#endif
