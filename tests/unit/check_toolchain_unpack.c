/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/unpack.h"

#include "../lib/test.h"
#include "toolchain-tar.h"

#include <sched.h>

static char dir[] = "/tmp/check_toolchain.XXXXXX";
static char *dest, *outside;
static int fd;
static struct buf tar, tar_data;
static struct toolchain_unpacked got;
static struct err err;

static int on_tar(void *ctx, struct bytes b, struct err *e)
{
	(void)e;
	buf_add_bytes(ctx, b);
	return 0;
}

static struct toolchain_unpack_setup setup;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dest = xasprintf("%s/into", dir);
	outside = xasprintf("%s/outside", dir);
	ck_assert_int_eq(mkdir(dest, 0700), 0);
	must(fs_write(outside, bytes_str("mine"), 0644, &err));
	fd = open(dest, O_RDONLY | O_DIRECTORY);
	setup = (struct toolchain_unpack_setup){ .dir_fd = fd,
						 .on_tar_data = on_tar,
						 .ctx = &tar_data };
	err.text[0] = '\0';
}

/* No test changes the file outside the directory. */
static void tear_down(void)
{
	struct buf text = { 0 };
	struct err ignored;
	struct stat st;

	ck_assert_int_eq(fs_read(outside, 100, &text, &ignored), 0);
	ck_assert_str_eq(buf_str(&text), "mine");
	ck_assert_int_eq(stat(outside, &st), 0);
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_int_eq(unlink(outside), 0);
	close(fd);
	ck_assert_int_eq(fs_remove(dest, &ignored), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	buf_release(&text);
	buf_release(&tar);
	buf_release(&tar_data);
	toolchain_unpacked_release(&got);
	free(dest);
	free(outside);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

/* Unpack in pieces, as they arrive from a network. */
static int unpack(struct bytes in, size_t piece)
{
	struct toolchain_unpack *u = toolchain_unpack_start(&setup, &err);
	int ret = 0;

	ck_assert_ptr_nonnull(u);
	for (size_t i = 0; !ret && i < in.len; i += piece) {
		size_t n = in.len - i < piece ? in.len - i : piece;

		ret = toolchain_unpack_feed(u, bytes_of(in.data + i, n), &err);
	}
	if (!ret)
		return toolchain_unpack_finish(u, &got, &err);
	toolchain_unpack_free(u);
	return ret;
}

static void add_valid_entries(void)
{
	tar_add(&tar, &(struct tar_entry){ "./", .type = '5', .mode = 0777 });
	tar_add(&tar, &(struct tar_entry){ "./gcc-1/", .type = '5' });
	tar_add(&tar, &(struct tar_entry){ "gcc-1/bin/gcc", .mode = 0775,
					   .content = "a program" });
	tar_add(&tar, &(struct tar_entry){ "gcc-1/bin/gcc-1", "gcc-1/bin/gcc",
					   .type = '1' });
	tar_add(&tar, &(struct tar_entry){ "gcc-1/lib/gcc", "../bin/gcc",
					   .type = '2' });
	tar_add(&tar, &(struct tar_entry){ "gcc-1/lib/specs", .mode = 0660,
					   .content = "text" });
	tar_add(&tar, &(struct tar_entry){ "gcc-1/none/", .type = '5' });
	tar_end(&tar);
}

/* Compress `tar` in place by a program. */
static void compress(const char *program)
{
	char *file = xasprintf("%s/a", dir);
	char *command = xasprintf("%s <%s >%s.out", program, file, file);
	char *packed = xasprintf("%s.out", file);

	must(fs_write(file, buf_bytes(&tar), 0600, &err));
	ck_assert_int_eq(system(command), 0); /* NOLINT: fixed commands */
	buf_reset(&tar);
	must(fs_read(packed, 64 << 20, &tar, &err));
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(unlink(packed), 0);
	free(packed);
	free(command);
	free(file);
}

static struct stat stat_entry(const char *name)
{
	char *path = xasprintf("%s/%s", dest, name);
	struct stat st;

	ck_assert_msg(!lstat(path, &st), "%s", path);
	free(path);
	return st;
}

static const char *const compressors[] = { "cat", "xz -0", "gzip -1" };

FIXTURE(set_up, tear_down);

TEST_EACH(unpacking_creates_files_and_computes_their_digests, compressors)
{
	struct compiler_entries read;
	struct digest archive, tree, again;
	struct buf plain = { 0 };
	struct stat st, link;

	umask(0);
	add_valid_entries();
	buf_add_bytes(&plain, buf_bytes(&tar));
	compress(*row);
	ck_assert_msg(!unpack(buf_bytes(&tar), 7), "%s", err.text);
	digest_bytes(buf_bytes(&tar), &archive);
	ck_assert(digest_equal(&got.archive_digest, &archive));
	ck_assert(bytes_equal(buf_bytes(&tar_data), buf_bytes(&plain)));
	ck_assert_uint_eq(got.entries.n, 5);
	/* The digest computed while unpacking equals that of the files. */
	must(toolchain_dir_digest_read(&read, dest, NULL, &err));
	toolchain_dir_digest_compute(&got.entries, &tree);
	toolchain_dir_digest_compute(&read, &again);
	ck_assert(digest_equal(&tree, &again));
	compiler_entries_release(&read);
	st = stat_entry("gcc-1/bin/gcc");
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0755);
	ck_assert_uint_eq(st.st_uid, geteuid());
	ck_assert_int_eq(st.st_mtime, TAR_TIME);
	link = stat_entry("gcc-1/bin/gcc-1");
	ck_assert_uint_eq(link.st_ino, st.st_ino);
	st = stat_entry("gcc-1/lib/specs");
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0644);
	st = stat_entry("gcc-1");
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 0755);
	buf_release(&plain);
}

