/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/dedup.h"

#include "base/digest.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"
#include "toolchain/installed.h"

#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void release_files(struct files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].path);
	free(f->v);
}

static void note_file(struct files *f, const char *path, const struct stat *st)
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

static void collect_files(struct files *f, char *dir)
{
	char *roots[] = { dir, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	while (walk && (e = fts_read(walk)) != NULL) {
		if (e->fts_info == FTS_F && e->fts_statp->st_size &&
		    S_ISREG(e->fts_statp->st_mode) &&
		    strcmp(e->fts_name, TOOLCHAIN_JSON))
			note_file(f, e->fts_path, e->fts_statp);
	}
	if (walk)
		fts_close(walk);
}

static int by_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* What equal files have in common. */
static int by_looks(const struct file *x, const struct file *y)
{
	int order = by_number(x->size, y->size);

	if (!order)
		order = by_number((uint64_t)x->mtime_ns, (uint64_t)y->mtime_ns);
	if (!order)
		order = by_number(x->mode, y->mode);
	return order ? order : by_number(x->dev, y->dev);
}

static int by_inode(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	int order = by_looks(x, y);

	if (!order)
		order = by_number(x->ino, y->ino);
	return order ? order : strcmp(x->path, y->path);
}

static bool equal_content(const char *a, const char *b)
{
	struct digest x, y;
	struct err ignored;

	return !digest_file(a, &x, &ignored) && !digest_file(b, &y, &ignored) &&
	       digest_equal(&x, &y);
}

/* The one of `kept` that equals `ours`, and the same inode's other names. */
static struct file *find_equal(struct files *kept, const struct file *ours)
{
	size_t low = 0, high = kept->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_looks(&kept->v[middle], ours) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < kept->n && !by_looks(&kept->v[low], ours); low++) {
		struct file *t = &kept->v[low];

		/* In order of inodes: the first name stands for all. */
		if (t->taken ||
		    (low && t[-1].ino == t->ino && t[-1].dev == t->dev))
			continue;
		if (equal_content(t->path, ours->path))
			return t;
	}
	return NULL;
}

static bool replace_by_link(const char *from, const char *to)
{
	char *part = xasprintf("%s.dedup", to);
	bool done = !link(from, part);

	if (done && rename(part, to)) {
		unlink(part);
		done = false;
	}
	free(part);
	return done;
}

/* All of our names of one file, v[0] to v[n - 1]. */
static size_t link_one(struct files *kept, const struct file *v, size_t n)
{
	struct file *t = find_equal(kept, v);
	size_t done = 0;

	if (!t || t->ino == v->ino)
		return 0;
	t->taken = true;
	if (!replace_by_link(t->path, v->path))
		return 0;
	/* The other names follow the first, so that all stay one file. */
	for (done = 1; done < n; done++)
		if (!replace_by_link(v->path, v[done].path))
			break;
	return done;
}

size_t toolchain_dedup(const char *dir, const char *others)
{
	struct files ours = { 0 }, kept = { 0 };
	struct strv names = { 0 };
	char *root = xstrdup(dir);
	size_t done = 0, n;

	fs_list(others, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", others, names.v[i]);

		if (toolchain_release_is_id(names.v[i]) &&
		    !str_equal(path, dir))
			collect_files(&kept, path);
		free(path);
	}
	strv_release(&names);
	if (kept.n) {
		collect_files(&ours, root);
		qsort(kept.v, kept.n, sizeof(*kept.v), by_inode);
	}
	if (ours.n)
		qsort(ours.v, ours.n, sizeof(*ours.v), by_inode);
	for (size_t i = 0; i < ours.n; i += n) {
		for (n = 1;
		     i + n < ours.n && ours.v[i + n].ino == ours.v[i].ino; n++)
			;
		done += link_one(&kept, &ours.v[i], n);
	}
	release_files(&ours);
	release_files(&kept);
	free(root);
	return done;
}
