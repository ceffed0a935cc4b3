/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/moving.h"

#include "base/beneath.h"
#include "base/fs.h"
#include "base/task.h"
#include "tree/name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void tree_moving_fail(struct tree_moving *m, int ret, const struct err *why)
{
	pthread_mutex_lock(&m->mutex);
	if (!m->ret) {
		m->ret = ret;
		m->why = *why;
	}
	pthread_mutex_unlock(&m->mutex);
	atomic_store(&m->failed, true);
}

void tree_moving_know(git_index_entry *e, const struct stat *st)
{
	/* As git's index has them: 32 bits of each. */
	e->ctime.seconds = (int32_t)st->st_ctim.tv_sec;
	e->ctime.nanoseconds = (uint32_t)st->st_ctim.tv_nsec;
	e->mtime.seconds = (int32_t)st->st_mtim.tv_sec;
	e->mtime.nanoseconds = (uint32_t)st->st_mtim.tv_nsec;
	e->dev = (uint32_t)st->st_dev;
	e->ino = (uint32_t)st->st_ino;
	e->uid = st->st_uid;
	e->gid = st->st_gid;
	e->file_size = (uint32_t)st->st_size;
}

/* The type of a file, and for its owner whether it may be executed. */
static bool mode_fits(const git_index_entry *e, mode_t mode)
{
	switch (e->mode) {
	case GIT_FILEMODE_LINK:
		return S_ISLNK(mode);
	case GIT_FILEMODE_COMMIT:
		return S_ISDIR(mode);
	default:
		return S_ISREG(mode) &&
		       !(mode & S_IXUSR) == (e->mode == GIT_FILEMODE_BLOB);
	}
}

/* Not by its device, whose number may be another after the next start. */
bool tree_moving_is_known(const git_index_entry *e, const struct stat *st)
{
	git_index_entry now = { 0 };

	tree_moving_know(&now, st);
	return e->ino == now.ino && e->file_size == now.file_size &&
	       e->mtime.seconds == now.mtime.seconds &&
	       e->mtime.nanoseconds == now.mtime.nanoseconds &&
	       e->ctime.seconds == now.ctime.seconds &&
	       e->ctime.nanoseconds == now.ctime.nanoseconds;
}

/* One directory that is being looked at. */
struct looking {
	struct tree_moving *m;
	const struct tree_dir *dir;
	int fd;
	struct err err;
};

static int failed_at(struct looking *l, const char *path, int error)
{
	return err_set(&l->err, error, "%s: %s", path, strerror(error));
}

static int remove_it(struct looking *l, const char *name, const char *path)
{
	int ret;

	if (l->m->look_only) {
		pthread_mutex_lock(&l->m->mutex);
		strv_add(&l->m->extra, path);
		pthread_mutex_unlock(&l->m->mutex);
		return 0;
	}
	ret = fs_remove_at(l->fd, name);
	if (ret && ret != -ENOENT)
		return failed_at(l, path, -ret);
	atomic_fetch_add(&l->m->removed, 1);
	return 0;
}

/* A submodule's place: nothing of it is ours to fill. */
static int compare_submodule(struct looking *l, const char *name,
			     const char *path, size_t i)
{
	int ret;

	if (l->m->look_only) {
		l->m->state[i] = TREE_SAME;
		return 0;
	}
	if (!unlinkat(l->fd, name, AT_REMOVEDIR))
		return 0;
	ret = remove_it(l, name, path);
	l->m->state[i] = TREE_MISSING;
	return ret;
}

static int compare_file(struct looking *l, const char *name, size_t i)
{
	struct tree_moving *m = l->m;
	git_index_entry *e = &m->files.v[i];
	struct stat st;

	if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : failed_at(l, e->path, errno);
	if (e->mode == GIT_FILEMODE_COMMIT && S_ISDIR(st.st_mode))
		return compare_submodule(l, name, e->path, i);
	if (!mode_fits(e, st.st_mode) && (!m->look_only || S_ISDIR(st.st_mode)))
		return remove_it(l, name, e->path);
	m->state[i] = mode_fits(e, st.st_mode) && tree_moving_is_known(e, &st) ?
			      TREE_SAME :
			      TREE_UNSURE;
	return 0;
}

/* A directory of the commit may be something else here. */
static int compare_dir(struct looking *l, const char *name, const char *path)
{
	struct stat st;

	if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : failed_at(l, path, errno);
	return S_ISDIR(st.st_mode) ? 0 : remove_it(l, name, path);
}

static int compare_name(struct looking *l, const char *name)
{
	const struct tree_files *f = &l->m->files;
	char path[TREE_PATH_MAX + NAME_MAX + 2], *at = path;
	const git_index_entry *file;

	/* This is done a hundred thousand times. */
	if (*l->dir->path) {
		at = stpcpy(at, l->dir->path);
		*at++ = '/';
	}
	strcpy(at, name);
	file = tree_files_find(f, l->dir->first, l->dir->end, path);
	if (file)
		return compare_file(l, name, (size_t)(file - f->v));
	if (tree_files_dir(f, l->dir->depth + 1, path))
		return compare_dir(l, name, path);
	if (!*l->dir->path && !strcmp(name, TREE_GIT_LINK))
		return 0;
	return remove_it(l, name, path);
}

static int compare_all(struct looking *l)
{
	int fd = openat(l->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int ret = 0;

	if (!dir) {
		ret = failed_at(l, l->dir->path, errno);
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (!ret && (errno = 0, e = readdir(dir))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			ret = compare_name(l, e->d_name);
	}
	if (!ret && errno)
		ret = failed_at(l, l->dir->path, errno);
	closedir(dir);
	return ret;
}

static void compare_each_in(struct tree_moving *m, const struct tree_dir *d)
{
	struct looking l = { .m = m, .dir = d };
	int ret;

	if (atomic_load(&m->failed))
		return;
	if (m->stop && atomic_load(m->stop)) {
		tree_moving_fail(m, -ECANCELED, &l.err);
		return;
	}
	l.fd = beneath_open(m->root, d->path, !m->look_only);
	/* Not there, or no directory: nor are its files. */
	if (l.fd < 0 && m->look_only)
		return;
	ret = l.fd < 0 ? failed_at(&l, d->path, -l.fd) : compare_all(&l);
	if (ret)
		tree_moving_fail(m, ret, &l.err);
	if (l.fd >= 0)
		close(l.fd);
}

/* Directories of one depth: those above them are as they should be. */
struct level {
	struct tree_moving *m;
	const struct tree_dir *dir;
};

static void compare_one(void *ctx, size_t i)
{
	const struct level *level = ctx;

	compare_each_in(level->m, &level->dir[i]);
}

int tree_moving_compare(struct tree_moving *m)
{
	const struct tree_files *f = &m->files;
	size_t from = 0, to;

	m->state = xcalloc(f->n + 1, sizeof(*m->state));
	for (; from < f->n_dirs && !m->ret; from = to) {
		struct level level = { m, &f->dir[from] };

		for (to = from;
		     to < f->n_dirs && f->dir[to].depth == f->dir[from].depth;)
			to++;
		task_each(to - from < 8 ? 1 : m->threads, to - from,
			  compare_one, NULL, &level);
	}
	return m->ret;
}
