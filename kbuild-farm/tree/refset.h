/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/refset.h - all references of a repository of ours changed in one step.
 *
 * libgit2 writes each reference into a file of its own, and each that is
 * pruned costs a copy of all others: 100,000 take minutes.  Here the file
 * packed-refs, which git's gitrepository-layout(5) and git-pack-refs(1)
 * describe, is written anew and renamed.  Symbolic references are none of it.
 */
#ifndef TREE_REFSET_H
#define TREE_REFSET_H

#include "tree/worker.h"

#include <git2.h>

/* What came of a fetch and the like, in references. */
struct tree_changes {
	unsigned branches, moved, gone; /* new ones, others, pruned ones */
	unsigned tags;
	bool uncounted; /* the program git fetched */
};

struct tree_ref {
	char *name;
	git_oid id;
	bool wanted; /* was put, and was not there before */
	bool keep; /* was there and stays, unless something else is put */
};

/* A zeroed one is empty. */
struct tree_refset {
	struct tree_ref *v;
	size_t n, were; /* those below `were` were there, sorted by name */
};

/* All that lie in files of their own into packed-refs. */
int tree_refset_pack(git_repository *repo, struct err *err);
/*
 * Those of the repository, which nobody else changes now; each stays until it
 * is dropped.  What lies in files of its own is packed first.
 */
int tree_refset_read(struct tree_refset *s, git_repository *repo,
		     struct err *err);
/*
 * Drop those whose objects are not there, as a clone has lost them that lent
 * them: git_refdb_compress() would fail.  *n is how many.
 */
int tree_refset_drop_missing(git_repository *repo, unsigned *n,
			     struct err *err);
/* One that was there, or NULL. */
struct tree_ref *tree_refset_find(const struct tree_refset *s,
				  const char *name);
/*
 * `name` shall be `id`.  A name that git forbids is passed over, and so are
 * the tags that a server lists as what they point to.
 */
void tree_refset_put(struct tree_refset *s, const char *name,
		     const git_oid *id);
/*
 * Write them, if anything changes, and add up what did.  Where "a" and "a/b"
 * are both wanted, which git forbids, "a" stays.  -EBADMSG: what a reference is
 * to be is not there; nothing is changed then.
 */
int tree_refset_write(struct tree_refset *s, git_repository *repo,
		      struct tree_changes *changes, struct err *err);
void tree_refset_release(struct tree_refset *s);

#endif
