/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/moving.h"

#include "base/beneath.h"
#include "base/fs.h"
#include "base/task.h"
#include "tree/git.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK    64 /* files that a thread takes at a time */
#define FILE_MAX (512ull << 20)

/* What a thread works with. */
struct writing {
	struct tree_moving *m;
	char *dir; /* the last one, open as `fd` */
	int fd;
	struct err err;
};

static int enter_parent(struct writing *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (w->dir && strlen(w->dir) == n && !strncmp(w->dir, path, n))
		return 0;
	if (w->fd >= 0)
		close(w->fd);
	free(w->dir);
	w->dir = xstrndup(path, n);
	w->fd = beneath_open(w->m->root, w->dir, true);
	return w->fd < 0 ? err_set(&w->err, -w->fd, "%s: %s", w->dir,
				   strerror(-w->fd)) :
			   0;
}

static int failed_on(struct writing *w, const git_index_entry *e)
{
	return err_errno(&w->err, "%s", e->path);
}

/* ---- what is there ---- */

static bool is_link_of(struct writing *w, const git_index_entry *e)
{
	char to[PATH_MAX];
	ssize_t n = readlinkat(w->fd, str_base(e->path), to, sizeof(to));
	git_oid id;

	return n >= 0 && !git_odb_hash(&id, to, (size_t)n, GIT_OBJECT_BLOB) &&
	       git_oid_equal(&id, &e->id);
}

static bool is_file_of(const struct writing *w, int fd,
		       const git_index_entry *e)
{
	struct buf content = { 0 };
	bool same = false;
	git_object_t type;
	struct stat st;
	size_t size;
	git_oid id;
	ssize_t n;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    git_odb_read_header(&size, &type, w->m->odb, &e->id) ||
	    size != (size_t)st.st_size || size > FILE_MAX ||
	    buf_reserve(&content, size + 1))
		return false;
	do {
		n = read(fd, content.data + content.len,
			 size + 1 - content.len);
		content.len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	if (!n && content.len == size)
		same = !git_odb_hash(&id, content.data, size,
				     GIT_OBJECT_BLOB) &&
		       git_oid_equal(&id, &e->id);
	buf_release(&content);
	return same;
}

/*
 * A file with the right content keeps its date if that is the one we know;
 * another may be older than what was made of another content.
 */
static bool date_counts(const git_index_entry *e, const struct stat *st)
{
	return e->mtime.seconds == (int32_t)st->st_mtim.tv_sec &&
	       e->mtime.nanoseconds == (uint32_t)st->st_mtim.tv_nsec;
}

static void set_date(const struct writing *w, const char *name)
{
	const struct timespec floor = w->m->floor;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     { .tv_nsec = UTIME_NOW } };

	if (floor.tv_sec)
		times[1] = floor;
	utimensat(w->fd, name, times, AT_SYMLINK_NOFOLLOW);
}

static int know(struct writing *w, git_index_entry *e)
{
	struct stat st;

	if (fstatat(w->fd, str_base(e->path), &st, AT_SYMLINK_NOFOLLOW))
		return failed_on(w, e);
	tree_moving_know(e, &st);
	return 0;
}

