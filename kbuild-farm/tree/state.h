/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/state.h - State of a tree for `kfarm tree list`, as of its last update.
 *
 * The state is stored in DATA/trees/NAME/state.json, so that listing does not
 * open the repositories, some of which have 100,000 references.
 */
#ifndef TREE_STATE_H
#define TREE_STATE_H

#include "base/record.h"

#include <stddef.h>
#include <stdint.h>

struct git_repository;

/* Relation of a tree's repository to its source. */
enum tree_kind {
	TREE_KIND_CLONE,
	TREE_KIND_BORROWED, /* borrows the objects of an adopted clone */
	TREE_KIND_IN_PLACE, /* the adopted clone itself */
	TREE_KIND_IMPORT, /* import of a directory or an archive */
};

struct tree_branch {
	/* such as "origin/linux-6.1.y" or, for a local branch, "master" */
	char *name;
	char *commit; /* 40 hexadecimal digits */
	long long time_s; /* commit time in seconds since the epoch */
};

/* A zeroed struct is empty. */
struct tree_state {
	enum tree_kind kind;
	char *source; /* URL or path from which the tree was added */
	long long updated_s; /* seconds since the epoch */
	uint64_t size_bytes; /* bytes on disk without borrowed objects */
	struct tree_branch head; /* `name` is NULL if HEAD names no commit */
	struct tree_branch *branches; /* TREE_BRANCHES_MAX newest branches */
	size_t n_branches;
};

#define TREE_BRANCHES_MAX 5

/* names of the kinds: "clone", "borrows", "in-place" and "import" */
extern const char *const tree_kinds[TREE_KIND_IMPORT + 1];
/* Members of a struct tree_branch in state.json and in listings. */
extern const struct record tree_branch_record;
/* Read DIR/state.json.  Returns 0, -ENOENT or another negative errno. */
int tree_state_read(struct tree_state *s, const char *dir, struct err *err);
/* Replace DIR/state.json.  Returns 0 or a negative errno. */
int tree_state_write(const struct tree_state *s, const char *dir,
		     struct err *err);
/*
 * Set everything except `kind` and `source` from the repository.  Reads all of
 * its branches and the sizes of its files.  Returns 0 or a negative errno.
 */
int tree_state_refresh(struct tree_state *s, struct git_repository *repo,
		       struct err *err);
void tree_state_release(struct tree_state *s);

#endif
