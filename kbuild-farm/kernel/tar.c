/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A build host has better things to do than to pack well.  More than one thread
   is what makes liblzma cut blocks, whose size follows from the level. */
#define XZ_OPTIONS "xz:compression-level=1,xz:threads=4"

struct packer {
	struct archive *a;
	const char *out;
	long long when;
	struct strv *names; /* or NULL */
	const atomic_bool *cancel;
	struct err *err;
};

/* liblzma's threads write: what is full is the archive's disk. */
static int archive_failed(struct packer *p)
{
	int code = archive_errno(p->a);
	const char *why = archive_error_string(p->a);

	if (code > 0)
		return err_set(p->err, code, "%s: %s", p->out, strerror(code));
	return err_set(p->err, EIO, "%s: %s", p->out, why ? why : "not packed");
}

static int copy_content(struct packer *p, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char block[1 << 16];
	ssize_t n;
	int ret = 0;

	if (fd < 0)
		return err_errno(p->err, "%s", path);
	while (!ret && (n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0)
			ret = err_errno(p->err, "%s", path);
		else if (atomic_load(p->cancel))
			ret = -ECANCELED;
		else if (archive_write_data(p->a, block, (size_t)n) < 0)
			ret = archive_failed(p);
	}
	close(fd);
	return ret;
}

static int set_link(struct archive_entry *e, const char *path, struct err *err)
{
	char to[PATH_MAX];
	ssize_t n = readlink(path, to, sizeof(to) - 1);

	if (n < 0)
		return err_errno(err, "%s", path);
	to[n] = '\0';
	archive_entry_set_symlink(e, to);
	return 0;
}

/* Neither a umask nor a set-group-ID directory is of the build. */
static unsigned mode_of(const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return 0777;
	return S_ISDIR(st->st_mode) || (st->st_mode & 0100) ? 0755 : 0644;
}

static int add_entry(struct packer *p, const char *path, const char *name,
		     const struct stat *st)
{
	struct archive_entry *e = archive_entry_new();
	int ret = 0;

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, st->st_mode & S_IFMT);
	archive_entry_set_perm(e, mode_of(st));
	archive_entry_set_mtime(e, (time_t)p->when, 0);
	if (S_ISREG(st->st_mode))
		archive_entry_set_size(e, st->st_size);
	if (S_ISLNK(st->st_mode))
		ret = set_link(e, path, p->err);
	if (!ret && archive_write_header(p->a, e) != ARCHIVE_OK)
		ret = archive_failed(p);
	if (!ret && S_ISREG(st->st_mode))
		ret = copy_content(p, path);
	if (!ret && p->names && !S_ISDIR(st->st_mode))
		strv_add(p->names, name);
	archive_entry_free(e);
	return ret;
}

static bool points_home(const char *name, const struct stat *st)
{
	return S_ISLNK(st->st_mode) && str_starts(name, "lib/modules/") &&
	       (str_ends(name, "/build") || str_ends(name, "/source"));
}

static int compare_names(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int add_tree(struct packer *p, const char *dir, const char *name)
{
	char *top = xasprintf("%s/%s", dir, name);
	char *const tops[] = { top, NULL };
	FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, compare_names);
	FTSENT *at;
	int ret = 0;

	while (!ret && tree && (at = fts_read(tree)) != NULL) {
		const char *path = at->fts_path;

		name = path + strlen(dir) + 1;
		if (at->fts_info == FTS_DNR || at->fts_info == FTS_ERR ||
		    at->fts_info == FTS_NS)
			ret = err_set(p->err, at->fts_errno, "%s: %s", path,
				      strerror(at->fts_errno));
		else if (at->fts_info != FTS_DP &&
			 !points_home(name, at->fts_statp))
			ret = add_entry(p, path, name, at->fts_statp);
	}
	if (!ret && errno)
		ret = err_errno(p->err, "%s", top);
	if (tree)
		fts_close(tree);
	free(top);
	return ret;
}

static struct archive *open_archive(const char *file)
{
	struct archive *a = archive_write_new();

	if (archive_write_set_format_gnutar(a) == ARCHIVE_OK &&
	    archive_write_add_filter_xz(a) == ARCHIVE_OK &&
	    archive_write_set_options(a, XZ_OPTIONS) == ARCHIVE_OK)
		archive_write_open_filename(a, file);
	return a;
}

int kernel_tar_xz(const char *dir, const char *name, long long when,
		  const char *out, struct strv *names,
		  const atomic_bool *cancel, struct err *err)
{
	struct packer p = { .out = out,
			    .when = when,
			    .names = names,
			    .cancel = cancel,
			    .err = err };
	char *part = xasprintf("%s.part", out);
	int ret = 0;

	p.a = open_archive(part);
	if (archive_errno(p.a))
		ret = archive_failed(&p);
	if (!ret)
		ret = add_tree(&p, dir, name);
	if (!ret && archive_write_close(p.a) != ARCHIVE_OK)
		ret = archive_failed(&p);
	archive_write_free(p.a);
	if (!ret && rename(part, out))
		ret = err_errno(err, "%s", out);
	if (ret)
		unlink(part);
	free(part);
	return ret;
}
