/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/dirty.h"

#include "base/fs.h"
#include "tree/git.h"
#include "tree/index.h"
#include "tree/moving.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A checkout that is being looked at. */
struct checkout {
	const char *dir;
	git_repository *repo;
	git_tree *head;
	struct tree_index index;
	struct tree_moving m;
	bool any_mode; /* core.fileMode is off */
	struct strv unsure; /* paths of files that may differ */
	struct err *err;
};

/* What is at a path; a zeroed one is nothing. */
struct content {
	unsigned mode;
	git_oid id;
};

static bool stopped(const struct checkout *c)
{
	return c->m.stop && atomic_load(c->m.stop);
}

/* ---- which files may differ ---- */

/*
 * The index is the commit's tree more often than not, and mostly says so; else
 * all that one of the two has not, or another.
 */
static int compare_staged(struct checkout *c, const git_oid *commit)
{
	const struct tree_index *x = &c->index;
	struct tree_files head = { 0 };
	size_t i = 0, j = 0;
	int ret;

	if (git_oid_equal(&x->root, git_tree_id(c->head)))
		return 0;
	ret = tree_files_read(&head, c->repo, commit, c->err);
	while (!ret && (i < head.n || j < x->n)) {
		int order = i >= head.n ? 1 :
			    j >= x->n   ? -1 :
					  strcmp(head.v[i].path, x->v[j].path);
		const char *path = order > 0 ? x->v[j].path : head.v[i].path;

		if (order || head.v[i].mode != x->v[j].mode ||
		    !git_oid_equal(&head.v[i].id, &x->v[j].id) ||
		    x->v[j].flags & TREE_INDEX_STAGE)
			strv_add(&c->unsure, path);
		i += order <= 0;
		j += order >= 0;
	}
	tree_files_release(&head);
	return ret;
}

/* A change in the tick in which the index was written might not show. */
static bool is_racy(const git_index_entry *e, const struct stat *index)
{
	time_t s = (uint32_t)e->mtime.seconds;

	return s > index->st_mtim.tv_sec ||
	       (s == index->st_mtim.tv_sec &&
		e->mtime.nanoseconds >= index->st_mtim.tv_nsec);
}

static int find_changed(struct checkout *c)
{
	const struct tree_files *f = &c->m.files;
	int ret = tree_files_of_index(&c->m.files, &c->index, c->err);

	if (ret)
		return ret;
	c->m.root = open(c->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->m.root < 0)
		return err_errno(c->err, "%s", c->dir);
	ret = tree_moving_compare(&c->m);
	if (ret)
		*c->err = c->m.why;
	for (size_t i = 0; !ret && i < f->n; i++) {
		const git_index_entry *e = &f->v[i];
		bool let_be = e->flags & TREE_INDEX_VALID ||
			      e->flags_extended & TREE_INDEX_SKIP;

		if (!let_be &&
		    (c->m.state[i] != TREE_SAME || is_racy(e, &c->index.st)))
			strv_add(&c->unsure, e->path);
	}
	return ret;
}

static bool git_ignores(const struct checkout *c, const char *path, bool dir)
{
	char *name = xasprintf("%s%s", path, dir ? "/" : "");
	int ignored = 0;

	git_ignore_path_is_ignored(&ignored, c->repo, name);
	free(name);
	return ignored;
}

/* What git does not know: a file, or all in a directory. */
static int add_unknown(struct checkout *c, const char *path, int depth)
{
	char *full = xasprintf("%s/%s", c->dir, path);
	struct strv names = { 0 };
	struct stat st;
	bool dir = !lstat(full, &st) && S_ISDIR(st.st_mode);
	int ret = stopped(c) ? -ECANCELED : 0;

	if (ret || git_ignores(c, path, dir))
		goto out;
	if (!dir)
		strv_add(&c->unsure, path);
	else if (depth < 100)
		fs_list(full, &names);
	/* Another repository is its owner's business. */
	for (size_t i = 0;
	     !ret && i < names.n && !strv_has(&names, TREE_GIT_LINK); i++) {
		char *below = xasprintf("%s/%s", path, names.v[i]);

		ret = add_unknown(c, below, depth + 1);
		free(below);
	}
out:
	strv_release(&names);
	free(full);
	return ret;
}

/* ---- which do ---- */

static struct content content_at(const struct checkout *c, const char *path)
{
	char *full = xasprintf("%s/%s", c->dir, path), to[PATH_MAX];
	struct content is = { 0 };
	struct stat st = { 0 };
	bool ok = false;
	ssize_t n;

