/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/str.h"

#include <limits.h>

TEST(a_hexadecimal_digit_has_a_value)
{
	static const char digits[] = "0123456789abcdef", upper[] = "ABCDEF";

	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(str_hex_digit(digits[i]), i);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(str_hex_digit(upper[i]), 10 + i);
	for (const char *s = "/:@Gg`"; *s; s++)
		ck_assert_int_eq(str_hex_digit(*s), -1);
	ck_assert_int_eq(str_hex_digit('\0'), -1);
}

TEST(an_allocation_of_size_0_is_not_null)
{
	void *p[] = { xmalloc(0), xcalloc(0, 0), xrealloc(NULL, 0) };

	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_nonnull(p[i]);
		free(p[i]);
	}
}

TEST_EXIT(a_failed_allocation_exits_with_status_1, 1)
{
	volatile size_t much = SIZE_MAX / 2;

	free(xmalloc(much));
}

TEST(xstrndup_truncates_and_xasprintf_does_not)
{
	char *s = xstrndup("abcdef", 3);

	ck_assert_str_eq(s, "abc");
	free(s);
	s = xstrndup("ab", 100);
	ck_assert_str_eq(s, "ab");
	free(s);
	s = xasprintf("%s-%d-%0200d", "x", 7, 0);
	ck_assert_uint_eq(strlen(s), 204);
	free(s);
}

TEST(prefixes_suffixes_and_equal_strings_are_recognized)
{
	text_starts("gcc-12", "gcc");
	text_starts("gcc", "");
	ck_assert(!str_starts("gc", "gcc"));
	text_ends("main.c", ".c");
	text_ends("", "");
	ck_assert(!str_ends("c", ".c"));
	ck_assert(str_equal(NULL, NULL));
	ck_assert(!str_equal(NULL, ""));
	ck_assert(!str_equal("", NULL));
	ck_assert(str_equal("a", "a"));
}

static const struct {
	const char *path, *dir, *base;
} paths[] = {
	{ "/usr/bin/gcc", "/usr/bin", "gcc" },
	{ "gcc", ".", "gcc" },
	{ "/gcc", "/", "gcc" },
	{ "a/b", "a", "b" },
	{ "a/", "a", "" },
	{ "", ".", "" },
};

TEST_EACH(a_path_is_split_into_directory_and_base, paths)
{
	char *dir = str_dir(row->path);

	ck_assert_str_eq(dir, row->dir);
	ck_assert_str_eq(str_base(row->path), row->base);
	free(dir);
}

/* A text, and its value as a number from -5 to 100. */
static const struct {
	const char *text;
	int answer;
	long number;
} numbers[] = {
	{ "0", 0, 0 },
	{ "100", 0, 100 },
	{ "-5", 0, -5 },
	{ "007", 0, 7 },
	{ "101", -ERANGE, 42 },
	{ "-6", -ERANGE, 42 },
	{ "99999999999999999999999", -ERANGE, 42 },
	{ "", -EINVAL, 42 },
	{ "-", -EINVAL, 42 },
	{ "x", -EINVAL, 42 },
	{ "1x", -EINVAL, 42 },
	{ "1 ", -EINVAL, 42 },
	{ " 1", -EINVAL, 42 },
	{ "\t1", -EINVAL, 42 },
	{ "\n1", -EINVAL, 42 },
	{ "+1", -EINVAL, 42 },
	{ "0x10", -EINVAL, 42 },
	{ "1.5", -EINVAL, 42 },
};

TEST_EACH(a_number_is_decimal_and_within_bounds, numbers)
{
	long n = 42;

	ck_assert_int_eq(str_parse_number(row->text, -5, 100, &n), row->answer);
	ck_assert_int_eq(n, row->number);
}

TEST(the_limits_of_long_are_parsed)
{
	char text[32];
	long n;

	snprintf(text, sizeof(text), "%ld", LONG_MAX);
	ck_assert_int_eq(str_parse_number(text, LONG_MIN, LONG_MAX, &n), 0);
	ck_assert_int_eq(n, LONG_MAX);
	snprintf(text, sizeof(text), "%ld", LONG_MIN);
	ck_assert_int_eq(str_parse_number(text, LONG_MIN, LONG_MAX, &n), 0);
	ck_assert_int_eq(n, LONG_MIN);
}

TEST(an_environment_is_searched_by_whole_names)
{
	char *env[] = { "PATHS=no",   "PATH", "PATH=/bin",
			"PATH=/late", "E=",   NULL };

	ck_assert_str_eq(str_find_env(env, "PATH"), "/bin");
	ck_assert_str_eq(str_find_env(env, "E"), "");
	ck_assert_ptr_null(str_find_env(env, "PAT"));
	ck_assert_ptr_null(str_find_env(env, "HOME"));
}