/* Rejected archives, and a part of the message. */
static const struct {
	struct tar_entry first, second;
	const char *error;
} attacks[] = {
	{ { "../outside", .content = "x" }, { 0 }, "../outside" },
	{ { "a/../../outside", .content = "x" }, { 0 }, "a/../../outside" },
	{ { "a/..", .type = '5' }, { 0 }, "a/.." },
	{ { "/tmp/absolute", .content = "x" }, { 0 }, "/tmp/absolute" },
	{ { "..", .type = '5' }, { 0 }, ".." },
	{ { "a\nb", .content = "x" }, { 0 }, "a" },
	/* A symbolic link, then a file below it. */
	{ { "a", "..", .type = '2' },
	  { .name = "a/outside" },
	  "leads outside" },
	{ { "a", "/tmp", .type = '2' }, { .name = "a/x" }, "leads outside" },
	{ { "a", "b", .type = '2' }, { "a/x", .content = "x" }, "directory" },
	{ { "a", "b", .type = '2' },
	  { "a", .content = "x" },
	  "duplicate entry" },
	{ { "a", "b", .type = '2' }, { "a/", .type = '5' }, "directory" },
	{ { "d/a", "../b", .type = '2' },
	  { "d/a/c", .type = '5' },
	  "directory" },
	{ { "d/a", "../../outside", .type = '2' }, { 0 }, "leads outside" },
	/* Hard links. */
	{ { "a", "../outside", .type = '1' }, { 0 }, "not a file" },
	{ { "a", "/etc/passwd", .type = '1' }, { 0 }, "not a file" },
	{ { "a", "later", .type = '1' }, { .name = "later" }, "not a file" },
	{ { "a", "b", .type = '2' }, { "c", "a", .type = '1' }, "not a file" },
	{ { "a", .type = '5' }, { "c", "a", .type = '1' }, "not a file" },
	/* Other file types. */
	{ { "a", .type = '3' }, { 0 }, "not a file, link or directory" },
	{ { "a", .type = '4' }, { 0 }, "not a file, link or directory" },
	{ { "a", .type = '6' }, { 0 }, "not a file, link or directory" },
	{ { "a", .mode = 04755 }, { 0 }, "setuid" },
	{ { "a", .mode = 02755 }, { 0 }, "setuid" },
	{ { "a", .content = "x" }, { "a", .content = "y" }, "duplicate entry" },
	{ { "a", .content = "x" }, { "a/b", .content = "y" }, "directory" },
};

TEST_EACH(a_malicious_archive_is_rejected, attacks)
{
	tar_add(&tar, &(struct tar_entry){ "good", .content = "good" });
	tar_add(&tar, &row->first);
	if (row->second.name)
		tar_add(&tar, &row->second);
	tar_end(&tar);
	ck_assert_int_eq(unpack(buf_bytes(&tar), 512), -EINVAL);
	ck_assert_msg(strstr(err.text, row->error) != NULL, "%s", err.text);
	ck_assert_uint_eq(got.entries.n, 0);
}

