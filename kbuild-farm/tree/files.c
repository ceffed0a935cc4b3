/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/files.h"

#include "base/str.h"
#include "base/vec.h"
#include "tree/git.h"
#include "tree/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 500

struct tree_walk {
	struct tree_files *f;
	git_repository *repo;
	size_t trees;
	struct err *err;
};

static int read_tree_object(struct tree_walk *r, const git_oid *id,
			    const char *prefix, unsigned depth);

static int too_many(struct tree_walk *r, const char *path)
{
	return err_set(r->err, E2BIG, "%.200s: too many files: the limit is %d",
		       path, TREE_FILES_MAX);
}

static int read_tree_entry(struct tree_walk *r, const git_tree_entry *e,
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
		ret = err_set(r->err, EINVAL, "%.200s: unexpected mode %o",
			      path, (unsigned)git_tree_entry_filemode_raw(e));
		free(path);
		return ret;
	}
	file = VEC_ADD(r->f->entries, r->f->n_entries);
	file->path = path;
	file->mode = mode;
	file->id = *git_tree_entry_id(e);
	return 0;
}

static int read_tree_object(struct tree_walk *r, const git_oid *id,
			    const char *prefix, unsigned depth)
{
	git_tree *tree = NULL;
	int ret = git_tree_lookup(&tree, r->repo, id);

	if (ret)
		return tree_git_set_error(r->err, ret, "%s",
					  *prefix ? prefix : "root tree");
	if (depth > DEPTH_MAX || strlen(prefix) > TREE_PATH_MAX)
		ret = err_set(r->err, EINVAL, "%.200s...: path too deep",
			      prefix);
	else if (++r->trees > TREE_FILES_MAX)
		ret = too_many(r, prefix);
	for (size_t i = 0; !ret && i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i);
		const char *name = git_tree_entry_name(e);

		if (!tree_path_check_is_valid_name(name))
			ret = err_set(r->err, EINVAL,
				      "%.200s: invalid file name \"%.200s\"",
				      *prefix ? prefix : "root tree", name);
		else if (r->f->n_entries >= TREE_FILES_MAX)
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

/* Add the directories that contain file `i` but not file `i` - 1. */
static void begin_dirs(struct tree_files *f, size_t i)
{
	const char *path = f->entries[i].path;
	const char *before = i ? f->entries[i - 1].path : "";
	const char *slash = path;

	for (size_t k = 0; before[k] && before[k] == path[k]; k++) {
		if (path[k] == '/')
			slash = &path[k + 1];
	}
	for (; (slash = strchr(slash, '/')); slash++) {
		struct tree_dir *d = VEC_ADD(f->dirs, f->n_dirs);

		d->path = xstrndup(path, (size_t)(slash - path));
		d->depth = 1;
		for (const char *c = path; c < slash; c++)
			d->depth += *c == '/';
		d->first = i;
	}
}

/*
 * Find the end of a directory by binary search: the paths that begin with
 * "DIR/" are contiguous.
 */
static void end_dir(const struct tree_files *f, struct tree_dir *d)
{
	size_t low = d->first, high = f->n_entries, n = strlen(d->path);

	while (n && low < high) {
		size_t mid = low + (high - low) / 2;
		const char *path = f->entries[mid].path;

		if (!strncmp(path, d->path, n) && path[n] == '/')
			low = mid + 1;
		else
			high = mid;
	}
	d->end = n ? low : f->n_entries;
}

static int find_tree_dirs(struct tree_files *f, struct err *err)
{
	struct tree_dir *top = VEC_ADD(f->dirs, f->n_dirs);

	top->path = xstrdup("");
	for (size_t i = 0; i < f->n_entries; i++) {
		if (i && !strcmp(f->entries[i - 1].path, f->entries[i].path))
			return err_set(err, EINVAL, "%.200s: duplicate entry",
				       f->entries[i].path);
		begin_dirs(f, i);
	}
	qsort(f->dirs, f->n_dirs, sizeof(*f->dirs), compare_dirs);
	for (size_t i = 0; i < f->n_dirs; i++) {
		struct tree_dir *d = &f->dirs[i];

		if (tree_files_find(f, 0, f->n_entries, d->path))
			return err_set(err, EINVAL,
				       "%.200s: both a file and a directory",
				       d->path);
		end_dir(f, d);
	}
	return 0;
}

int tree_files_read(struct tree_files *out, git_repository *repo,
		    const git_oid *commit, struct err *err)
{
	struct tree_walk r = { .f = out, .repo = repo, .err = err };
	git_commit *c = NULL;
	int ret;

	*out = (struct tree_files){ 0 };
	ret = git_commit_lookup(&c, repo, commit);
	if (ret)
		return tree_git_set_error(err, ret, "commit");
	ret = read_tree_object(&r, git_commit_tree_id(c), "", 0);
	git_commit_free(c);
	if (ret)
		return ret;
	/*
	 * Sort the entries, because a tree object that git did not write can
	 * have another order.
	 */
	if (out->n_entries)
		qsort(out->entries, out->n_entries, sizeof(*out->entries),
		      compare_files);
	return find_tree_dirs(out, err);
}

int tree_files_from_index(struct tree_files *out,
			  const struct tree_index *index, struct err *err)
{
	*out = (struct tree_files){ .paths_borrowed = true };
	out->entries = xcalloc(index->n_entries + 1, sizeof(*out->entries));
	for (size_t i = 0; i < index->n_entries; i++) {
		const git_index_entry *e = &index->entries[i];

		if (strlen(e->path) > TREE_PATH_MAX)
			return err_set(err, EINVAL, "%.200s...: path too long",
				       e->path);
		if (!out->n_entries ||
		    strcmp(out->entries[out->n_entries - 1].path, e->path))
			out->entries[out->n_entries++] = *e;
	}
	return find_tree_dirs(out, err);
}

void tree_files_release(struct tree_files *f)
{
	for (size_t i = 0; !f->paths_borrowed && i < f->n_entries; i++)
		free((char *)f->entries[i].path);
	for (size_t i = 0; i < f->n_dirs; i++)
		free(f->dirs[i].path);
	free(f->entries);
	free(f->dirs);
	*f = (struct tree_files){ 0 };
}

git_index_entry *tree_files_find(const struct tree_files *f, size_t first,
				 size_t end, const char *path)
{
	git_index_entry key = { .path = path };

	return end > first ? bsearch(&key, f->entries + first, end - first,
				     sizeof(key), compare_files) :
			     NULL;
}

struct tree_dir *tree_files_find_dir(const struct tree_files *f, unsigned depth,
				     const char *path)
{
	struct tree_dir key = { .path = (char *)path, .depth = depth };

	return bsearch(&key, f->dirs, f->n_dirs, sizeof(key), compare_dirs);
}