TEST(a_list_always_ends_in_null)
{
	struct strv sv = { 0 };

	for (size_t i = 0; i < 100; i++) {
		strv_addf(&sv, "%zu", i);
		ck_assert_uint_eq(sv.n, i + 1);
		ck_assert_ptr_null(sv.v[sv.n]);
	}
	ck_assert_str_eq(sv.v[0], "0");
	ck_assert_str_eq(sv.v[99], "99");
	strv_release(&sv);
	ck_assert_uint_eq(sv.n, 0);
	ck_assert_ptr_null(sv.v);
}

TEST(a_list_is_appended_to_another_list)
{
	char *more[] = { "b", "c", NULL };
	struct strv sv = { 0 };

	strv_add_all(&sv, NULL);
	strv_own(&sv, xstrdup("a"));
	strv_add_all(&sv, more);
	ck_assert_uint_eq(sv.n, 3);
	ck_assert(strv_has(&sv, "c"));
	ck_assert(!strv_has(&sv, "d"));
	strv_release(&sv);
	ck_assert(!strv_has(&sv, "c"));
}

TEST(lists_are_equal_by_their_strings_in_order)
{
	struct strv a = { 0 }, b = { 0 };

	ck_assert(strv_equal(&a, &b));
	strv_add(&a, "x");
	strv_add(&a, "y");
	strv_add(&b, "x");
	ck_assert(!strv_equal(&a, &b));
	strv_add(&b, "z");
	ck_assert(!strv_equal(&a, &b));
	b.v[1][0] = 'y';
	ck_assert(strv_equal(&a, &b));
	strv_release(&a);
	strv_release(&b);
}

TEST(sorting_is_by_bytes)
{
	char *words[] = { "b", "a", "B", "ab", "", NULL };
	struct strv sv = { 0 };
	char *s;

	strv_sort(&sv);
	strv_add_all(&sv, words);
	strv_sort(&sv);
	s = strv_join(&sv, ",");
	ck_assert_str_eq(s, ",B,a,ab,b");
	free(s);
	strv_release(&sv);
}

TEST(strv_sort_unique_removes_duplicates)
{
	char *words[] = { "b", "a", "b", "a", "b", NULL };
	struct strv sv = { 0 };
	char *s;

	strv_sort_unique(&sv);
	ck_assert_uint_eq(sv.n, 0);
	strv_add_all(&sv, words);
	strv_sort_unique(&sv);
	s = strv_join(&sv, ",");
	ck_assert_str_eq(s, "a,b");
	ck_assert_ptr_null(sv.v[2]);
	free(s);
	strv_release(&sv);
}

TEST(strv_unique_keeps_the_order)
{
	char *words[] = { "b", "a", "b", "c", "a", NULL };
	struct strv sv = { 0 };
	char *s;

	strv_unique(&sv);
	ck_assert_uint_eq(sv.n, 0);
	strv_add_all(&sv, words);
	strv_unique(&sv);
	s = strv_join(&sv, ",");
	ck_assert_str_eq(s, "b,a,c");
	free(s);
	strv_release(&sv);
}

TEST(str_list_has_matches_whole_elements_only)
{
	ck_assert(str_list_has("a:bc:d", ':', "a"));
	ck_assert(str_list_has("a:bc:d", ':', "bc"));
	ck_assert(str_list_has("a:bc:d", ':', "d"));
	ck_assert(!str_list_has("a:bc:d", ':', "b"));
	ck_assert(!str_list_has("a:bc:d", ':', "c"));
	ck_assert(!str_list_has("a:bc:d", ':', "a:bc"));
	ck_assert(!str_list_has("a:bc:d", ':', ""));
	ck_assert(str_list_has("a::d", ':', ""));
	ck_assert(!str_list_has("", ':', "a"));
	ck_assert(!str_list_has(NULL, ':', ""));
}

TEST(splitting_skips_empty_elements)
{
	struct strv sv = { 0 };
	char *s;

	strv_split(&sv, "", ",");
	strv_split(&sv, ",,", ",");
	ck_assert_uint_eq(sv.n, 0);
	strv_split(&sv, "one", ",");
	strv_split(&sv, ",two,,three;four,", ",;");
	s = strv_join(&sv, " ");
	ck_assert_str_eq(s, "one two three four");
	free(s);
	strv_release(&sv);
}

TEST(joining_puts_the_separator_between_elements)
{
	struct strv sv = { 0 };
	char *s = strv_join(&sv, ", ");

	ck_assert_str_eq(s, "");
	free(s);
	strv_add(&sv, "one");
	s = strv_join(&sv, ", ");
	ck_assert_str_eq(s, "one");
	free(s);
	strv_add(&sv, "two");
	s = strv_join(&sv, ", ");
	ck_assert_str_eq(s, "one, two");
	free(s);
	strv_release(&sv);
}
