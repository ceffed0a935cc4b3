/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/ref-transaction.h - Change of all references in one step.
 *
 * libgit2 writes each reference to a separate file, and copies all other
 * references for each reference that it prunes.  An update of 100,000
 * references thus takes minutes.  A transaction instead writes a new
 * packed-refs file (gitrepository-layout(5), git-pack-refs(1)) and renames it.
 * A transaction does not contain symbolic references.
 *
 * The caller holds the tree's update lock, and calls
 *
 *  1. tree_ref_transaction_read();
 *  2. tree_ref_transaction_update() for each wanted reference;
 *  3. tree_ref_transaction_commit();
 *  4. tree_ref_transaction_release().
 *
 * References that the caller does not update remain, except those whose
 * `retained` it clears before the commit.
 */
#ifndef TREE_REF_TRANSACTION_H
#define TREE_REF_TRANSACTION_H

#include "tree/worker.h"

#include <git2.h>

/* Number of references that a fetch or a copy changed. */
struct tree_ref_changes {
	unsigned n_branches_added, n_branches_moved, n_branches_pruned;
	unsigned n_tags; /* added or moved */
	bool uncounted; /* fetched by the program git, which counts nothing */
};

struct tree_ref {
	char *name;
	git_oid id;
	bool added; /* set by tree_ref_transaction_update() */
	bool retained; /* remains even if it is not updated */
};

/* A zeroed struct is empty. */
struct tree_ref_transaction {
	struct tree_ref *refs;
	size_t n_refs;
	/*
	 * number of references before the transaction; they are the first
	 * elements of `refs`, sorted by name
	 */
	size_t n_initial;
};

/* Move all references from separate files to packed-refs. */
int tree_ref_transaction_pack(git_repository *repo, struct err *err);
/*
 * Pack the references of the repository and read them.  All of them are
 * `retained`.
 */
int tree_ref_transaction_read(struct tree_ref_transaction *s,
			      git_repository *repo, struct err *err);
/*
 * Drop references to missing objects.  An object is missing if the clone from
 * which the repository borrows no longer has it.  git_refdb_compress() would
 * fail on such a reference.  *n is the number of references dropped from
 * packed-refs.
 */
int tree_ref_transaction_drop_missing(git_repository *repo, unsigned *n,
				      struct err *err);
/* Return the reference `name` as it was before the transaction, or NULL. */
struct tree_ref *tree_ref_transaction_find(const struct tree_ref_transaction *s,
					   const char *name);
/*
 * Set the reference `name` to `id`.  Names that git forbids are ignored, as are
 * the peeled tags ("NAME^{}") that a server lists.
 */
void tree_ref_transaction_update(struct tree_ref_transaction *s,
				 const char *name, const git_oid *id);
/*
 * Write packed-refs if a reference changed, and add the numbers of changes to
 * `changes`.  If both "a" and "a/b" are wanted, which cannot coexist, "a/b" is
 * dropped.  Returns 0; -EBADMSG without a change if the object of a reference
 * is missing; or another negative errno.
 */
int tree_ref_transaction_commit(struct tree_ref_transaction *s,
				git_repository *repo,
				struct tree_ref_changes *changes,
				struct err *err);
void tree_ref_transaction_release(struct tree_ref_transaction *s);

#endif
