/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/watch.h"

#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct seen {
	char *path;
	struct stamp stamp;
};

struct compiler_watch {
	struct seen *v;
	size_t n;
	struct seen *dir; /* where they lie, as seen by the last check */
	size_t n_dirs;
	bool same; /* that is what it found, and no change can hide */
};

struct compiler_watch *compiler_watch_new(void)
{
	return xcalloc(1, sizeof(struct compiler_watch));
}

void compiler_watch_free(struct compiler_watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i].path);
	for (size_t i = 0; i < w->n_dirs; i++)
		free(w->dir[i].path);
	free(w->v);
	free(w->dir);
	free(w);
}

static void add_watched_dir(struct compiler_watch *w, char *path)
{
	for (size_t i = w->n_dirs; i > 0; i--) {
		if (!strcmp(w->dir[i - 1].path, path)) {
			free(path);
			return;
		}
	}
	*VEC_ADD(w->dir, w->n_dirs) = (struct seen){ .path = path };
}

void compiler_watch_add(struct compiler_watch *w, const char *path,
			const struct stamp *stamp)
{
	*VEC_ADD(w->v, w->n) = (struct seen){ xstrdup(path), *stamp };
	add_watched_dir(w, str_dir(path));
	w->same = false;
}

/* Before the files are looked at; false: a change may leave no trace. */
static bool look_at_dirs(struct compiler_watch *w)
{
	int64_t now = stamp_now();
	bool settled = true;
	struct stat st;

	for (size_t i = 0; i < w->n_dirs; i++) {
		if (stat(w->dir[i].path, &st))
			return false;
		stamp_of(&w->dir[i].stamp, &st);
		settled &= stamp_settled(&w->dir[i].stamp, now);
	}
	return settled;
}

int compiler_watch_check(struct compiler_watch *w, struct err *err)
{
	bool settled = look_at_dirs(w);
	struct stamp now;
	struct stat st;

	w->same = false;
	for (size_t i = 0; i < w->n; i++) {
		if (lstat(w->v[i].path, &st))
			return err_set(err, ESTALE, "%s is gone", w->v[i].path);
		stamp_of(&now, &st);
		if (!stamp_equal(&now, &w->v[i].stamp))
			return err_set(err, ESTALE, "%s changed", w->v[i].path);
	}
	w->same = settled;
	return 0;
}

bool compiler_watch_glance(const struct compiler_watch *w)
{
	struct stamp now;
	struct stat st;

	for (size_t i = 0; i < w->n_dirs && w->same; i++) {
		if (stat(w->dir[i].path, &st))
			return false;
		stamp_of(&now, &st);
		if (!stamp_equal(&now, &w->dir[i].stamp))
			return false;
	}
	return w->same;
}