	if (lstat(full, &st))
		st.st_mode = 0;
	if (S_ISDIR(st.st_mode)) {
		/* Only of a submodule this is asked. */
		is.mode = GIT_FILEMODE_COMMIT;
	} else if (S_ISLNK(st.st_mode)) {
		is.mode = GIT_FILEMODE_LINK;
		n = readlink(full, to, sizeof(to));
		ok = n >= 0 &&
		     !git_odb_hash(&is.id, to, (size_t)n, GIT_OBJECT_BLOB);
	} else if (S_ISREG(st.st_mode)) {
		is.mode = st.st_mode & S_IXUSR ? GIT_FILEMODE_BLOB_EXECUTABLE :
						 GIT_FILEMODE_BLOB;
		/* With line ends as `git add` would have them. */
		ok = !git_repository_hashfile(&is.id, c->repo, full,
					      GIT_OBJECT_BLOB, NULL);
	}
	/* One that cannot be read is no clean one. */
	if (!ok && is.mode && is.mode != GIT_FILEMODE_COMMIT)
		memset(is.id.id, 0xff, sizeof(is.id.id));
	free(full);
	return is;
}

static struct content content_of_commit(const struct checkout *c,
					const char *path)
{
	git_tree_entry *e = NULL;
	struct content was = { 0 };

	if (!git_tree_entry_bypath(&e, c->head, path)) {
		was.mode = git_tree_entry_filemode(e);
		was.id = *git_tree_entry_id(e);
	}
	/* What is a file now and was a directory has other paths as well. */
	if (was.mode == GIT_FILEMODE_TREE)
		was = (struct content){ 0 };
	if (was.mode == GIT_FILEMODE_COMMIT)
		was.id = (git_oid){ 0 };
	git_tree_entry_free(e);
	return was;
}

static bool is_plain_file(unsigned mode)
{
	return mode == GIT_FILEMODE_BLOB ||
	       mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

static bool is_different(const struct checkout *c, const char *path,
			 struct content *is)
{
	const struct content was = content_of_commit(c, path);

	*is = content_at(c, path);
	if (c->any_mode && is_plain_file(is->mode) && is_plain_file(was.mode))
		is->mode = was.mode;
	/* A directory where the commit has a file, or nothing. */
	if (is->mode == GIT_FILEMODE_COMMIT && was.mode != GIT_FILEMODE_COMMIT)
		is->mode = 0;
	return is->mode != was.mode || !git_oid_equal(&is->id, &was.id);
}

static int digest_differences(struct checkout *c, struct tree_dirty *out)
{
	struct digest_run *run = digest_new();
	struct buf line = { 0 };
	int ret = 0;

	strv_sort_unique(&c->unsure);
	for (size_t i = 0; !ret && i < c->unsure.n; i++) {
		const char *path = c->unsure.v[i];
		char hex[GIT_OID_HEXSZ + 1];
		struct content is;

		ret = stopped(c) ? -ECANCELED : 0;
		if (ret || !is_different(c, path, &is))
			continue;
		out->n++;
		buf_reset(&line);
		buf_add(&line, path, strlen(path) + 1);
		git_oid_tostr(hex, sizeof(hex), &is.id);
		if (is.mode)
			buf_printf(&line, "%o %s\n", is.mode, hex);
		else
			buf_add_str(&line, "gone\n");
		digest_add(run, buf_bytes(&line));
	}
	digest_end(run, &out->digest);
	buf_release(&line);
	return ret;
}

/* ---- all of it ---- */

static bool mode_is_off(git_repository *repo)
{
	git_config *config = NULL;
	int on = 1;

	if (!git_repository_config_snapshot(&config, repo))
		git_config_get_bool(&on, config, "core.filemode");
	git_config_free(config);
	return !on;
}

static int look_at_checkout(struct checkout *c, struct tree_dirty *out)
{
	char *file = xasprintf("%sindex", git_repository_path(c->repo));
	git_object *commit = NULL;
	git_reference *head = NULL;
	int ret = 0;

	/* Without a commit there is nothing to differ from. */
	if (git_repository_head(&head, c->repo) ||
	    git_reference_peel(&commit, head, GIT_OBJECT_COMMIT) ||
	    git_commit_tree(&c->head, (git_commit *)commit))
		goto out;
	c->any_mode = mode_is_off(c->repo);
	ret = tree_index_read(&c->index, file, c->err);
	if (!ret)
		ret = compare_staged(c, git_object_id(commit));
	if (!ret)
		ret = find_changed(c);
	for (size_t i = 0; !ret && i < c->m.extra.n; i++)
		ret = add_unknown(c, c->m.extra.v[i], 0);
	if (!ret)
		ret = digest_differences(c, out);
	out->known = !ret;
out:
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
	c.m.root = -1;
	c.m.look_only = true;
	c.m.stop = stop;
	c.m.threads = 1;
	pthread_mutex_init(&c.m.mutex, NULL);
	git_libgit2_init();
	/* It is read, no more: whose it is does not matter. */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	if (!git_repository_open_ext(&c.repo, dir,
				     GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) &&
	    !git_repository_is_bare(c.repo))
		ret = look_at_checkout(&c, out);
	if (c.m.root >= 0)
		close(c.m.root);
	tree_files_release(&c.m.files);
	tree_index_release(&c.index);
	strv_release(&c.m.extra);
	strv_release(&c.unsure);
	free(c.m.state);
	git_tree_free(c.head);
	git_repository_free(c.repo);
	git_libgit2_shutdown();
	pthread_mutex_destroy(&c.m.mutex);
	return ret;
}