/* Redundant components, a setuid directory, a dangling link, an empty file. */
TEST(unusual_but_harmless_entries_are_accepted)
{
	tar_add(&tar,
		&(struct tar_entry){ "././d/", .type = '5', .mode = 06755 });
	tar_add(&tar, &(struct tar_entry){ "d/", .type = '5' });
	tar_add(&tar, &(struct tar_entry){ "d/..a", .content = "x" });
	tar_add(&tar, &(struct tar_entry){ "d/up", "..", .type = '2' });
	tar_add(&tar,
		&(struct tar_entry){ "d/dangling", "../none", .type = '2' });
	tar_add(&tar, &(struct tar_entry){ .name = "d/empty" });
	tar_end(&tar);
	ck_assert_msg(!unpack(buf_bytes(&tar), 4096), "%s", err.text);
	ck_assert_uint_eq(got.entries.n, 4);
	ck_assert_uint_eq(stat_entry("d").st_mode, S_IFDIR | 0755);
}

TEST_RANGE(a_truncated_archive_is_rejected, 0, 2)
{
	size_t len;

	add_valid_entries();
	compress(_i ? "xz -0" : "gzip -1");
	for (len = 0; len < tar.len; len += len < 64 ? 1 : 13) {
		struct err ignored;
		int ret = unpack(bytes_of(tar.data, len), 1000);

		ck_assert_msg(ret == -EBADMSG, "%zu: %d", len, ret);
		ck_assert_uint_eq(got.entries.n, 0);
		ck_assert_int_eq(fs_remove(dest, &ignored), 0);
		ck_assert_int_eq(mkdir(dest, 0700), 0);
		close(fd);
		setup.dir_fd = fd = open(dest, O_RDONLY | O_DIRECTORY);
	}
}

TEST_RANGE(trailing_data_is_rejected, 0, 2)
{
	add_valid_entries();
	compress(_i ? "xz -0" : "gzip -1");
	buf_add_str(&tar, "more");
	ck_assert_int_eq(unpack(buf_bytes(&tar), 1000), -EBADMSG);
}

/* xz accepts unlimited zeros after a stream as padding. */
static void feed_endlessly(struct bytes more)
{
	struct toolchain_unpack *u = toolchain_unpack_start(&setup, &err);
	size_t n = 0;
	int ret;

	ck_assert_ptr_nonnull(u);
	ret = toolchain_unpack_feed(u, buf_bytes(&tar), &err);
	for (; !ret && n < 64ul << 20; n += more.len)
		ret = toolchain_unpack_feed(u, more, &err);
	ck_assert_int_eq(ret, -EBADMSG);
	ck_assert_str_eq(err.text,
			 "trailing data after the end of the archive");
	ck_assert_uint_le(n, 20ul << 20);
	toolchain_unpack_free(u);
}

TEST(endless_padding_is_rejected)
{
	static const uint8_t zeros[1 << 20];

	add_valid_entries();
	compress("xz -0");
	feed_endlessly(bytes_of(zeros, sizeof(zeros)));
}

TEST(endlessly_repeated_archives_are_rejected)
{
	add_valid_entries();
	compress("xz -0");
	feed_endlessly(buf_bytes(&tar));
}

TEST_RANGE(data_that_is_not_an_archive_is_rejected, 0, 2)
{
	static const char page[] = "<html>404 Not Found</html>";

	ck_assert_int_eq(unpack(bytes_of(page, _i ? strlen(page) : 0), 10),
			 -EBADMSG);
}

/* The archive has a million entries, and the limit is 1000. */
TEST(too_many_entries_are_rejected_before_all_are_read)
{
	struct toolchain_unpack *u;
	unsigned long i;
	int ret = 0;

	setup.max_entries = 1000;
	setup.on_tar_data = NULL;
	u = toolchain_unpack_start(&setup, &err);
	for (i = 0; !ret && i < 1000000; i++) {
		uint8_t header[TAR_BLOCK];
		char name[32];

		snprintf(name, sizeof(name), "d%lu", i);
		tar_header(header, &(struct tar_entry){ name, .type = '5' });
		ret = toolchain_unpack_feed(u, bytes_of(header, TAR_BLOCK),
					    &err);
	}
	toolchain_unpack_free(u);
	ck_assert_int_eq(ret, -E2BIG);
	text_has(err.text, "more than 1000 entries");
	/* Only the ring buffer was filled after the rejection. */
	ck_assert_uint_lt(i, 1000 + 4096);
}

