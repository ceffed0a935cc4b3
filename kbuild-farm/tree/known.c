/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/known.h"

#include "base/str.h"
#include "tree/git.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	       index->st_mtim.tv_sec + 3600 < (uint32_t)e->ctime.seconds;
}

static void take_over(struct tree_files *f, git_index *index,
		      const struct stat *st)
{
	size_t n = git_index_entrycount(index), at = 0;

	for (size_t i = 0; i < n; i++) {
		const git_index_entry *old = git_index_get_byindex(index, i);
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
			if (!is_settled(old, st))
				f->v[at].ino = 0;
		}
	}
}

void tree_known_read(struct tree_files *f, const char *file)
{
	git_index *index = NULL;
	struct stat st;

	if (!stat(file, &st) && !git_index_open(&index, file))
		take_over(f, index, &st);
	git_index_free(index);
}

int tree_known_write(const struct tree_files *f, const char *file,
		     struct err *err)
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
	git_index_free(index);
	free(lock);
	return ret;
}
