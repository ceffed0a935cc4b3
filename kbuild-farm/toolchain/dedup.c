/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/dedup.h"

#include "base/str.h"
#include "base/vec.h"
#include "toolchain/installed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 100
#define BLOCK     (1u << 16)

struct file {
	char *path;
	uint64_t size, dev, ino;
	int64_t mtime_ns;
	mode_t mode;
	bool taken; /* it is one of ours by now */
};

struct files {
	struct file *v;
	size_t n;
};

static void release(struct files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].path);
	free(f->v);
}

static void add(struct files *f, const char *path, const struct stat *st)
{
	*VEC_ADD(f->v, f->n) = (struct file){
		.path = xstrdup(path),
		.size = (uint64_t)st->st_size,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
			    st->st_mtim.tv_nsec,
		.mode = st->st_mode,
	};
}

static void collect(struct files *f, const char *dir, int depth)
{
	DIR *list = depth < DEPTH_MAX ? opendir(dir) : NULL;
	struct dirent *d;
	struct stat st;

	while (list && (d = readdir(list)) != NULL) {
		char *path = xasprintf("%s/%s", dir, d->d_name);

		if (str_equal(d->d_name, ".") || str_equal(d->d_name, "..") ||
		    str_equal(d->d_name, TOOLCHAIN_JSON) || lstat(path, &st))
			;
		else if (S_ISDIR(st.st_mode))
			collect(f, path, depth + 1);
		else if (S_ISREG(st.st_mode) && st.st_size)
			add(f, path, &st);
		free(path);
	}
	if (list)
		closedir(list);
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* What equal files have in common. */
static int by_looks(const struct file *x, const struct file *y)
{
	int order = compare(x->size, y->size);

	if (!order)
		order = compare((uint64_t)x->mtime_ns, (uint64_t)y->mtime_ns);
	if (!order)
		order = compare(x->mode, y->mode);
	return order ? order : compare(x->dev, y->dev);
}

static int by_inode(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	int order = by_looks(x, y);

	if (!order)
		order = compare(x->ino, y->ino);
	return order ? order : strcmp(x->path, y->path);
}

static ssize_t read_full(int fd, uint8_t *block)
{
	size_t n = 0;
	ssize_t got = 1;

	while (n < BLOCK && got > 0) {
		got = read(fd, block + n, BLOCK - n);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			return -1;
		else
			n += (size_t)got;
	}
	return (ssize_t)n;
}

static bool equal_content(const char *a, const char *b)
{
	int x = open(a, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int y = open(b, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint8_t *block = xmalloc((size_t)2 * BLOCK);
	bool equal = x >= 0 && y >= 0;
	ssize_t n = 1, m;

	while (equal && n > 0) {
		n = read_full(x, block);
		m = read_full(y, block + BLOCK);
		equal = n >= 0 && n == m &&
			!memcmp(block, block + BLOCK, (size_t)n);
	}
	free(block);
	if (x >= 0)
		close(x);
	if (y >= 0)
		close(y);
	return equal;
}

/* One of theirs that is as `ours`, and the same inode's other names. */
static struct file *find(struct files *theirs, const struct file *ours)
{
	size_t low = 0, high = theirs->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_looks(&theirs->v[middle], ours) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < theirs->n && !by_looks(&theirs->v[low], ours); low++) {
		struct file *t = &theirs->v[low];

		/* In order of inodes: the first name stands for all. */
		if (t->taken ||
		    (low && t[-1].ino == t->ino && t[-1].dev == t->dev))
			continue;
		if (equal_content(t->path, ours->path))
			return t;
	}
	return NULL;
}

static bool relink(const char *from, const char *to)
{
	char *part = xasprintf("%s.share", to);
	bool done = !link(from, part);

	if (done && rename(part, to)) {
		unlink(part);
		done = false;
	}
	free(part);
	return done;
}

/* All of our names of one file, v[0] to v[n - 1]. */
static size_t share_one(struct files *theirs, const struct file *v, size_t n)
{
	struct file *t = find(theirs, v);
	size_t done = 0;

	if (!t || t->ino == v->ino)
		return 0;
	t->taken = true;
	if (!relink(t->path, v->path))
		return 0;
	/* The others follow the first, that they stay one. */
	for (done = 1; done < n; done++)
		if (!relink(v->path, v[done].path))
			break;
	return done;
}

size_t toolchain_dedup(const char *dir, const char *others)
{
	struct files ours = { 0 }, theirs = { 0 };
	DIR *list = opendir(others);
	struct dirent *d;
	size_t done = 0, n;

	while (list && (d = readdir(list)) != NULL) {
		char *path = xasprintf("%s/%s", others, d->d_name);

		if (toolchain_release_is_id(d->d_name) && !str_equal(path, dir))
			collect(&theirs, path, 0);
		free(path);
	}
	if (list)
		closedir(list);
	if (theirs.n) {
		collect(&ours, dir, 0);
		qsort(theirs.v, theirs.n, sizeof(*theirs.v), by_inode);
	}
	if (ours.n)
		qsort(ours.v, ours.n, sizeof(*ours.v), by_inode);
	for (size_t i = 0; i < ours.n; i += n) {
		for (n = 1;
		     i + n < ours.n && ours.v[i + n].ino == ours.v[i].ino; n++)
			;
		done += share_one(&theirs, &ours.v[i], n);
	}
	release(&ours);
	release(&theirs);
	return done;
}
