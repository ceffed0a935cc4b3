/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/pack.h - many new objects of a repository, written as one pack.
 *
 * Format: gitformat-pack(5), version 2, whole objects without deltas.  The
 * pack counts only once tree_pack_end() has named it; before that there is
 * but a file without a name.
 */
#ifndef TREE_PACK_H
#define TREE_PACK_H

#include "base/buf.h"
#include "base/err.h"

#include <git2.h>
#include <stdatomic.h>

struct tree_pack;

/* One object; `content` is borrowed until it was added. */
struct tree_pack_object {
	git_object_t type;
	struct bytes content;
	git_oid id; /* set by tree_pack_add() */
};

/* Below `repository`, a bare one.  0 with *out, or a negative errno. */
int tree_pack_new(struct tree_pack **out, const char *repository,
		  struct err *err);
void tree_pack_free(struct tree_pack *p);
/*
 * Add `n` objects, hashed and packed on several threads.  What is in the pack
 * already is not added again.
 */
int tree_pack_add(struct tree_pack *p, struct tree_pack_object *v, size_t n,
		  struct err *err);
/*
 * Give the repository the pack, with its index.  `progress` is called with how
 * many objects of it were indexed and how many there are, and may be NULL;
 * -ECANCELED once *stop (may be NULL) is true.
 */
int tree_pack_end(struct tree_pack *p,
		  void (*progress)(void *ctx, uint64_t done, uint64_t all),
		  void *ctx, const atomic_bool *stop, struct err *err);

#endif
