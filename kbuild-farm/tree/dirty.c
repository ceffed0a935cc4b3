/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/dirty.h"

#include "base/fs.h"
#include "tree/checkout.h"
#include "tree/git.h"
#include "tree/index.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A worktree and its comparison with the commit. */
struct checkout {
	const char *dir;
	git_repository *repo;
	git_tree *head;
	struct tree_index index;
	struct tree_checkout comparison;
	bool modes_ignored; /* core.fileMode is off */
	struct strv unverified; /* paths of files that may differ */
	struct err *err;
};

/* Mode and blob id of a path; zeroed if the path does not exist. */
struct content {
	unsigned mode;
	git_oid id;
};

static bool is_stop_requested(const struct checkout *c)
{
	return c->comparison.stop && atomic_load(c->comparison.stop);
}

/* ---- paths that may differ ---- */

/*
 * Collect the paths at which the index differs from the commit.  The index can
 * record the id of the root tree that `git write-tree` would create.  If the
 * commit has this root tree, nothing differs, and no objects are read.
 */
static int compare_staged(struct checkout *c, const git_oid *commit)
{
	const struct tree_index *x = &c->index;
	struct tree_files head = { 0 };
	size_t i = 0, j = 0;
	int ret;

	if (git_oid_equal(&x->root_tree, git_tree_id(c->head)))
		return 0;
	ret = tree_files_read(&head, c->repo, commit, c->err);
	while (!ret && (i < head.n_entries || j < x->n_entries)) {
		int order = i >= head.n_entries ? 1 :
			    j >= x->n_entries   ? -1 :
						  strcmp(head.entries[i].path,
							 x->entries[j].path);
		const char *path = order > 0 ? x->entries[j].path :
					       head.entries[i].path;

		if (order || head.entries[i].mode != x->entries[j].mode ||
		    !git_oid_equal(&head.entries[i].id, &x->entries[j].id) ||
		    x->entries[j].flags & TREE_INDEX_STAGE)
			strv_add(&c->unverified, path);
		i += order <= 0;
		j += order >= 0;
	}
	tree_files_release(&head);
	return ret;
}

/*
 * Return true if the entry is racily clean: a change in the clock tick in which
 * the index was written may have left the stat data of the file unchanged.
 */
static bool is_racy(const git_index_entry *e, const struct stat *index)
{
	time_t s = (uint32_t)e->mtime.seconds;

	return s > index->st_mtim.tv_sec ||
	       (s == index->st_mtim.tv_sec &&
		e->mtime.nanoseconds >= index->st_mtim.tv_nsec);
}

static int find_changed(struct checkout *c)
{
	const struct tree_files *f = &c->comparison.files;
	int ret = tree_files_from_index(&c->comparison.files, &c->index,
					c->err);

	if (ret)
		return ret;
	c->comparison.root_fd = open(c->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->comparison.root_fd < 0)
		return err_errno(c->err, "%s", c->dir);
	ret = tree_checkout_compare(&c->comparison);
	if (ret)
		*c->err = c->comparison.error;
	for (size_t i = 0; !ret && i < f->n_entries; i++) {
		const git_index_entry *e = &f->entries[i];
		bool skipped = e->flags & TREE_INDEX_ASSUME_VALID ||
			       e->flags_extended & TREE_INDEX_SKIP;

		if (!skipped && (c->comparison.states[i] != TREE_FILE_SAME ||
				 is_racy(e, &c->index.file_stat)))
			strv_add(&c->unverified, e->path);
	}
	return ret;
}

/*
 * Collect an untracked file, or the files below an untracked directory, except
 * files that git ignores.
 */
static int add_untracked(struct checkout *c, const char *path, int depth)
{
	char *full = xasprintf("%s/%s", c->dir, path), *name = NULL;
	struct strv names = { 0 };
	struct stat st;
	bool dir = !lstat(full, &st) && S_ISDIR(st.st_mode);
	int ret = is_stop_requested(c) ? -ECANCELED : 0;
	int ignored = 0;

	if (ret)
		goto out;
	name = xasprintf("%s%s", path, dir ? "/" : "");
	git_ignore_path_is_ignored(&ignored, c->repo, name);
	if (ignored)
		goto out;
	if (!dir)
		strv_add(&c->unverified, path);
	/* Skip a directory that is itself a git repository. */
	else if (depth < 100 && !fs_exists_in(full, TREE_GIT_LINK))
		fs_list(full, &names);
	for (size_t i = 0; !ret && i < names.n; i++) {
		char *below = xasprintf("%s/%s", path, names.v[i]);

		ret = add_untracked(c, below, depth + 1);
		free(below);
	}
out:
	strv_release(&names);
	free(name);
	free(full);
	return ret;
}

/* ---- paths that differ ---- */

static struct content read_worktree_content(const struct checkout *c,
					    const char *path)
{
	char *full = xasprintf("%s/%s", c->dir, path), to[PATH_MAX];
	struct content is = { 0 };
	struct stat st = { 0 };
	bool ok = false;
	ssize_t n;

	if (lstat(full, &st))
		st.st_mode = 0;
	if (S_ISDIR(st.st_mode)) {
		/*
		 * Assume that the directory is a submodule.  The caller checks
		 * whether the commit contains a submodule at this path.
		 */
		is.mode = GIT_FILEMODE_COMMIT;
	} else if (S_ISLNK(st.st_mode)) {
		is.mode = GIT_FILEMODE_LINK;
		n = readlink(full, to, sizeof(to));
		ok = n >= 0 &&
		     !git_odb_hash(&is.id, to, (size_t)n, GIT_OBJECT_BLOB);
	} else if (S_ISREG(st.st_mode)) {
		is.mode = st.st_mode & S_IXUSR ? GIT_FILEMODE_BLOB_EXECUTABLE :
						 GIT_FILEMODE_BLOB;
		/* Apply the same line-end conversion as `git add`. */
		ok = !git_repository_hashfile(&is.id, c->repo, full,
					      GIT_OBJECT_BLOB, NULL);
	}
	/* Treat an unreadable file as modified. */
	if (!ok && is.mode && is.mode != GIT_FILEMODE_COMMIT)
		memset(is.id.id, 0xff, sizeof(is.id.id));
	free(full);
	return is;
}

