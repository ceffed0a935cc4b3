/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/files.h"

#include "base/str.h"
#include "base/vec.h"
#include "tree/git.h"
#include "tree/index.h"
#include "tree/name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 500

struct reading {
	struct tree_files *f;
	git_repository *repo;
	size_t trees;
	struct err *err;
};

static int read_tree_object(struct reading *r, const git_oid *id,
			    const char *prefix, unsigned depth);

static int too_many(struct reading *r, const char *path)
{
	return err_set(r->err, E2BIG, "%.200s: one of more than %d files", path,
		       TREE_FILES_MAX);
}

static int read_tree_entry(struct reading *r, const git_tree_entry *e,
			   char *path, unsigned depth)
{
	git_filemode_t mode = git_tree_entry_filemode(e);
	git_index_entry *file;
	char *prefix;
	int ret;

	if (mode == GIT_FILEMODE_TREE) {
		prefix = xasprintf("%s/", path);
		free(path);
		ret = read_tree_object(r, git_tree_entry_id(e), prefix,
				       depth + 1);
		free(prefix);
		return ret;
	}
	if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE &&
	    mode != GIT_FILEMODE_LINK && mode != GIT_FILEMODE_COMMIT) {
		ret = err_set(r->err, EINVAL, "%.200s: has the mode %o", path,
			      (unsigned)git_tree_entry_filemode_raw(e));
		free(path);
		return ret;
	}
	file = VEC_ADD(r->f->v, r->f->n);
	file->path = path;
	file->mode = mode;
	file->id = *git_tree_entry_id(e);
	return 0;
}

static int read_tree_object(struct reading *r, const git_oid *id,
			    const char *prefix, unsigned depth)
{
	git_tree *tree = NULL;
	int ret = git_tree_lookup(&tree, r->repo, id);

	if (ret)
		return tree_git_failed(r->err, ret, "%s",
				       *prefix ? prefix : "top");
	if (depth > DEPTH_MAX || strlen(prefix) > TREE_PATH_MAX)
		ret = err_set(r->err, EINVAL, "%.200s...: too deep", prefix);
	else if (++r->trees > TREE_FILES_MAX)
		ret = too_many(r, prefix);
	for (size_t i = 0; !ret && i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i);
		const char *name = git_tree_entry_name(e);

		if (!tree_name_is_fine(name))
			ret = err_set(
				r->err, EINVAL,
				"%.200s: there is \"%.200s\" in it, which "
				"may not be written",
				*prefix ? prefix : "the tree", name);
		else if (r->f->n >= TREE_FILES_MAX)
			ret = too_many(r, name);
		else
			ret = read_tree_entry(
				r, e, xasprintf("%s%s", prefix, name), depth);
	}
	git_tree_free(tree);
	return ret;
}

/* ---- directories ---- */

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const git_index_entry *)a)->path,
		      ((const git_index_entry *)b)->path);
}

static int compare_dirs(const void *a, const void *b)
{
	const struct tree_dir *x = a, *y = b;

	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return strcmp(x->path, y->path);
}

/* How many bytes of directories two paths have in common, with slashes. */
static size_t common_dirs(const char *a, const char *b)
{
	size_t slash = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++) {
		if (a[i] == '/')
			slash = i + 1;
	}
	return slash;
}

static unsigned count_slashes(const char *path, size_t n)
{
	unsigned slashes = 0;

	for (size_t i = 0; i < n; i++)
		slashes += path[i] == '/';
	return slashes;
}

/* Directories that begin with file `i`; those of the file before it go on. */
static void begin_dirs(struct tree_files *f, size_t i)
{
	const char *path = f->v[i].path;
	size_t from = i ? common_dirs(f->v[i - 1].path, path) : 0;
	const char *slash = path + from;

	while ((slash = strchr(slash, '/'))) {
		struct tree_dir *d = VEC_ADD(f->dir, f->n_dirs);

		d->path = xstrndup(path, (size_t)(slash - path));
		d->depth = count_slashes(path, (size_t)(slash - path)) + 1;
		d->first = i;
		slash++;
	}
}

/* All that begins with "DIR/" is in one piece. */
static void end_dir(const struct tree_files *f, struct tree_dir *d)
{
	size_t low = d->first, high = f->n, n = strlen(d->path);

	while (n && low < high) {
		size_t mid = low + (high - low) / 2;
		const char *path = f->v[mid].path;

		if (!strncmp(path, d->path, n) && path[n] == '/')
			low = mid + 1;
		else
			high = mid;
	}
	d->end = n ? low : f->n;
}

static int find_dirs(struct tree_files *f, struct err *err)
{
	struct tree_dir *top = VEC_ADD(f->dir, f->n_dirs);

	top->path = xstrdup("");
	for (size_t i = 0; i < f->n; i++) {
		if (i && !strcmp(f->v[i - 1].path, f->v[i].path))
			return err_set(err, EINVAL, "%.200s: is there twice",
				       f->v[i].path);
		begin_dirs(f, i);
	}
	qsort(f->dir, f->n_dirs, sizeof(*f->dir), compare_dirs);
	for (size_t i = 0; i < f->n_dirs; i++) {
		struct tree_dir *d = &f->dir[i];

		if (tree_files_find(f, 0, f->n, d->path))
			return err_set(err, EINVAL,
				       "%.200s: is a file and a directory",
				       d->path);
		end_dir(f, d);
	}
	return 0;
}

int tree_files_read(struct tree_files *out, git_repository *repo,
		    const git_oid *commit, struct err *err)
{
	struct reading r = { .f = out, .repo = repo, .err = err };
	git_commit *c = NULL;
	int ret;

	*out = (struct tree_files){ 0 };
	ret = git_commit_lookup(&c, repo, commit);
	if (ret)
		return tree_git_failed(err, ret, "commit");
	ret = read_tree_object(&r, git_commit_tree_id(c), "", 0);
	git_commit_free(c);
	if (ret)
		return ret;
	/* A tree that git made is in this order already. */
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), compare_files);
	return find_dirs(out, err);
}

int tree_files_of_index(struct tree_files *out, const struct tree_index *index,
			struct err *err)
{
	*out = (struct tree_files){ .borrowed = true };
	out->v = xcalloc(index->n + 1, sizeof(*out->v));
	for (size_t i = 0; i < index->n; i++) {
		const git_index_entry *e = &index->v[i];

		if (strlen(e->path) > TREE_PATH_MAX)
			return err_set(err, EINVAL, "%.200s...: too long",
				       e->path);
		if (!out->n || strcmp(out->v[out->n - 1].path, e->path))
			out->v[out->n++] = *e;
	}
	return find_dirs(out, err);
}

void tree_files_release(struct tree_files *f)
{
	for (size_t i = 0; !f->borrowed && i < f->n; i++)
		free((char *)f->v[i].path);
	for (size_t i = 0; i < f->n_dirs; i++)
		free(f->dir[i].path);
	free(f->v);
	free(f->dir);
	*f = (struct tree_files){ 0 };
}

git_index_entry *tree_files_find(const struct tree_files *f, size_t first,
				 size_t end, const char *path)
{
	git_index_entry key = { .path = path };

	return end > first ? bsearch(&key, f->v + first, end - first,
				     sizeof(key), compare_files) :
			     NULL;
}

struct tree_dir *tree_files_dir(const struct tree_files *f, unsigned depth,
				const char *path)
{
	struct tree_dir key = { .path = (char *)path, .depth = depth };

	return bsearch(&key, f->dir, f->n_dirs, sizeof(key), compare_dirs);
}
