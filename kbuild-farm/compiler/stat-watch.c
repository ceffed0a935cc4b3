/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/stat-watch.h"

#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct watched_path {
	char *path;
	struct file_stamp stamp;
};

struct compiler_stat_watch {
	struct watched_path *paths;
	size_t n_paths;
	struct watched_path *dirs; /* of `paths`, stamped by the last check */
	size_t n_dirs;
	bool dirs_reliable; /* the last check succeeded; stamps are reliable */
};

struct compiler_stat_watch *compiler_stat_watch_new(void)
{
	return xcalloc(1, sizeof(struct compiler_stat_watch));
}

void compiler_stat_watch_free(struct compiler_stat_watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n_paths; i++)
		free(w->paths[i].path);
	for (size_t i = 0; i < w->n_dirs; i++)
		free(w->dirs[i].path);
	free(w->paths);
	free(w->dirs);
	free(w);
}

void compiler_stat_watch_add(struct compiler_stat_watch *w, const char *path,
			     const struct file_stamp *stamp)
{
	char *dir = str_dir(path);
	size_t i = w->n_dirs;

	*VEC_ADD(w->paths, w->n_paths) = (struct watched_path){ xstrdup(path),
								*stamp };
	/* Search backwards: files of one directory are added in sequence. */
	while (i && strcmp(w->dirs[i - 1].path, dir))
		i--;
	if (i)
		free(dir);
	else
		*VEC_ADD(w->dirs,
			 w->n_dirs) = (struct watched_path){ .path = dir };
	w->dirs_reliable = false;
}

/*
 * Stamp the directories before the files are checked.  Returns false if a
 * directory can change without a new stamp.
 */
static bool stat_watched_dirs(struct compiler_stat_watch *w)
{
	int64_t now = file_stamp_now_ns();
	bool settled = true;
	struct stat st;

	for (size_t i = 0; i < w->n_dirs; i++) {
		if (stat(w->dirs[i].path, &st))
			return false;
		file_stamp_from_stat(&w->dirs[i].stamp, &st);
		settled &= file_stamp_is_reliable(&w->dirs[i].stamp, now);
	}
	return settled;
}

int compiler_stat_watch_check(struct compiler_stat_watch *w, struct err *err)
{
	bool settled = stat_watched_dirs(w);
	struct file_stamp now;
	struct stat st;

	w->dirs_reliable = false;
	for (size_t i = 0; i < w->n_paths; i++) {
		if (lstat(w->paths[i].path, &st))
			return err_set(err, ESTALE, "%s was removed",
				       w->paths[i].path);
		file_stamp_from_stat(&now, &st);
		if (!file_stamp_equal(&now, &w->paths[i].stamp))
			return err_set(err, ESTALE, "%s changed",
				       w->paths[i].path);
	}
	w->dirs_reliable = settled;
	return 0;
}

bool compiler_stat_watch_check_quick(const struct compiler_stat_watch *w)
{
	struct file_stamp now;
	struct stat st;

	for (size_t i = 0; i < w->n_dirs && w->dirs_reliable; i++) {
		if (stat(w->dirs[i].path, &st))
			return false;
		file_stamp_from_stat(&now, &st);
		if (!file_stamp_equal(&now, &w->dirs[i].stamp))
			return false;
	}
	return w->dirs_reliable;
}
