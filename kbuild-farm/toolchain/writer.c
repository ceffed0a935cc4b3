/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/writer.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A path that was made.  Sizes of paths are bounded, so no memory runs out
 * that `most` does not account for. */
struct made {
	struct map_node node;
	struct compiler_entry entry; /* owns path and target */
	size_t below; /* of a directory: entries in it */
};

struct toolchain_writer {
	int dir;
	uint32_t most;
	struct map all; /* by path */

	int parent; /* the last one used, -1: none */
	char *parent_path;

	int file; /* being written, -1: none */
	struct made *current;
	struct digest_run *digest;
};

struct toolchain_writer *toolchain_writer_new(int dir, uint32_t most)
{
	struct toolchain_writer *w = xcalloc(1, sizeof(*w));

	w->dir = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	w->most = most;
	w->parent = -1;
	w->file = -1;
	return w;
}

static void forget_parent(struct toolchain_writer *w)
{
	if (w->parent >= 0)
		close(w->parent);
	free(w->parent_path);
	w->parent = -1;
	w->parent_path = NULL;
}

static void free_made(struct map_node *n)
{
	struct made *m = (struct made *)n;

	free(m->entry.path);
	free(m->entry.target);
	free(m);
}

void toolchain_writer_free(struct toolchain_writer *w)
{
	if (!w)
		return;
	map_release_all(&w->all, free_made);
	forget_parent(w);
	if (w->dir >= 0)
		close(w->dir);
	if (w->file >= 0)
		close(w->file);
	if (w->digest)
		digest_end(w->digest, NULL);
	free(w);
}

static struct made *find_made(const struct toolchain_writer *w,
			      const char *path)
{
	struct map_node *n = map_find(&w->all, map_hash(bytes_str(path)));

	while (n && strcmp(((struct made *)n)->entry.path, path))
		n = map_again(n);
	return (struct made *)n;
}

static int add_made(struct toolchain_writer *w, const char *path,
		    enum compiler_kind kind, struct made **out, struct err *err)
{
	struct made *m;

	if (w->all.n >= w->most)
		return err_set(err, E2BIG, "%s: one of more than %u entries",
			       path, w->most);
	m = xcalloc(1, sizeof(*m));
	m->entry.path = xstrdup(path);
	m->entry.kind = kind;
	map_add(&w->all, &m->node, map_hash(bytes_str(path)));
	*out = m;
	return 0;
}

