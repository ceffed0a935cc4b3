/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/deb.h"

#include "base/str.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (64u << 10)

/* The archive in the archive: data.tar.* of an ar file. */
struct package {
	const char *file;
	const char *dir;
	struct archive *outer, *inner;
	uint8_t block[BLOCK];
	uint64_t bytes;
	int entries;
	struct err *err;
};

static int refuse_package(struct package *p, struct archive *a,
			  const char *what)
{
	const char *why = a ? archive_error_string(a) : NULL;

	return err_set(p->err, EINVAL, "%s: %s%s%s", p->file, what,
		       why ? ": " : "", why ? why : "");
}

static la_ssize_t read_outer(struct archive *a, void *ctx, const void **out)
{
	struct package *p = ctx;
	la_ssize_t n = archive_read_data(p->outer, p->block, BLOCK);

	*out = p->block;
	if (n < 0) {
		archive_set_error(a, EIO, "%s", archive_error_string(p->outer));
		return -1;
	}
	return n;
}

/* To the member data.tar.* of the ar file. */
static int find_data(struct package *p)
{
	struct archive_entry *e;
	int code;

	while ((code = archive_read_next_header(p->outer, &e)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(e);

		if (name && str_starts(name, "data.tar"))
			return 0;
	}
	return refuse_package(p, code == ARCHIVE_EOF ? NULL : p->outer,
			      "not a Debian package");
}

/* "libz.so.1", and nothing that could be another place. */
static bool is_library(const char *name)
{
	const char *so = strstr(name, ".so");

	return name[0] && name[0] != '.' && strlen(name) < 200 && so &&
	       (so[3] == '\0' || so[3] == '.') && !strchr(name, '/');
}

static int take_file(struct package *p, const char *name)
{
	char *path = xasprintf("%s/%s", p->dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int ret = 0;

	if (fd >= 0) {
		if (archive_read_data_into_fd(p->inner, fd) != ARCHIVE_OK)
			ret = refuse_package(p, p->inner, "broken");
		close(fd);
		p->entries++;
	} else if (errno != EEXIST) {
		ret = err_errno(p->err, "%s", path);
	}
	free(path);
	return ret;
}

static int take_link(struct package *p, const char *name, const char *target)
{
	char *path = xasprintf("%s/%s", p->dir, name);
	const char *last = str_base(target);
	int ret = 0;

	/* A link out of the directory is none of ours. */
	if (is_library(last) && !str_equal(last, name)) {
		if (!symlink(last, path))
			p->entries++;
		else if (errno != EEXIST)
			ret = err_errno(p->err, "%s", path);
	}
	free(path);
	return ret;
}

static int take_entry(struct package *p, struct archive_entry *e)
{
	const char *path = archive_entry_pathname(e);
	const char *name = path ? str_base(path) : "";
	const char *link = archive_entry_symlink(e);
	const char *hard = archive_entry_hardlink(e);

	/* What is not wanted counts, too: it is unpacked to get past it. */
	p->bytes += (uint64_t)archive_entry_size(e);
	if (archive_entry_size(e) < 0 ||
	    archive_entry_size(e) > TOOLCHAIN_DEB_BYTES ||
	    p->bytes > TOOLCHAIN_DEB_BYTES)
		return err_set(p->err, E2BIG, "%s: more than %u MiB", p->file,
			       TOOLCHAIN_DEB_BYTES >> 20);
	if (!is_library(name))
		return 0;
	if (p->entries >= TOOLCHAIN_DEB_FILES)
		return err_set(p->err, E2BIG, "%s: more than %d libraries",
			       p->file, TOOLCHAIN_DEB_FILES);
	if (link || hard)
		return take_link(p, name, link ? link : hard);
	if (archive_entry_filetype(e) == AE_IFREG)
		return take_file(p, name);
	return 0;
}

static int take_all(struct package *p)
{
	struct archive_entry *e;
	int code, ret = 0;

	while (!ret) {
		code = archive_read_next_header(p->inner, &e);
		if (code == ARCHIVE_EOF)
			return 0;
		if (code != ARCHIVE_OK)
			return refuse_package(p, p->inner, "broken");
		ret = take_entry(p, e);
	}
	return ret;
}

static int open_inner(struct package *p)
{
	archive_read_support_format_tar(p->inner);
	archive_read_support_filter_xz(p->inner);
	archive_read_support_filter_gzip(p->inner);
	archive_read_support_filter_zstd(p->inner);
	archive_read_support_filter_bzip2(p->inner);
	archive_read_support_filter_lzma(p->inner);
	if (archive_read_open(p->inner, p, NULL, read_outer, NULL) !=
	    ARCHIVE_OK)
		return refuse_package(p, p->inner, "broken");
	return 0;
}

int toolchain_deb_libraries(const char *file, const char *dir, struct err *err)
{
	struct package *p = xcalloc(1, sizeof(*p));
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret = 0;

	p->file = file;
	p->dir = dir;
	p->err = err;
	p->outer = archive_read_new();
	p->inner = archive_read_new();
	if (!p->outer || !p->inner)
		str_out_of_memory();
	archive_read_support_format_ar(p->outer);
	if (fd < 0)
		ret = err_errno(err, "%s", file);
	else if (archive_read_open_fd(p->outer, fd, BLOCK) != ARCHIVE_OK)
		ret = refuse_package(p, p->outer, "not a Debian package");
	if (!ret)
		ret = find_data(p);
	if (!ret)
		ret = open_inner(p);
	if (!ret)
		ret = take_all(p);
	if (!ret)
		ret = p->entries;
	archive_read_free(p->inner);
	archive_read_free(p->outer);
	if (fd >= 0)
		close(fd);
	free(p);
	return ret;
}
