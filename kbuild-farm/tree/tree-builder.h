/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/tree-builder.h - Construction of a git tree from files in any order.
 *
 * Blobs are added to a pack as they arrive.  An invalid or duplicate path is
 * rejected at once, a path below a file or a link when the tree is built.
 *
 * The pack has the format of gitformat-pack(5), version 2, without deltas.
 * Until tree_pack_finish() gives it a name, it is an unnamed file that no other
 * process can see.
 */
#ifndef TREE_TREE_BUILDER_H
#define TREE_TREE_BUILDER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"

#include <git2.h>
#include <stdatomic.h>

struct tree_pack;

/* One object of a pack.  `content` is borrowed until the object is added. */
struct tree_pack_object {
	git_object_t type;
	struct bytes content;
	git_oid id; /* set when the object is added */
};

/*
 * Start a pack in the bare repository `repository`.  Returns 0 with *out, which
 * tree_pack_free() releases, or -errno.
 */
int tree_pack_new(struct tree_pack **out, const char *repository,
		  struct err *err);
void tree_pack_free(struct tree_pack *p);
/*
 * Add the pack and its index to the repository. on_progress() (may be NULL)
 * receives the number of indexed objects and of all objects.  Returns 0,
 * -errno, or -ECANCELED after *stop (may be NULL) became true.
 */
int tree_pack_finish(struct tree_pack *p,
		     void (*on_progress)(void *ctx, uint64_t done,
					 uint64_t all),
		     void *ctx, const atomic_bool *stop, struct err *err);

#define TREE_FILE_MAX    (512ull << 20) /* bytes of one file */
#define TREE_IMPORT_MAX  (8ull << 30) /* bytes of all files */
#define TREE_ENTRIES_MAX 1000000

struct tree_builder_entry {
	char *path;
	git_filemode_t mode;
	git_oid id;
	long long mtime; /* seconds since the epoch */
	/* index in the batch plus 1 while `id` is pending, else 0 */
	size_t batch_index;
};

struct tree_builder {
	struct tree_pack *pack;
	struct tree_builder_entry *entries;
	size_t n_entries;
	struct map by_path; /* index of the entries by path */
	struct buf *batch; /* contents that are not yet in the pack */
	size_t n_batch;
	size_t batch_bytes;
	uint64_t total_bytes; /* size of all files added so far */
	/* Called after each batch; a nonzero result ends the import. */
	int (*on_batch_added)(void *ctx, struct err *err);
	void *ctx;
};

void tree_builder_release(struct tree_builder *in);

/*
 * Add a file.  A symbolic link has the mode GIT_FILEMODE_LINK, and its target
 * is the content.  The memory of `content` moves to the builder unless the path
 * is rejected; the caller releases `content` in both cases.  Returns 0, -EINVAL
 * for an invalid path, -E2BIG beyond a limit, or -errno.
 */
int tree_builder_add(struct tree_builder *in, const char *path,
		     git_filemode_t mode, long long mtime, struct buf *content,
		     struct err *err);
/*
 * Add a file that is equal to `target`, a file that has been added.  Returns 0,
 * -EINVAL if `target` is not such a file, or another negative errno.
 */
int tree_builder_add_hard_link(struct tree_builder *in, const char *path,
			       const char *target, struct err *err);
/*
 * Build the tree after the last file, and store its id in *root.  With `strip`,
 * if all entries are below one directory, *root is the tree of that directory.
 * *date becomes the mtime of the top Makefile or, if there is no Makefile, of
 * the newest file.  Returns 0 or -errno.
 */
int tree_builder_finish(struct tree_builder *in, bool strip, git_oid *root,
			long long *date, struct err *err);

#endif
