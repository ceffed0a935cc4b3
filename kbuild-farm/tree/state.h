/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/state.h - what `kfarm tree list` says of a tree, as of its last update.
 *
 * DATA/trees/NAME/state.json; so that listing opens no repository, of which
 * some have 100,000 references.
 */
#ifndef TREE_STATE_H
#define TREE_STATE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct git_repository;

/* How the tree came about. */
enum tree_kind {
	TREE_CLONE,
	TREE_BORROWS, /* the objects of an adopted clone */
	TREE_IN_PLACE, /* is the adopted clone */
	TREE_IMPORT, /* of a directory or a tarball */
};

struct tree_branch {
	char *name; /* "origin/linux-6.1.y"; of HEAD "master" */
	char *commit; /* 40 hexadecimal digits */
	long long time; /* of that commit, seconds since 1970 */
};

/* A zeroed one is empty. */
struct tree_state {
	enum tree_kind kind;
	char *source; /* the URL or path that it was added from */
	long long updated; /* seconds since 1970 */
	uint64_t size; /* bytes on disk, without what is borrowed */
	struct tree_branch head; /* name NULL: none */
	struct tree_branch *branches; /* the newest TREE_BRANCHES_MAX */
	size_t n;
};

#define TREE_BRANCHES_MAX 5

/* "clone", "borrows", "in-place", "import". */
const char *tree_state_kind(enum tree_kind kind);
/* Read DIR/state.json: 0, -ENOENT, or another negative errno. */
int tree_state_read(struct tree_state *s, const char *dir, struct err *err);
int tree_state_write(const struct tree_state *s, const char *dir,
		     struct err *err);
/*
 * Look into the repository: head, branches, size, and the time is now.  `kind`
 * and `source` stay.  Walks all its files and branches.
 */
int tree_state_look(struct tree_state *s, struct git_repository *repo,
		    struct err *err);
void tree_state_release(struct tree_state *s);

#endif
