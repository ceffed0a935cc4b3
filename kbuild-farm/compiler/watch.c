/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/watch.h"

#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>

struct seen {
	char *path;
	struct stamp stamp;
};

struct compiler_watch {
	struct seen *v;
	size_t n;
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
	free(w->v);
	free(w);
}

void compiler_watch_add(struct compiler_watch *w, const char *path,
			const struct stamp *stamp)
{
	*VEC_ADD(w->v, w->n) = (struct seen){ xstrdup(path), *stamp };
}

int compiler_watch_check(const struct compiler_watch *w, struct err *err)
{
	struct stamp now;
	struct stat st;

	for (size_t i = 0; i < w->n; i++) {
		if (lstat(w->v[i].path, &st))
			return err_set(err, ESTALE, "%s is gone", w->v[i].path);
		stamp_of(&now, &st);
		if (!stamp_equal(&now, &w->v[i].stamp))
			return err_set(err, ESTALE, "%s changed", w->v[i].path);
	}
	return 0;
}
