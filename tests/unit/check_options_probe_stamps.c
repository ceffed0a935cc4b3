/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
#include "../lib/test.h"

#include "options/probe-stamps.h"

#include "base/file-stamp.h"

static char *dir, *file, *missing;
static struct options_probe_compiler compiler = { "/usr/bin/gcc", "/usr/bin",
						  NULL };

static void put(const char *text)
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
	put("one");
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
static void make_list(struct buf *out)
{
	bool settled = false;

	while (!settled) {
		buf_reset(out);
		options_probe_stamps_begin(out, &compiler);
		settled = options_probe_stamps_add_file(out, file,
							file_stamp_now_ns());
		settled &= options_probe_stamps_add_file(out, missing,
							 file_stamp_now_ns());
		options_probe_stamps_end(out);
	}
}

static bool holds(const struct buf *list)
{
	uint64_t id[2];

	return options_probe_stamps_is_current(buf_bytes(list), &compiler, id);
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST(a_list_holds_until_a_file_changes)
{
	struct buf list = { 0 };

	make_list(&list);
	ck_assert(holds(&list));
	ck_assert(holds(&list));
	put("two");
	ck_assert(!holds(&list));
	buf_release(&list);
}

TEST(and_until_one_comes)
{
	struct buf list = { 0 };

	make_list(&list);
	ck_assert_int_eq(symlink("nowhere", missing), 0);
	ck_assert(!holds(&list));
	ck_assert_int_eq(unlink(missing), 0);
	ck_assert(holds(&list));
	buf_release(&list);
}

TEST(another_compilers_is_none)
{
	struct options_probe_compiler other[] = {
		{ "/usr/bin/gcc-12", "/usr/bin", NULL },
		{ "/usr/bin/gcc", "/bin", NULL },
		{ "/usr/bin/gcc", NULL, NULL },
		{ "/usr/bin/gcc", "/usr/bin", "/lib" },
	};
	char *ours = options_probe_stamps_path("/c", false, &compiler);
	struct buf list = { 0 };
	uint64_t id[2];

	make_list(&list);
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		char *path = options_probe_stamps_path("/c", false, &other[i]);

		ck_assert_str_ne(path, ours);
		ck_assert(!options_probe_stamps_is_current(buf_bytes(&list),
							   &other[i], id));
		free(path);
	}
	free(ours);
	buf_release(&list);
}

TEST_RANGE(damage_makes_it_none, 0, 8)
{
	struct buf list = { 0 };

	make_list(&list);
	for (size_t i = 0; i < list.len; i++) {
		list.data[i] ^= (uint8_t)(1 << _i);
		ck_assert(!holds(&list));
		list.data[i] ^= (uint8_t)(1 << _i);
	}
	for (size_t len = list.len; list.len; list.len--) {
		ck_assert(list.len == len || !holds(&list));
	}
	ck_assert(!holds(&list));
	buf_release(&list);
}

TEST(a_relative_path_is_nobodys)
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

TEST(a_wish_is_read_again)
{
	struct options_probe_compiler was = { "/usr/bin/gcc", "/usr/bin:/bin",
					      "/lib" };
	struct options_probe_compiler c;
	struct buf text = { 0 };

	options_probe_stamps_begin(&text, &was);
	options_probe_stamps_end(&text);
	ck_assert(options_probe_stamps_read_request(&text, &c));
	ck_assert_str_eq(c.driver, was.driver);
	ck_assert_str_eq(c.path, was.path);
	ck_assert_str_eq(c.ld_library_path, was.ld_library_path);
	buf_reset(&text);
	options_probe_stamps_begin(&text, &was);
	ck_assert(!options_probe_stamps_read_request(&text, &c));
	buf_release(&text);
}