static bool is_plain_file(unsigned mode)
{
	return mode == GIT_FILEMODE_BLOB ||
	       mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

static bool differs_from_commit(const struct checkout *c, const char *path,
				struct content *worktree)
{
	struct content committed = { 0 };
	git_tree_entry *e = NULL;

	/*
	 * If the commit contains a directory at `path`, `committed` remains
	 * zero ("no file"), because the files in the directory have other
	 * paths.
	 */
	if (!git_tree_entry_bypath(&e, c->head, path) &&
	    git_tree_entry_filemode(e) != GIT_FILEMODE_TREE) {
		committed.mode = git_tree_entry_filemode(e);
		if (committed.mode != GIT_FILEMODE_COMMIT)
			committed.id = *git_tree_entry_id(e);
	}
	git_tree_entry_free(e);
	*worktree = read_worktree_content(c, path);
	if (c->modes_ignored && is_plain_file(worktree->mode) &&
	    is_plain_file(committed.mode))
		worktree->mode = committed.mode;
	/* A directory in place of a file means that the file is missing. */
	if (worktree->mode == GIT_FILEMODE_COMMIT &&
	    committed.mode != GIT_FILEMODE_COMMIT)
		worktree->mode = 0;
	return worktree->mode != committed.mode ||
	       !git_oid_equal(&worktree->id, &committed.id);
}

static int digest_differences(struct checkout *c, struct tree_dirty *out)
{
	struct digest_ctx *run = digest_new();
	struct buf line = { 0 };
	int ret = 0;

	strv_sort_unique(&c->unverified);
	for (size_t i = 0; !ret && i < c->unverified.n; i++) {
		const char *path = c->unverified.v[i];
		char hex[GIT_OID_HEXSZ + 1];
		struct content is;

		ret = is_stop_requested(c) ? -ECANCELED : 0;
		if (ret || !differs_from_commit(c, path, &is))
			continue;
		out->n_files++;
		buf_reset(&line);
		buf_add(&line, path, strlen(path) + 1);
		git_oid_tostr(hex, sizeof(hex), &is.id);
		if (is.mode)
			buf_printf(&line, "%o %s\n", is.mode, hex);
		else
			buf_add_str(&line, "gone\n");
		digest_add(run, buf_bytes(&line));
	}
	digest_finish(run, &out->digest);
	buf_release(&line);
	return ret;
}

static int inspect_checkout(struct checkout *c, struct tree_dirty *out)
{
	char *file = xasprintf("%sindex", git_repository_path(c->repo));
	git_object *commit = NULL;
	git_reference *head = NULL;
	git_config *config = NULL;
	int ret = 0, filemode = 1;

	/* A worktree without a commit cannot be compared. */
	if (git_repository_head(&head, c->repo) ||
	    git_reference_peel(&commit, head, GIT_OBJECT_COMMIT) ||
	    git_commit_tree(&c->head, (git_commit *)commit))
		goto out;
	if (!git_repository_config_snapshot(&config, c->repo))
		git_config_get_bool(&filemode, config, "core.filemode");
	c->modes_ignored = !filemode;
	ret = tree_index_read(&c->index, file, c->err);
	if (!ret)
		ret = compare_staged(c, git_object_id(commit));
	if (!ret)
		ret = find_changed(c);
	for (size_t i = 0; !ret && i < c->comparison.extra.n; i++)
		ret = add_untracked(c, c->comparison.extra.v[i], 0);
	if (!ret)
		ret = digest_differences(c, out);
	out->valid = !ret;
out:
	git_config_free(config);
	git_object_free(commit);
	git_reference_free(head);
	free(file);
	return ret;
}

int tree_dirty_read(struct tree_dirty *out, const char *dir,
		    const atomic_bool *stop, struct err *err)
{
	struct checkout c = { .dir = dir, .err = err };
	int ret = 0;

	*out = (struct tree_dirty){ 0 };
	c.comparison.root_fd = -1;
	c.comparison.read_only = true;
	c.comparison.stop = stop;
	c.comparison.n_threads = 1;
	pthread_mutex_init(&c.comparison.mutex, NULL);
	tree_git_init();
	if (!git_repository_open_ext(&c.repo, dir,
				     GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) &&
	    !git_repository_is_bare(c.repo))
		ret = inspect_checkout(&c, out);
	if (c.comparison.root_fd >= 0)
		close(c.comparison.root_fd);
	tree_files_release(&c.comparison.files);
	tree_index_release(&c.index);
	strv_release(&c.comparison.extra);
	strv_release(&c.unverified);
	free(c.comparison.states);
	git_tree_free(c.head);
	git_repository_free(c.repo);
	git_libgit2_shutdown();
	pthread_mutex_destroy(&c.comparison.mutex);
	return ret;
}
