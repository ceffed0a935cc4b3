/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/known.h"

#include "base/fs.h"
#include "base/str.h"
#include "tree/git.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTED_MAX 256
#define LONG_AGO   3600 /* seconds; see base/stamp.h */

static char *listed_line(const git_oid *commit, const git_oid *sum)
{
	char a[GIT_OID_HEXSZ + 1], b[GIT_OID_HEXSZ + 1];

	git_oid_tostr(a, sizeof(a), commit);
	git_oid_tostr(b, sizeof(b), sum);
	return xasprintf("%s %s\n", a, b);
}

static bool lists_commit(const struct tree_index *x, const git_oid *commit,
			 const char *git_dir)
{
	char *path = xasprintf("%s/listed", git_dir);
	char *line = listed_line(commit, &x->sum);
	struct buf has = { 0 };
	struct err ignored;
	bool yes = !fs_read(path, LISTED_MAX, &has, &ignored) &&
		   !strcmp(buf_str(&has), line);

	buf_release(&has);
	free(line);
	free(path);
	return yes;
}

static bool time_is_before(const git_index_time *t, const struct timespec *end)
{
	time_t seconds = (uint32_t)t->seconds;

	return seconds != end->tv_sec ? seconds < end->tv_sec :
					t->nanoseconds < end->tv_nsec;
}

/* A change in the tick in which the index was written might not show. */
static bool is_settled(const git_index_entry *e, const struct stat *index)
{
	return time_is_before(&e->ctime, &index->st_mtim) ||
	       index->st_mtim.tv_sec + LONG_AGO < (uint32_t)e->ctime.seconds;
}

static void distrust_recent(struct tree_files *f, const struct stat *index)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!is_settled(&f->v[i], index))
			f->v[i].ino = 0;
	}
}

static void take_over(struct tree_files *f, const struct tree_index *x)
{
	size_t at = 0;

	for (size_t i = 0; i < x->n; i++) {
		const git_index_entry *old = &x->v[i];
		int order = -1;

		while (at < f->n &&
		       (order = strcmp(f->v[at].path, old->path)) < 0)
			at++;
		if (at < f->n && !order && f->v[at].mode == old->mode &&
		    git_oid_equal(&f->v[at].id, &old->id)) {
			const char *path = f->v[at].path;

			f->v[at] = *old;
			f->v[at].path = path;
			f->v[at].flags = f->v[at].flags_extended = 0;
		}
	}
}

int tree_known_read(struct tree_known *k, struct tree_files *f,
		    git_repository *repo, const git_oid *commit,
		    const char *git_dir, struct err *err)
{
	char *path = xasprintf("%s/index", git_dir);
	struct err ignored;
	bool have = !tree_index_read(&k->index, path, &ignored);
	int ret;

	k->listed = have && lists_commit(&k->index, commit, git_dir);
	if (k->listed) {
		ret = tree_files_of_index(f, &k->index, err);
	} else {
		ret = tree_files_read(f, repo, commit, err);
		if (!ret && have)
			take_over(f, &k->index);
	}
	if (!ret && have)
		distrust_recent(f, &k->index.st);
	free(path);
	return ret;
}

static int write_index(const struct tree_files *f, const char *file,
		       git_oid *sum, struct err *err)
{
	char *lock = xasprintf("%s.lock", file);
	git_index *index = NULL;
	int ret;

	/* One that was killed left it; who writes now has the worktree. */
	unlink(lock);
	ret = git_index_open(&index, file);
	if (ret && !unlink(file))
		ret = git_index_open(&index, file);
	if (!ret)
		ret = git_index_clear(index);
	for (size_t i = 0; !ret && i < f->n; i++)
		ret = git_index_add(index, &f->v[i]);
	if (!ret)
		ret = git_index_write(index);
	if (ret)
		ret = tree_git_failed(err, ret, "%s", file);
	else
		*sum = *git_index_checksum(index);
	git_index_free(index);
	free(lock);
	return ret;
}

int tree_known_write(const struct tree_files *f, const git_oid *commit,
		     const char *git_dir, struct err *err)
{
	char *index = xasprintf("%s/index", git_dir), *line;
	char *listed = xasprintf("%s/listed", git_dir);
	git_oid sum;
	int ret = write_index(f, index, &sum, err);

	if (!ret) {
		line = listed_line(commit, &sum);
		ret = fs_write(listed, bytes_str(line), 0666, err);
		free(line);
	}
	free(listed);
	free(index);
	return ret;
}

void tree_known_release(struct tree_known *k)
{
	tree_index_release(&k->index);
	*k = (struct tree_known){ 0 };
}
