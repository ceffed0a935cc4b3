/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
#include "coord/source.h"

#include "base/fs.h"
#include "base/str.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *text;
	bool local;
} sources[] = {
	{ "#pragma GCC poison strcpy\n", true },
	{ "#  pragma\tGCC   poison strcpy\n", true },
	{ "#pragma \\\n GCC poison strcpy\n", true },
	{ "# /* x */ pragma /* y */ GCC poison z\n", true },
	{ "#pragma push_macro(\"X\")\n", true },
	{ "_Pragma(\"pop_macro(\\\"X\\\")\")\n", true },
	{ "#define P(x) _Pragma(#x)\nP(push_macro(\"X\"))\n", true },
	{ "#pragma message \"hello\"\n", true },
	{ "#pragma redefine_extname a b\n", true },
	{ "#pragma GCC target(\"avx2\")\n", true },
	{ "#pragma GCC optimize \"O0\"\n", true },
	{ "_Pragma ( \"GCC optimize (0)\" )\n", true },
	{ "#pragma GCC push_options\n", true },
	{ "#define P(x) _Pragma(#x)\nP(GCC target(\"avx2\"))\n", true },
	{ "/* GCC targets, GCC is optimize */ GCC", false },
	{ "#pragma GCC diagnostic warning \"-Wundef\"\n", true },
	{ "#pragma GCC diagnostic error \"-Wundef\"\n", true },
	{ "#pragma GCC pch_preprocess \"x\"\n", true },
	{ "#pragma GCC diagnostic ignored \"-Wundef\"\n", false },
	{ "#pragma GCC diagnostic push\n", false },
	{ "#pragma once\n", false },
	{ "#pragma pack(push, 1)\n", false },
	{ "#pragma weak optimize\n", false },
	{ "#define __diag(s) _Pragma(__diag_str(GCC diagnostic s))\n", false },
	{ "/* the pragma of poisoned pages */\n", false },
	{ "#include <linux/poison.h>\n", false },
	{ "#pragma", false },
	{ "pragma GCC", false },
	{ "", false },
};

START_TEST(pragmas_of_the_preprocessor_are_found)
{
	const char *why = coord_source_forbidden(sources[_i].text,
						 strlen(sources[_i].text));

	ck_assert_msg(!!why == sources[_i].local, "%s: %s", sources[_i].text,
		      why ? why : "allowed");
}
END_TEST

static char dir[] = "/tmp/kfarm-check-XXXXXX";
static struct coord_sources *all;
static uint32_t unit;
static bool suspect;

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	all = coord_sources_new();
}

static void teardown(void)
{
	struct err err;

	coord_sources_free(all);
	fs_remove(dir, &err);
}

static void put(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct err err;

	ck_assert_int_eq(fs_write(path, bytes_str(text), 0644, &err), 0);
	free(path);
}

static const char *check_text(const char *text)
{
	suspect = false;
	return coord_sources_check(all, ++unit, dir, bytes_str(text), &suspect);
}

START_TEST(the_files_of_the_linemarkers_are_searched)
{
	put("good.h", "int a;\n");
	put("bad.h", "#pragma GCC poison x\n");
	ck_assert_ptr_null(check_text("# 1 \"good.h\" 1\nint a;\n"));
	ck_assert_ptr_nonnull(
		check_text("# 1 \"good.h\" 1\nint a;\n# 1 \"bad.h\" 1\n"));
	ck_assert_ptr_null(check_text("# 1 \"bad.h\" 1")); /* a cut line */
	ck_assert_ptr_null(check_text("# 1 \"<built-in>\"\n"));
	ck_assert_ptr_null(check_text("#define X \"bad.h\"\n"));
	ck_assert_ptr_null(check_text("# 1 \"gone.y\"\n"));
}
END_TEST

START_TEST(a_precompiled_header_beside_one_is_found)
{
	put("good.h", "int a;\n");
	ck_assert_ptr_null(check_text("# 1 \"good.h\" 1\n"));
	put("good.h.gch", "gpch");
	ck_assert_str_eq(check_text("# 1 \"good.h\" 1\n"),
			 "precompiled header");
}
END_TEST

START_TEST(names_of_any_bytes_are_understood)
{
	put("a \"b\\\xc3.h", "#pragma GCC poison x\n");
	ck_assert_ptr_nonnull(check_text("# 1 \"a \\\"b\\\\\\303.h\" 1\n"));
}
END_TEST

START_TEST(a_file_that_changed_is_searched_again)
{
	put("h.h", "int a;\n");
	ck_assert_ptr_null(check_text("# 1 \"h.h\" 1\n"));
	put("h.h", "#pragma GCC poison x\n");
	ck_assert_ptr_nonnull(check_text("# 1 \"h.h\" 1\n"));
	put("h.h", "int a;\n");
	ck_assert_ptr_null(check_text("# 1 \"h.h\" 1\n"));
}
END_TEST

START_TEST(one_suspect_file_makes_the_unit_suspect)
{
	put("clear.h", "int a;\n");
	put("odd.h", "f() { if (a)\n\tb();\n\tc(); }\n");
	ck_assert_ptr_null(check_text("# 1 \"clear.h\"\n"));
	ck_assert(!suspect);
	ck_assert_ptr_null(check_text("# 1 \"odd.h\"\n# 1 \"clear.h\"\n"));
	ck_assert(suspect);
}
END_TEST

START_TEST(devices_and_pipes_are_not_read)
{
	char *fifo = xasprintf("%s/fifo", dir);

	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_str_eq(check_text("# 1 \"fifo\" 1\n"),
			 "reads what is no plain file");
	ck_assert_str_eq(check_text("# 1 \"/dev/stdin\" 1\n"),
			 "reads what is no plain file");
	free(fifo);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coord/source");
	TCase *tc = tcase_create("source");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, pragmas_of_the_preprocessor_are_found, 0,
			    sizeof(sources) / sizeof(*sources));
	tcase_add_test(tc, the_files_of_the_linemarkers_are_searched);
	tcase_add_test(tc, a_precompiled_header_beside_one_is_found);
	tcase_add_test(tc, names_of_any_bytes_are_understood);
	tcase_add_test(tc, a_file_that_changed_is_searched_again);
	tcase_add_test(tc, one_suspect_file_makes_the_unit_suspect);
	tcase_add_test(tc, devices_and_pipes_are_not_read);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