static void add_zeros(size_t n)
{
	uint8_t *zeros = xcalloc(1, 1 << 20);

	for (size_t i = 0; i < n; i++)
		buf_add(&tar, zeros, 1 << 20);
	free(zeros);
}

/* 120 MiB of zeros in 18 KB of xz. */
TEST(a_decompression_bomb_is_rejected)
{
	tar_add(&tar, &(struct tar_entry){ "a", .size = 120ull << 20 });
	add_zeros(120);
	tar_end(&tar);
	compress("xz -0");
	ck_assert_uint_lt(tar.len, 100000);
	setup.on_tar_data = NULL;
	ck_assert_int_eq(unpack(buf_bytes(&tar), 4096), -E2BIG);
	text_has(err.text, "100 times");
}

TEST(content_beyond_the_size_limit_is_rejected)
{
	setup.max_bytes = 1 << 20;
	tar_add(&tar, &(struct tar_entry){ "a", .size = 2 << 20 });
	add_zeros(2);
	tar_end(&tar);
	ck_assert_int_eq(unpack(buf_bytes(&tar), 65536), -E2BIG);
	text_has(err.text, "1 MiB");
}

/* A file of one byte, or of none, after a hole of 4 GiB. */
TEST_RANGE(a_sparse_file_with_a_hole_beyond_the_size_limit_is_rejected, 0, 2)
{
	uint8_t header[TAR_BLOCK];
	unsigned sum = 0;

	setup.max_bytes = 16 << 20;
	tar_header(header, &(struct tar_entry){ "a", .type = 'S' });
	memcpy(header + 257, "ustar  ", 8);
	snprintf((char *)header + 386, 12, "%011llo", 4ull << 30);
	snprintf((char *)header + 398, 12, "%011o", _i ? 1u : 0u);
	snprintf((char *)header + 124, 12, "%011o", _i ? 1u : 0u);
	snprintf((char *)header + 483, 12, "%011llo", (4ull << 30) + _i);
	memset(header + 148, ' ', 8);
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += header[i];
	snprintf((char *)header + 148, 8, "%06o", sum);
	buf_add(&tar, header, sizeof(header));
	tar_end(&tar);
	ck_assert_int_eq(unpack(buf_bytes(&tar), 512), _i ? -E2BIG : -EINVAL);
}

/*
 * The two blocks are in the wrong order.  For such a file, libarchive returns
 * "retry" again and again.
 */
TEST(a_sparse_file_with_unordered_blocks_is_rejected)
{
	uint8_t header[TAR_BLOCK];
	unsigned sum = 0;

	tar_header(header,
		   &(struct tar_entry){ "a", .type = 'S', .size = 1024 });
	memcpy(header + 257, "ustar  ", 8);
	for (int i = 0; i < 2; i++) {
		snprintf((char *)header + 386 + 24 * i, 12, "%011o",
			 i ? 0u : 4096u);
		snprintf((char *)header + 398 + 24 * i, 12, "%011o", 512u);
	}
	snprintf((char *)header + 483, 12, "%011o", 8192u);
	memset(header + 148, ' ', 8);
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += header[i];
	snprintf((char *)header + 148, 8, "%06o", sum);
	buf_add(&tar, header, sizeof(header));
	tar_end(&tar);
	tar_end(&tar);
	ck_assert_int_eq(unpack(buf_bytes(&tar), 512), -EBADMSG);
}

static int reject_data(void *ctx, struct bytes b, struct err *e)
{
	(void)ctx;
	(void)b;
	return err_set(e, EKEYREJECTED, "no more");
}

TEST(an_error_of_the_tar_callback_ends_the_unpacking)
{
	add_valid_entries();
	setup.on_tar_data = reject_data;
	ck_assert_int_eq(unpack(buf_bytes(&tar), 512), -EKEYREJECTED);
	ck_assert_str_eq(err.text, "no more");
}

