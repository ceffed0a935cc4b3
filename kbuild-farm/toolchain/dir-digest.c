/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/dir-digest.h"

#include "base/buf.h"
#include "base/replace.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 100
#define BLOCK     (1u << 18)

struct dir_reader {
	struct compiler_entries *out;
	const char *dir;
	size_t root_prefix_len; /* length of `dir` with a trailing slash */
	const atomic_bool *cancelled;
	uint8_t *block;
	struct err *err;
};

struct compiler_entry *toolchain_dir_digest_add_entry(
	struct compiler_entries *e, const char *path)
{
	struct compiler_entry *made = VEC_ADD(e->v, e->n);

	made->path = xstrdup(path);
	return made;
}

static int by_entry_path(const void *a, const void *b)
{
	const struct compiler_entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void toolchain_dir_digest_sort_entries(struct compiler_entries *e)
{
	if (e->n)
		qsort(e->v, e->n, sizeof(*e->v), by_entry_path);
}

static int read_regular(struct dir_reader *r, const char *path,
			struct compiler_entry *e)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct digest_ctx *run;
	struct stat st;
	ssize_t n = 1;
	int ret = 0;

	if (fd < 0 || fstat(fd, &st)) {
		ret = err_errno(r->err, "%s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = err_set(r->err, EAGAIN, "%s: changed while being read",
			      path);
		goto out;
	}
	e->kind = COMPILER_ENTRY_FILE;
	e->executable = st.st_mode & S_IXUSR;
	e->size_bytes = (uint64_t)st.st_size;
	e->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
		      st.st_mtim.tv_nsec;
	run = digest_new();
	while (!ret && n) {
		n = read(fd, r->block, BLOCK);
		if (n > 0)
			digest_add(run, bytes_of(r->block, (size_t)n));
		else if (n < 0 && errno != EINTR)
			ret = err_errno(r->err, "%s", path);
		if (r->cancelled && atomic_load(r->cancelled))
			ret = err_set(r->err, ECANCELED, "cancelled");
	}
	digest_finish(run, &e->digest);
out:
	if (fd >= 0)
		close(fd);
	return ret;
}

static int read_symlink(struct dir_reader *r, const char *path,
			struct compiler_entry *e)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));

	if (n < 0)
		return err_errno(r->err, "%s", path);
	if ((size_t)n == sizeof(target))
		return err_set(r->err, ENAMETOOLONG, "%s: %s", path,
			       strerror(ENAMETOOLONG));
	e->kind = COMPILER_ENTRY_SYMLINK;
	e->target = xstrndup(target, (size_t)n);
	return 0;
}

/*
 * Append an entry for `path`.  Returns NULL, with r->err set, if there are
 * already as many entries as allowed.
 */
static struct compiler_entry *add_counted_entry(struct dir_reader *r,
						const char *path)
{
	if (r->out->n >= COMPILER_ENTRIES_MAX) {
		err_set(r->err, E2BIG, "%s: more than %u entries", r->dir,
			COMPILER_ENTRIES_MAX);
		return NULL;
	}
	return toolchain_dir_digest_add_entry(r->out,
					      path + r->root_prefix_len);
}

/*
 * Return true for toolchain.json, and for its temporary files, which a killed
 * process may have left behind.
 */
static bool is_description(const char *name)
{
	return str_equal(name, TOOLCHAIN_JSON) ||
	       (str_starts(name, "." TOOLCHAIN_JSON ".") &&
		replace_is_temp(name));
}

/*
 * Read a file or directory of the fts(3) walk.  fts_number counts the entries
 * of a directory, because only an empty directory becomes an entry itself.
 */