static int open_below(int at, const char *name)
{
	return openat(at, name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static char *upper_of(const char *path)
{
	return strchr(path, '/') ? str_dir(path) : xstrdup("");
}

/*
 * The directory at `path`, made if need be with those above it, as the
 * writer's parent.  "" is the top.
 */
static int enter_dir(struct toolchain_writer *w, const char *path,
		     struct err *err)
{
	struct made *m;
	char *upper;
	int fd, ret;

	if (w->parent_path && !strcmp(w->parent_path, path))
		return 0;
	if (!path[0]) {
		forget_parent(w);
		w->parent = open_below(w->dir, ".");
		w->parent_path = xstrdup("");
		return w->parent < 0 ? err_errno(err, ".") : 0;
	}
	upper = upper_of(path);
	ret = enter_dir(w, upper, err);
	free(upper);
	if (ret)
		return ret;
	m = find_made(w, path);
	if (m && m->entry.kind != COMPILER_DIR)
		return err_set(err, EINVAL, "%s: not a directory", path);
	if (!m) {
		ret = add_made(w, path, COMPILER_DIR, &m, err);
		if (ret)
			return ret;
		if (mkdirat(w->parent, str_base(path), 0755))
			return err_errno(err, "%s", path);
		if (w->parent_path[0])
			find_made(w, w->parent_path)->below++;
	}
	fd = open_below(w->parent, str_base(path));
	if (fd < 0)
		return err_errno(err, "%s", path);
	forget_parent(w);
	w->parent = fd;
	w->parent_path = xstrdup(path);
	return 0;
}

/* Everything that a new path must be; its parent is entered. */
static int prepare_entry(struct toolchain_writer *w, const char *path,
			 enum compiler_kind kind, struct made **out,
			 struct err *err)
{
	char *upper;
	int ret;

	if (!toolchain_tree_is_path(path))
		return err_set(err, EINVAL, "no path for a file: \"%.200s\"",
			       path);
	if (find_made(w, path))
		return err_set(err, EINVAL, "%s: comes twice", path);
	upper = upper_of(path);
	ret = enter_dir(w, upper, err);
	if (!ret)
		ret = add_made(w, path, kind, out, err);
	if (!ret && upper[0])
		find_made(w, upper)->below++;
	free(upper);
	return ret;
}

int toolchain_writer_dir(struct toolchain_writer *w, const char *path,
			 struct err *err)
{
	if (!toolchain_tree_is_path(path))
		return err_set(err, EINVAL,
			       "no path for a directory: \"%.200s\"", path);
	return enter_dir(w, path, err);
}

int toolchain_writer_link(struct toolchain_writer *w, const char *path,
			  const char *target, struct err *err)
{
	struct made *m = NULL;
	int ret;

	if (!toolchain_tree_is_inside(path, target))
		return err_set(err, EINVAL,
			       "%s: a link that leads outside: \"%.200s\"",
			       path, target);
	ret = prepare_entry(w, path, COMPILER_LINK, &m, err);
	if (ret)
		return ret;
	m->entry.target = xstrdup(target); /* NOLINT: prepare_entry() made it */
	if (symlinkat(target, w->parent, str_base(path)))
		return err_errno(err, "%s", path);
	return 0;
}

int toolchain_writer_hard(struct toolchain_writer *w, const char *path,
			  const char *target, struct err *err)
{
	struct made *to = find_made(w, target), *m = NULL;
	char *upper;
	int from, ret;

	if (!to || to->entry.kind != COMPILER_FILE)
		return err_set(err, EINVAL,
			       "%s: a hard link to what is no file: \"%.200s\"",
			       path, target);
	upper = upper_of(target);
	ret = enter_dir(w, upper, err);
	free(upper);
	if (ret)
		return ret;
	from = fcntl(w->parent, F_DUPFD_CLOEXEC, 0);
	if (from < 0)
		return err_errno(err, "%s", path);
	ret = prepare_entry(w, path, COMPILER_FILE, &m, err);
	if (!ret &&
	    linkat(from, str_base(target), w->parent, str_base(path), 0))
		ret = err_errno(err, "%s", path);
	close(from);
	if (ret)
		return ret;
	m->entry.executable = to->entry.executable; /* NOLINT: the same */
	m->entry.size = to->entry.size;
	m->entry.mtime_ns = to->entry.mtime_ns;
	m->entry.digest = to->entry.digest;
	return 0;
}

int toolchain_writer_open(struct toolchain_writer *w, const char *path,
			  bool executable, struct err *err)
{
	int ret = prepare_entry(w, path, COMPILER_FILE, &w->current, err);

	if (ret)
		return ret;
	w->current->entry.executable = executable;
	w->file = openat(w->parent, str_base(path),
			 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			 0600);
	if (w->file < 0)
		return err_errno(err, "%s", path);
	/* Whatever the umask is. */
	if (fchmod(w->file, executable ? 0755 : 0644))
		return err_errno(err, "%s", path);
	w->digest = digest_new();
	return 0;
}

int toolchain_writer_add(struct toolchain_writer *w, struct bytes b,
			 struct err *err)
{
	int ret = fs_write_all(w->file, b);

	if (ret)
		return err_set(err, -ret, "%s: %s", w->current->entry.path,
			       strerror(-ret));
	digest_add(w->digest, b);
	w->current->entry.size += b.len;
	return 0;
}

int toolchain_writer_close(struct toolchain_writer *w,
			   const struct timespec *mtime, struct err *err)
{
	struct compiler_entry *e = &w->current->entry;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, *mtime };
	int ret = 0;

	e->mtime_ns = (int64_t)mtime->tv_sec * 1000000000 + mtime->tv_nsec;
	digest_end(w->digest, &e->digest);
	w->digest = NULL;
	if (futimens(w->file, times))
		ret = err_errno(err, "%s", e->path);
	/* Where the file system says so late, as NFS does. */
	if (close(w->file) && !ret)
		ret = err_errno(err, "%s", e->path);
	w->file = -1;
	return ret;
}

void toolchain_writer_list(struct toolchain_writer *w,
			   struct compiler_entries *out)
{
	struct map_node *n = NULL;

	*out = (struct compiler_entries){ 0 };
	while ((n = map_next(&w->all, n))) {
		struct made *m = (struct made *)n;

		if (m->entry.kind == COMPILER_DIR && m->below)
			continue;
		*VEC_ADD(out->v, out->n) = m->entry;
		m->entry.path = m->entry.target = NULL;
	}
	toolchain_tree_sort(out);
}