/* 1: what is there is right, and is known now. */
static int keep_if_right(struct writing *w, git_index_entry *e)
{
	const char *name = str_base(e->path);
	struct stat st;
	bool same;
	int fd = -1;

	if (e->mode == GIT_FILEMODE_LINK) {
		same = is_link_of(w, e);
	} else {
		fd = openat(w->fd, name,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		same = fd >= 0 && is_file_of(w, fd, e);
	}
	if (fd >= 0)
		close(fd);
	if (!same)
		return 0;
	if (fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return failed_on(w, e);
	if (!date_counts(e, &st))
		set_date(w, name);
	return know(w, e) ? -1 : 1;
}

/* ---- what is to be there ---- */

static int write_blob(struct writing *w, git_index_entry *e, git_odb_object *o)
{
	mode_t mode = e->mode == GIT_FILEMODE_BLOB ? 0666 : 0777;
	int fd = openat(w->fd, str_base(e->path),
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			mode);
	const struct timespec floor = w->m->floor;
	const struct timespec times[2] = { floor, floor };
	struct stat st;
	int ret;

	if (fd < 0)
		return failed_on(w, e);
	ret = fs_write_all(
		fd, bytes_of(git_odb_object_data(o), git_odb_object_size(o)));
	if (!ret && ((floor.tv_sec && futimens(fd, times)) || fstat(fd, &st)))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (ret)
		return err_set(&w->err, -ret, "%s: %s", e->path,
			       strerror(-ret));
	tree_moving_know(e, &st);
	return 0;
}

static int write_link(struct writing *w, git_index_entry *e, git_odb_object *o)
{
	char *target = xstrndup(git_odb_object_data(o), git_odb_object_size(o));
	int ret = 0;

	/* One with a NUL in it would be another one. */
	if (strlen(target) != git_odb_object_size(o) || !*target)
		ret = err_set(&w->err, EINVAL, "%s: a link to no path",
			      e->path);
	else if (symlinkat(target, w->fd, str_base(e->path)))
		ret = failed_on(w, e);
	else if (w->m->floor.tv_sec)
		set_date(w, str_base(e->path));
	if (!ret)
		ret = know(w, e);
	free(target);
	return ret;
}

/* Zeros without end pack into little. */
static int check_blob(struct writing *w, const git_index_entry *e)
{
	git_object_t type;
	size_t size;
	int ret = git_odb_read_header(&size, &type, w->m->odb, &e->id);

	if (ret)
		return tree_git_failed(&w->err, ret, "%s", e->path);
	if (type != GIT_OBJECT_BLOB)
		return err_set(&w->err, EINVAL, "%s: is no file but a %s",
			       e->path, git_object_type2string(type));
	if (size > FILE_MAX)
		return err_set(&w->err, EFBIG, "%s: larger than %llu MiB",
			       e->path, FILE_MAX >> 20);
	return 0;
}

static int make_file(struct writing *w, git_index_entry *e)
{
	const char *name = str_base(e->path);
	git_odb_object *o = NULL;
	int ret;

	if (e->mode == GIT_FILEMODE_COMMIT) {
		if (mkdirat(w->fd, name, 0777) && errno != EEXIST)
			return failed_on(w, e);
		return know(w, e);
	}
	ret = check_blob(w, e);
	if (ret)
		return ret;
	ret = git_odb_read(&o, w->m->odb, &e->id);
	if (ret)
		return tree_git_failed(&w->err, ret, "%s", e->path);
	if (unlinkat(w->fd, name, 0) && errno != ENOENT)
		ret = failed_on(w, e);
	else if (e->mode == GIT_FILEMODE_LINK)
		ret = write_link(w, e, o);
	else
		ret = write_blob(w, e, o);
	git_odb_object_free(o);
	if (!ret)
		atomic_fetch_add(&w->m->written, 1);
	return ret;
}

static int make_right(struct writing *w, size_t i)
{
	git_index_entry *e = &w->m->files.v[i];
	int ret = enter_parent(w, e->path), kept = 0;

	if (!ret && w->m->state[i] == TREE_UNSURE)
		kept = keep_if_right(w, e);
	if (!ret && kept < 0)
		ret = -EIO;
	if (!ret && !kept)
		ret = make_file(w, e);
	return ret;
}

static void write_chunk(void *ctx, size_t chunk)
{
	struct tree_moving *m = ctx;
	struct writing w = { .m = m, .fd = -1 };
	size_t at = chunk * CHUNK;
	size_t end = at + CHUNK < m->n_todo ? at + CHUNK : m->n_todo;
	int ret = 0;

	for (; !ret && at < end && !atomic_load(&m->failed); at++) {
		ret = make_right(&w, m->todo[at]);
		atomic_fetch_add(&m->done, 1);
	}
	if (ret)
		tree_moving_fail(m, ret, &w.err);
	if (w.fd >= 0)
		close(w.fd);
	free(w.dir);
}

static void tell_written(void *ctx)
{
	struct tree_moving *m = ctx;

	if (m->progress)
		m->progress(m->ctx, atomic_load(&m->done), m->n_todo);
}

int tree_moving_write(struct tree_moving *m)
{
	size_t chunks = (m->n_todo + CHUNK - 1) / CHUNK;

	if (chunks)
		task_each(m->threads, chunks, write_chunk, tell_written, m);
	return m->ret;
}
