/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/tree.h"

#include "base/buf.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 100
#define BLOCK     (1u << 18)

struct reading {
	struct compiler_entries *out;
	const char *dir;
	const atomic_bool *cancel;
	uint8_t *block;
	struct err *err;
};

struct compiler_entry *toolchain_tree_add(struct compiler_entries *e,
					  const char *path)
{
	struct compiler_entry *made = VEC_ADD(e->v, e->n);

	made->path = xstrdup(path);
	return made;
}

static int by_path(const void *a, const void *b)
{
	const struct compiler_entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void toolchain_tree_sort(struct compiler_entries *e)
{
	if (e->n)
		qsort(e->v, e->n, sizeof(*e->v), by_path);
}

static int read_failed(struct reading *r, const char *path)
{
	return err_errno(r->err, "%s/%s", r->dir, path);
}

static int hash_file(struct reading *r, int fd, const char *path,
		     struct digest *digest)
{
	struct digest_run *run = digest_new();
	ssize_t n = 1;
	int ret = 0;

	while (!ret && n) {
		n = read(fd, r->block, BLOCK);
		if (n > 0)
			digest_add(run, bytes_of(r->block, (size_t)n));
		else if (n < 0 && errno != EINTR)
			ret = read_failed(r, path);
		if (r->cancel && atomic_load(r->cancel))
			ret = err_set(r->err, ECANCELED, "cancelled");
	}
	digest_end(run, digest);
	return ret;
}

static int add_file(struct reading *r, int at, const char *name,
		    struct compiler_entry *e)
{
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int ret;

	if (fd < 0 || fstat(fd, &st)) {
		ret = read_failed(r, e->path);
	} else if (!S_ISREG(st.st_mode)) {
		ret = err_set(r->err, EAGAIN, "%s/%s: changes while it is read",
			      r->dir, e->path);
	} else {
		e->kind = COMPILER_FILE;
		e->executable = st.st_mode & S_IXUSR;
		e->size = (uint64_t)st.st_size;
		e->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
			      st.st_mtim.tv_nsec;
		ret = hash_file(r, fd, e->path, &e->digest);
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

static int add_link(struct reading *r, int at, const char *name,
		    struct compiler_entry *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(at, name, target, sizeof(target));

	if (n < 0)
		return read_failed(r, e->path);
	if ((size_t)n == sizeof(target))
		return err_set(r->err, ENAMETOOLONG, "%s/%s: %s", r->dir,
			       e->path, strerror(ENAMETOOLONG));
	e->kind = COMPILER_LINK;
	e->target = xstrndup(target, (size_t)n);
	return 0;
}

static int read_dir(struct reading *r, int fd, const char *path, int depth);

static int read_member(struct reading *r, int at, const char *path, int depth)
{
	const char *name = str_base(path);
	struct stat st;
	int fd, ret;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW))
		return read_failed(r, path);
	if (S_ISDIR(st.st_mode)) {
		fd = openat(at, name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return fd < 0 ? read_failed(r, path) :
				read_dir(r, fd, path, depth + 1);
	}
	if (r->out->n >= COMPILER_ENTRIES_MAX)
		return err_set(r->err, E2BIG, "%s: more than %u files", r->dir,
			       COMPILER_ENTRIES_MAX);
	if (S_ISREG(st.st_mode))
		ret = add_file(r, at, name, toolchain_tree_add(r->out, path));
	else if (S_ISLNK(st.st_mode))
		ret = add_link(r, at, name, toolchain_tree_add(r->out, path));
	else
		ret = err_set(r->err, EINVAL,
			      "%s/%s: neither file, link nor directory", r->dir,
			      path);
	return ret;
}

static bool is_passed_over(const char *name, int depth)
{
	return !strcmp(name, ".") || !strcmp(name, "..") ||
	       (!depth && !strcmp(name, TOOLCHAIN_JSON));
}

/* Closes `fd`.  `path` is "" for the top. */
static int read_dir(struct reading *r, int fd, const char *path, int depth)
{
	DIR *list = fdopendir(fd);
	bool is_empty = true;
	struct dirent *d;
	int ret = 0;

	if (!list) {
		ret = read_failed(r, path);
		close(fd);
		return ret;
	}
	if (depth > DEPTH_MAX)
		ret = err_set(r->err, ELOOP, "%s/%s: too deep", r->dir, path);
	while (!ret && (errno = 0, d = readdir(list)) != NULL) {
		char *below;

		if (is_passed_over(d->d_name, depth))
			continue;
		is_empty = false;
		below = path[0] ? xasprintf("%s/%s", path, d->d_name) :
				  xstrdup(d->d_name);
		ret = read_member(r, fd, below, depth);
		free(below);
	}
	if (!ret && errno)
		ret = read_failed(r, path);
	if (!ret && is_empty && path[0])
		toolchain_tree_add(r->out, path)->kind = COMPILER_DIR;
	closedir(list);
	return ret;
}

int toolchain_tree_read(struct compiler_entries *out, const char *dir,
			const atomic_bool *cancel, struct err *err)
{
	struct reading r = {
		.out = out, .dir = dir, .cancel = cancel, .err = err
	};
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;

	*out = (struct compiler_entries){ 0 };
	if (fd < 0)
		return err_errno(err, "%s", dir);
	r.block = xmalloc(BLOCK);
	ret = read_dir(&r, fd, "", 0);
	free(r.block);
	if (ret)
		compiler_entries_release(out);
	else
		toolchain_tree_sort(out);
	return ret;
}

static int by_reference(const void *a, const void *b)
{
	const struct compiler_entry *const *x = a, *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

void toolchain_tree_digest(const struct compiler_entries *e, struct digest *out)
{
	const struct compiler_entry **v = xcalloc(e->n + 1, sizeof(*v));
	struct digest_run *run = digest_new();
	struct buf line = { 0 };

	for (size_t i = 0; i < e->n; i++)
		v[i] = &e->v[i];
	qsort(v, e->n, sizeof(*v), by_reference);
	for (size_t i = 0; i < e->n; i++) {
		buf_reset(&line);
		buf_put_u8(&line, (uint8_t)v[i]->kind);
		buf_put_str(&line, v[i]->path);
		if (v[i]->kind == COMPILER_FILE) {
			buf_put_u8(&line, v[i]->executable);
			buf_add(&line, v[i]->digest.b, DIGEST_SIZE);
		} else if (v[i]->kind == COMPILER_LINK) {
			buf_put_str(&line, v[i]->target);
		}
		digest_add(run, buf_bytes(&line));
	}
	digest_end(run, out);
	buf_release(&line);
	free(v);
}

bool toolchain_tree_is_path(const char *path)
{
	size_t len = strlen(path), part;

	if (!len || len > TOOLCHAIN_PATH_MAX)
		return false;
	for (const char *p = path; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	for (const char *p = path;; p += part + 1) {
		part = strcspn(p, "/");
		if (!part || part > NAME_MAX || (part == 1 && *p == '.') ||
		    (part == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		if (!p[part])
			return true;
	}
}

/* How many directories lie above the last component of a path. */
static int depth_of(const char *path)
{
	int depth = 0;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

bool toolchain_tree_is_inside(const char *path, const char *target)
{
	int depth = depth_of(path);
	bool goes_up = true;
	size_t part;

	if (!target[0] || target[0] == '/' ||
	    strlen(target) > TOOLCHAIN_PATH_MAX)
		return false;
	for (const char *p = target;; p += part + 1) {
		part = strcspn(p, "/");
		if (part == 2 && p[0] == '.' && p[1] == '.') {
			if (!goes_up || !depth--)
				return false;
		} else if (part && !(part == 1 && *p == '.')) {
			goes_up = false;
		}
		if (!p[part])
			return true;
	}
}
