/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
#include "../lib/test.h"

#include "options/probe-stamps.h"

#include "base/file-stamp.h"

static char *dir, *file, *missing;
static struct options_probe_compiler compiler = { "/usr/bin/gcc", "/usr/bin",
						  NULL };

static void write_file(const char *text)
{
	struct err err;

	must(fs_write(file, bytes_str(text), 0600, &err));
}

static void setup(void)
{
	char template[] = "/tmp/check-probe-list-XXXXXX";

	dir = xstrdup(mkdtemp(template));
	file = xasprintf("%s/cc1", dir);
	missing = xasprintf("%s/as", dir);
	write_file("one");
}

static void teardown(void)
{
	struct err err;

	fs_remove(dir, &err);
	free(dir);
	free(file);
	free(missing);
}

/* Retry, because a file is racily clean until the next tick of the clock. */
static void make_stamps(struct buf *out)
{
	bool clean = false;

	while (!clean) {
		buf_reset(out);
		options_probe_stamps_begin(out, &compiler);
		clean = options_probe_stamps_add_file(out, file,
						      file_stamp_now_ns());
		clean &= options_probe_stamps_add_file(out, missing,
						       file_stamp_now_ns());
		options_probe_stamps_end(out);
	}
}

static bool is_current(const struct buf *stamps)
{
	uint64_t id[2];

	return options_probe_stamps_is_current(buf_bytes(stamps), &compiler,
					       id);
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST(stamps_are_not_current_after_a_file_changes)
{
	struct buf stamps = { 0 };

	make_stamps(&stamps);
	ck_assert(is_current(&stamps));
	ck_assert(is_current(&stamps));
	write_file("two");
	ck_assert(!is_current(&stamps));
	buf_release(&stamps);
}

TEST(stamps_are_not_current_while_a_missing_file_exists)
{
	struct buf stamps = { 0 };

	make_stamps(&stamps);
	ck_assert_int_eq(symlink("nowhere", missing), 0);
	ck_assert(!is_current(&stamps));
	ck_assert_int_eq(unlink(missing), 0);
	ck_assert(is_current(&stamps));
	buf_release(&stamps);
}

TEST(another_compiler_has_another_path_and_no_current_stamps)
{
	struct options_probe_compiler other[] = {
		{ "/usr/bin/gcc-12", "/usr/bin", NULL },
		{ "/usr/bin/gcc", "/bin", NULL },
		{ "/usr/bin/gcc", NULL, NULL },
		{ "/usr/bin/gcc", "/usr/bin", "/lib" },
	};
	char *own_path = options_probe_stamps_path("/c", false, &compiler);
	struct buf stamps = { 0 };
	uint64_t id[2];

	make_stamps(&stamps);
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		char *path = options_probe_stamps_path("/c", false, &other[i]);

		ck_assert_str_ne(path, own_path);
		ck_assert(!options_probe_stamps_is_current(buf_bytes(&stamps),
							   &other[i], id));
		free(path);
	}
	free(own_path);
	buf_release(&stamps);
}

TEST_RANGE(corrupt_or_truncated_stamps_are_not_current, 0, 8)
{
	struct buf stamps = { 0 };

	make_stamps(&stamps);
	for (size_t i = 0; i < stamps.len; i++) {
		stamps.data[i] ^= (uint8_t)(1 << _i);
		ck_assert(!is_current(&stamps));
		stamps.data[i] ^= (uint8_t)(1 << _i);
	}
	for (size_t len = stamps.len; stamps.len; stamps.len--) {
		ck_assert(stamps.len == len || !is_current(&stamps));
	}
	ck_assert(!is_current(&stamps));
	buf_release(&stamps);
}

TEST(a_relative_or_multiline_path_has_no_stamps_file)
{
	static const char *const paths[] = {
		"", ".", "/bin:", ":/bin", "/bin::/sbin", "/bin:x", "/a\nb"
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct options_probe_compiler c = { "/gcc", paths[i], NULL };

		ck_assert_ptr_null(options_probe_stamps_path("/c", false, &c));
	}
	ck_assert_ptr_null(options_probe_stamps_path(
		"/c", false,
		&(struct options_probe_compiler){ .driver = "gcc" }));
}

TEST(a_request_is_read_only_from_complete_stamps)
{
	struct options_probe_compiler written = { "/usr/bin/gcc",
						  "/usr/bin:/bin", "/lib" };
	struct options_probe_compiler c;
	struct buf text = { 0 };

	options_probe_stamps_begin(&text, &written);
	options_probe_stamps_end(&text);
	ck_assert(options_probe_stamps_read_request(&text, &c));
	ck_assert_str_eq(c.driver, written.driver);
	ck_assert_str_eq(c.path, written.path);
	ck_assert_str_eq(c.ld_library_path, written.ld_library_path);
	buf_reset(&text);
	options_probe_stamps_begin(&text, &written);
	ck_assert(!options_probe_stamps_read_request(&text, &c));
	buf_release(&text);
}
