/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/hostlib.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/buf.h"

#include <archive.h>
#include <archive_entry.h>

static char dir[TEMPDIR_SIZE];
static char *file, *out;
static struct err err;
static struct archive *tar;
static char data[1 << 20]; /* content of data.tar */
static size_t used;

static void set_up(void)
{
	tempdir_make(dir);
	file = xasprintf("%s/some.deb", dir);
	out = xasprintf("%s/out", dir);
	must(fs_mkdirs(out, 0755, &err));
}

static void tear_down(void)
{
	tempdir_remove(dir);
	free(file);
	free(out);
}

/* Start the data.tar of a package in memory. */
static void begin(int filter)
{
	tar = archive_write_new();
	archive_write_set_format_gnutar(tar);
	archive_write_add_filter(tar, filter);
	ck_assert_int_eq(
		archive_write_open_memory(tar, data, sizeof(data), &used),
		ARCHIVE_OK);
	archive_write_set_bytes_in_last_block(tar, 1);
}

static void entry(const char *name, unsigned type, const char *text,
		  long long size)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, type);
	archive_entry_set_perm(e, 04755);
	if (type == AE_IFLNK)
		archive_entry_set_symlink(e, text);
	else
		archive_entry_set_size(e, size);
	ck_assert_int_eq(archive_write_header(tar, e), ARCHIVE_OK);
	if (type == AE_IFREG)
		archive_write_data(tar, text, strlen(text));
	archive_entry_free(e);
}

static void regular(const char *name, const char *text)
{
	entry(name, AE_IFREG, text, (long long)strlen(text));
}

static void member(struct archive *ar, const char *name, const void *content,
		   size_t len)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_size(e, (long long)len);
	archive_entry_set_perm(e, 0644);
	ck_assert_int_eq(archive_write_header(ar, e), ARCHIVE_OK);
	archive_write_data(ar, content, len);
	archive_entry_free(e);
}

/* Write the package around it. */
static void end(const char *name)
{
	struct archive *ar = archive_write_new();

	archive_write_close(tar);
	archive_write_free(tar);
	archive_write_set_format_ar_bsd(ar);
	ck_assert_int_eq(archive_write_open_filename(ar, file), ARCHIVE_OK);
	member(ar, "debian-binary", "2.0\n", 4);
	member(ar, "control.tar", "", 0);
	member(ar, name, data, used);
	archive_write_close(ar);
	archive_write_free(ar);
}

static char *at(const char *name)
{
	return xasprintf("%s/%s", out, name);
}

static void check_text(const char *name, const char *text)
{
	char *path = at(name);

	expect_file(path, text);
	free(path);
}

static const struct filter {
	int filter;
	const char *name;
} filters[] = {
	{ ARCHIVE_FILTER_XZ, "data.tar.xz" },
	{ ARCHIVE_FILTER_ZSTD, "data.tar.zst" },
	{ ARCHIVE_FILTER_GZIP, "data.tar.gz" },
	{ ARCHIVE_FILTER_NONE, "data.tar" },
};

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST_EACH(libraries_and_links_are_taken_flat, filters)
{
	struct stat st;
	char *path = at("libmpfr.so.4.1.4"), *doc = at("copyright");

	begin(row->filter);
	entry("./usr/lib/x", AE_IFDIR, NULL, 0);
	regular("./usr/lib/x/libmpfr.so.4.1.4", "library");
	entry("./usr/lib/x/libmpfr.so.4", AE_IFLNK, "libmpfr.so.4.1.4", 0);
	regular("./usr/share/doc/copyright", "free");
	end(row->name);
	ck_assert_int_eq(toolchain_hostlib_extract_deb(file, out, &err), 2);
	check_text("libmpfr.so.4", "library");
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert(!fs_exists(doc));
	free(path);
	free(doc);
}

/*
 * No file is written outside the directory, and the first of equal names
 * counts.
 */
TEST(hostile_entries_stay_inside)
{
	char *outside = xasprintf("%s/libz.so.1", dir), *link = at("liba.so.1");
	char *device = at("libd.so.1"), target[100];
	ssize_t n;

	begin(ARCHIVE_FILTER_NONE);
	regular("../../libz.so.1", "up");
	entry("./lib/liba.so.1", AE_IFLNK, "/etc/libpasswd.so", 0);
	regular("./other/liba.so.1", "through the link");
	entry("./lib/libd.so.1", AE_IFCHR, NULL, 0);
	entry("./lib/libe.so.1", AE_IFLNK, "../../../etc/passwd", 0);
	entry("./lib/libf.so.1", AE_IFLNK, "libf.so.1", 0);
	end("data.tar");
	ck_assert_int_eq(toolchain_hostlib_extract_deb(file, out, &err), 2);
	ck_assert(!fs_exists(outside));
	check_text("libz.so.1", "up");
	n = readlink(link, target, sizeof(target) - 1);
	ck_assert_int_gt(n, 0);
	target[n] = '\0';
	ck_assert_str_eq(target, "libpasswd.so");
	ck_assert(!fs_exists(device));
	free(device);
	free(link);
	free(outside);
}

TEST(too_many_libraries_are_refused)
{
	begin(ARCHIVE_FILTER_NONE);
	for (int i = 0; i <= TOOLCHAIN_DEB_FILES_MAX; i++) {
		char *name = xasprintf("lib%d.so", i);

		regular(name, "");
		free(name);
	}
	end("data.tar");
	ck_assert_int_eq(toolchain_hostlib_extract_deb(file, out, &err),
			 -E2BIG);
	text_has(err.text, file);
}

TEST(a_package_without_libraries_has_none)
{
	begin(ARCHIVE_FILTER_GZIP);
	regular("./usr/bin/program", "text");
	end("data.tar.gz");
	must(toolchain_hostlib_extract_deb(file, out, &err));
}

/* A truncated package gives an error or fewer files. */
TEST(a_package_that_is_cut_off_is_refused)
{
	struct buf whole = { 0 };

	begin(ARCHIVE_FILTER_XZ);
	regular("./libmpfr.so.4", "library");
	end("data.tar.xz");
	must(fs_read(file, 1 << 20, &whole, &err));
	for (size_t n = 0; n + 64 < whole.len; n++) {
		struct bytes cut = { whole.data, n };

		must(fs_write(file, cut, 0644, &err));
		ck_assert_int_lt(toolchain_hostlib_extract_deb(file, out, &err),
				 0);
		text_has(err.text, file);
	}
	buf_release(&whole);
}

static const char *const others[] = { "", "text\n", "!<arch>\n",
				      "\177ELF\2\1\1" };

TEST_EACH(what_is_no_package_is_refused, others)
{
	must(fs_write(file, bytes_str(*row), 0644, &err));
	ck_assert_int_eq(toolchain_hostlib_extract_deb(file, out, &err),
			 -EINVAL);
	text_has(err.text, file);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(toolchain_hostlib_extract_deb(file, out, &err),
			 -ENOENT);
}