/* The unpacking thread waits for the rest of a file. */
TEST(unpacking_can_be_aborted_while_a_file_is_incomplete)
{
	struct toolchain_unpack *u = toolchain_unpack_start(&setup, &err);

	add_valid_entries();
	must(toolchain_unpack_feed(u, bytes_of(tar.data, 1600), &err));
	toolchain_unpack_free(u);
}

TEST(all_created_entries_are_listed_sorted_by_path)
{
	struct digest text;

	tar_add(&tar, &(struct tar_entry){ "b/c", .content = "text" });
	tar_add(&tar, &(struct tar_entry){ "a", "b/c", .type = '1' });
	tar_add(&tar, &(struct tar_entry){ "d", .type = '5' });
	tar_add(&tar, &(struct tar_entry){ "b/l", "../a", .type = '2' });
	tar_end(&tar);
	must(unpack(buf_bytes(&tar), tar.len));
	ck_assert_uint_eq(got.entries.n, 4);
	ck_assert_str_eq(got.entries.v[0].path, "a");
	ck_assert_str_eq(got.entries.v[1].path, "b/c");
	ck_assert_str_eq(got.entries.v[2].path, "b/l");
	ck_assert_str_eq(got.entries.v[3].path, "d");
	ck_assert_int_eq(got.entries.v[3].kind, COMPILER_ENTRY_DIR);
	digest_bytes(bytes_str("text"), &text);
	ck_assert(digest_equal(&got.entries.v[0].digest, &text));
	ck_assert(digest_equal(&got.entries.v[1].digest, &text));
	ck_assert_uint_eq(got.entries.v[0].size_bytes, 4);
	ck_assert_int_eq(got.entries.v[1].mtime_ns, TAR_TIME * 1000000000ll);
}

TEST(parent_directories_count_towards_the_entry_limit)
{
	setup.max_entries = 6;
	tar_add(&tar, &(struct tar_entry){ .name = "1/2/3/4/5/6" });
	tar_end(&tar);
	must(unpack(buf_bytes(&tar), tar.len));
	toolchain_unpacked_release(&got);
	must(fs_remove(dest, &err));
	ck_assert_int_eq(mkdir(dest, 0700), 0);
	close(fd);
	setup.dir_fd = fd = open(dest, O_RDONLY | O_DIRECTORY);

	buf_reset(&tar);
	tar_add(&tar, &(struct tar_entry){ .name = "1/2/3/4/5/6" });
	tar_add(&tar, &(struct tar_entry){ .name = "1/7" });
	tar_end(&tar);
	ck_assert_int_eq(unpack(buf_bytes(&tar), tar.len), -E2BIG);
	text_has(err.text, "1/7");
}

/* Another process replaces a directory by a link during the unpacking. */
TEST(a_link_that_another_process_creates_is_not_followed)
{
	char *path = xasprintf("%s/a", dest), *other = xasprintf("%s/o", dest);
	char *last = xasprintf("%s/c/b", dest);
	struct toolchain_unpack *u = toolchain_unpack_start(&setup, &err);
	size_t half;
	int ret;

	tar_add(&tar, &(struct tar_entry){ "a/b", .content = "x" });
	tar_add(&tar, &(struct tar_entry){ "c/b", .content = "x" });
	half = tar.len;
	tar_add(&tar, &(struct tar_entry){ "a/d", .content = "x" });
	tar_end(&tar);
	must(toolchain_unpack_feed(u, bytes_of(tar.data, half), &err));
	while (access(last, F_OK))
		sched_yield();
	ck_assert_int_eq(mkdir(other, 0755), 0);
	must(fs_remove(path, &err));
	ck_assert_int_eq(symlink("o", path), 0);
	ret = toolchain_unpack_feed(
		u, bytes_of(tar.data + half, tar.len - half), &err);
	if (ret)
		toolchain_unpack_free(u);
	else
		ret = toolchain_unpack_finish(u, &got, &err);
	ck_assert_int_ne(ret, 0);
	ck_assert_int_eq(rmdir(other), 0); /* the directory is empty */
	free(last);
	free(other);
	free(path);
}

TEST(an_existing_file_is_not_overwritten)
{
	char *path = xasprintf("%s/a", dest);

	must(fs_write(path, bytes_str("mine"), 0644, &err));
	tar_add(&tar, &(struct tar_entry){ "a", .content = "x" });
	tar_end(&tar);
	ck_assert_int_eq(unpack(buf_bytes(&tar), tar.len), -EEXIST);
	free(path);
}