static int read_member(struct dir_reader *r, FTSENT *f)
{
	const char *path = f->fts_path;
	struct compiler_entry *e;

	switch (f->fts_info) {
	case FTS_D:
		if (f->fts_level > DEPTH_MAX)
			return err_set(r->err, ELOOP,
				       "%s: directories nested too deeply",
				       path);
		f->fts_number = 0;
		break;
	case FTS_DP:
		if (!f->fts_level || f->fts_number)
			return 0;
		e = add_counted_entry(r, path);
		if (!e)
			return -E2BIG;
		e->kind = COMPILER_ENTRY_DIR;
		return 0;
	case FTS_F:
	case FTS_SL:
	case FTS_SLNONE:
		break;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return err_set(r->err, f->fts_errno, "%s: %s", path,
			       strerror(f->fts_errno));
	default:
		return err_set(r->err, EINVAL,
			       "%s: not a file, symbolic link or directory",
			       path);
	}
	if (!f->fts_level)
		return f->fts_info == FTS_D ? 0 :
					      err_set(r->err, ENOTDIR, "%s: %s",
						      path, strerror(ENOTDIR));
	if (f->fts_level == 1 && is_description(f->fts_name))
		return 0;
	f->fts_parent->fts_number++;
	if (f->fts_info == FTS_D)
		return 0;
	e = add_counted_entry(r, path);
	if (!e)
		return -E2BIG;
	return f->fts_info == FTS_F ? read_regular(r, path, e) :
				      read_symlink(r, path, e);
}

int toolchain_dir_digest_read(struct compiler_entries *out, const char *dir,
			      const atomic_bool *cancel, struct err *err)
{
	struct dir_reader r = { .out = out,
				.dir = dir,
				.root_prefix_len = strlen(dir) +
						   !str_ends(dir, "/"),
				.cancelled = cancel,
				.err = err };
	char *roots[] = { xstrdup(dir), NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR,
			     NULL);
	FTSENT *f;
	int ret = walk ? 0 : err_errno(err, "%s", dir);

	*out = (struct compiler_entries){ 0 };
	r.block = xmalloc(BLOCK);
	while (!ret && (errno = 0, f = fts_read(walk)) != NULL)
		ret = read_member(&r, f);
	if (!ret && errno)
		ret = err_errno(err, "%s", dir);
	if (walk)
		fts_close(walk);
	free(r.block);
	free(roots[0]);
	if (ret)
		compiler_entries_release(out);
	else
		toolchain_dir_digest_sort_entries(out);
	return ret;
}

static int by_entry_pointer(const void *a, const void *b)
{
	const struct compiler_entry *const *x = a, *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

void toolchain_dir_digest_compute(const struct compiler_entries *e,
				  struct digest *out)
{
	const struct compiler_entry **v = xcalloc(e->n + 1, sizeof(*v));
	struct digest_ctx *run = digest_new();
	struct buf line = { 0 };

	for (size_t i = 0; i < e->n; i++)
		v[i] = &e->v[i];
	qsort(v, e->n, sizeof(*v), by_entry_pointer);
	for (size_t i = 0; i < e->n; i++) {
		buf_reset(&line);
		buf_put_u8(&line, (uint8_t)v[i]->kind);
		buf_put_str(&line, v[i]->path);
		if (v[i]->kind == COMPILER_ENTRY_FILE) {
			buf_put_u8(&line, v[i]->executable);
			buf_add(&line, v[i]->digest.b, DIGEST_SIZE);
		} else if (v[i]->kind == COMPILER_ENTRY_SYMLINK) {
			buf_put_str(&line, v[i]->target);
		}
		digest_add(run, buf_bytes(&line));
	}
	digest_finish(run, out);
	buf_release(&line);
	free(v);
}

bool toolchain_dir_digest_is_valid_path(const char *path)
{
	size_t len = strlen(path), part;

	if (!len || len > TOOLCHAIN_ENTRY_PATH_MAX)
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

int toolchain_dir_digest_path_depth(const char *path)
{
	int depth = 0;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

bool toolchain_dir_digest_is_link_inside(const char *path, const char *target)
{
	int depth = toolchain_dir_digest_path_depth(path);
	bool goes_up = true;
	size_t part;

	if (!target[0] || target[0] == '/' ||
	    strlen(target) > TOOLCHAIN_ENTRY_PATH_MAX)
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
