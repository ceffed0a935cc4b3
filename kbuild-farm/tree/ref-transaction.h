/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/ref-transaction.h - Change of all references in one step.
 *
 * libgit2 writes each reference to a separate file, and copies all others for
 * each that it prunes, so that 100,000 references take minutes.  A transaction
 * instead writes a new packed-refs file (gitrepository-layout(5),
 * git-pack-refs(1)) and renames it.  Symbolic references are not part of it.
 *
 * The caller holds the tree's update lock, and calls
 *
 *  1. tree_ref_transaction_read();
 *  2. tree_ref_transaction_update() for each wanted reference, and clears
 *     `retained` of those that may be dropped;
 *  3. tree_ref_transaction_commit();
 *  4. tree_ref_transaction_release().
 */
#ifndef TREE_REF_TRANSACTION_H
#define TREE_REF_TRANSACTION_H

#include "tree/worker.h"

#include <git2.h>

/* Number of references that a fetch or a copy changed. */
struct tree_ref_changes {
	unsigned n_branches_added, n_branches_moved, n_branches_pruned;
	unsigned n_tags; /* added or moved */
	bool uncounted; /* the program git fetched, so changes are unknown */
};

struct tree_ref {
	char *name;
	git_oid id;
	bool added; /* set by tree_ref_transaction_update() */
	bool retained; /* existed before; stays unless it is updated */
};

/* A zeroed struct is empty. */
struct tree_ref_transaction {
	struct tree_ref *refs;
	size_t n_refs;
	size_t n_initial; /* the first ones existed before, sorted by name */
};

/* Move all references of separate files to packed-refs. */
int tree_ref_transaction_pack(git_repository *repo, struct err *err);
/*
 * Pack the references of the repository and read them.  All of them are
 * `retained`.
 */
int tree_ref_transaction_read(struct tree_ref_transaction *s,
			      git_repository *repo, struct err *err);
/*
 * Drop references whose objects are missing because a clone that lends them has
 * lost them, and count them in *n.  git_refdb_compress() would fail otherwise.
 */
int tree_ref_transaction_drop_missing(git_repository *repo, unsigned *n,
				      struct err *err);
/* Return the reference that existed before under that name, or NULL. */
struct tree_ref *tree_ref_transaction_find(const struct tree_ref_transaction *s,
					   const char *name);
/*
 * Set the reference `name` to `id`.  Names that git forbids are ignored, as are
 * the peeled tags ("NAME^{}") that a server lists.
 */
void tree_ref_transaction_update(struct tree_ref_transaction *s,
				 const char *name, const git_oid *id);
/*
 * Write the references if any changed, and add the numbers to `changes`.  Of
 * "a" and "a/b", which cannot both exist, "a" stays.  Returns 0; -EBADMSG
 * without a change if the object of a reference is missing; or another negative
 * errno.
 */
int tree_ref_transaction_commit(struct tree_ref_transaction *s,
				git_repository *repo,
				struct tree_ref_changes *changes,
				struct err *err);
void tree_ref_transaction_release(struct tree_ref_transaction *s);

#endif
