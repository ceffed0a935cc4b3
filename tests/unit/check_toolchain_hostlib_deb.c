/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/hostlib.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/buf.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/syscall.h>

static char dir[TEMPDIR_SIZE];
static char *file, *out;
static struct err err;
static struct archive *tar;
static char data[1 << 20]; /* content of data.tar */
static size_t data_len;

static bool over_quota; /* closing a new file fails, as on NFS */

/* Replaces the C library's function. */
int close(int fd)
{
	bool fails = over_quota && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;

	if (syscall(SYS_close, fd))
		return -1;
	errno = fails ? EDQUOT : errno;
	return fails ? -1 : 0;
}

static void set_up(void)
{
	tempdir_make(dir);
	file = xasprintf("%s/some.deb", dir);
	out = xasprintf("%s/out", dir);
	must(fs_mkdirs(out, 0755, &err));
	over_quota = false;
}

static void tear_down(void)
{
	tempdir_remove(dir);
	free(file);
	free(out);
}

/* Start the data.tar of a package in memory. */
static void begin_data_tar(int filter)
{
	tar = archive_write_new();
	archive_write_set_format_gnutar(tar);
	archive_write_add_filter(tar, filter);
	ck_assert_int_eq(
		archive_write_open_memory(tar, data, sizeof(data), &data_len),
		ARCHIVE_OK);
	archive_write_set_bytes_in_last_block(tar, 1);
}

static void add_entry(const char *name, unsigned type, const char *text,
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

static void add_file(const char *name, const char *text)
{
	add_entry(name, AE_IFREG, text, (long long)strlen(text));
}

static void add_member(struct archive *ar, const char *name,
		       const void *content, size_t len)
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

/* Write a package that contains the data.tar as the member `name`. */
static void write_package(const char *name)
{
	struct archive *ar = archive_write_new();

	archive_write_close(tar);
	archive_write_free(tar);
	archive_write_set_format_ar_bsd(ar);
	ck_assert_int_eq(archive_write_open_filename(ar, file), ARCHIVE_OK);
	add_member(ar, "debian-binary", "2.0\n", 4);
	add_member(ar, "control.tar", "", 0);
	add_member(ar, name, data, data_len);
	archive_write_close(ar);
	archive_write_free(ar);
}

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", out, name);
}

static void check_text(const char *name, const char *text)
{
	char *path = path_of(name);

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

TEST_EACH(libraries_and_links_are_extracted_without_their_directories, filters)
{
	struct stat st;
	char *path = path_of("libmpfr.so.4.1.4"), *doc = path_of("copyright");

	begin_data_tar(row->filter);
	add_entry("./usr/lib/x", AE_IFDIR, NULL, 0);
	add_file("./usr/lib/x/libmpfr.so.4.1.4", "library");
	add_entry("./usr/lib/x/libmpfr.so.4", AE_IFLNK, "libmpfr.so.4.1.4", 0);
	add_file("./usr/share/doc/copyright", "free");
	write_package(row->name);
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
 * No file is written outside the directory.  Of entries with equal names, the
 * first is extracted.
 */
TEST(hostile_entries_are_confined_to_the_directory)
{
	char *outside = xasprintf("%s/libz.so.1", dir),
	     *link = path_of("liba.so.1");
	char *device = path_of("libd.so.1"), target[100];
	ssize_t n;

	begin_data_tar(ARCHIVE_FILTER_NONE);
	add_file("../../libz.so.1", "up");
	add_entry("./lib/liba.so.1", AE_IFLNK, "/etc/libpasswd.so", 0);
	add_file("./other/liba.so.1", "through the link");
	add_entry("./lib/libd.so.1", AE_IFCHR, NULL, 0);
	add_entry("./lib/libe.so.1", AE_IFLNK, "../../../etc/passwd", 0);
	add_entry("./lib/libf.so.1", AE_IFLNK, "libf.so.1", 0);
	write_package("data.tar");
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

TEST(too_many_libraries_are_rejected)
{
	begin_data_tar(ARCHIVE_FILTER_NONE);
	for (int i = 0; i <= TOOLCHAIN_DEB_FILES_MAX; i++) {
		char *name = xasprintf("lib%d.so", i);

		add_file(name, "");
		free(name);
	}
	write_package("data.tar");
	ck_assert_int_eq(toolchain_hostlib_extract_deb(file, out, &err),
			 -E2BIG);
	text_has(err.text, file);
}

TEST(a_library_that_cannot_be_closed_is_an_error)
{
	char *path = path_of("libx.so");

	begin_data_tar(ARCHIVE_FILTER_NONE);
	add_file("libx.so", "library");
	write_package("data.tar");
	over_quota = true;
	ck_assert_int_eq(toolchain_hostlib_extract_deb(file, out, &err),
			 -EDQUOT);
	text_has(err.text, path);
	free(path);
}

TEST(a_package_without_libraries_yields_no_entries)
{
	begin_data_tar(ARCHIVE_FILTER_GZIP);
	add_file("./usr/bin/program", "text");
	write_package("data.tar.gz");
	must(toolchain_hostlib_extract_deb(file, out, &err));
}

/* Truncations by less than 64 bytes are not tested. */
TEST(a_truncated_package_is_rejected)
{
	struct buf whole = { 0 };

	begin_data_tar(ARCHIVE_FILTER_XZ);
	add_file("./libmpfr.so.4", "library");
	write_package("data.tar.xz");
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

static const char *const invalid_packages[] = { "", "text\n", "!<arch>\n",
						"\177ELF\2\1\1" };

TEST_EACH(a_file_that_is_not_a_package_is_rejected, invalid_packages)
{
	must(fs_write(file, bytes_str(*row), 0644, &err));
	ck_assert_int_eq(toolchain_hostlib_extract_deb(file, out, &err),
			 -EINVAL);
	text_has(err.text, file);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(toolchain_hostlib_extract_deb(file, out, &err),
			 -ENOENT);
}
