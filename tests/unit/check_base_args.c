/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "base/args.h"

#include "base/str.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(*(table))))

enum {
	KEY_FORCE = 1,
	KEY_VERBOSE,
	KEY_ARCH,
	KEY_JOBS,
	KEY_JSON
};

static const struct args_option options[] = {
	{ KEY_FORCE, 'F', "fail-fast", NULL, "stop at the first error" },
	{ KEY_VERBOSE, 'v', "verbose", NULL, "say more" },
	{ KEY_ARCH, 'a', "arch", "ARCH", "the kernel's name" },
	{ KEY_JOBS, 'j', NULL, "N", "how many at once" },
	{ KEY_JSON, 0, "json", "FILE", "write events" },
	{ 0 },
};

/* The next one of `a` must be this. */
static void expect(struct args *a, int key, const char *value)
{
	struct err err = { 0 };

	ck_assert_int_eq(args_next(a, &err), key);
	ck_assert_pstr_eq(a->value, value);
}

START_TEST(letters_words_and_values_come_in_order)
{
	char *argv[] = { "-v",  "--arch", "arm64", "--arch=x86", "-j", "4",
			 "-j8", "--json", "out",   "-aarm",      NULL };
	struct args a;

	args_init(&a, options, argv);
	expect(&a, KEY_VERBOSE, NULL);
	expect(&a, KEY_ARCH, "arm64");
	expect(&a, KEY_ARCH, "x86");
	expect(&a, KEY_JOBS, "4");
	expect(&a, KEY_JOBS, "8");
	expect(&a, KEY_JSON, "out");
	expect(&a, KEY_ARCH, "arm");
	expect(&a, ARGS_END, NULL);
	expect(&a, ARGS_END, NULL);
}
END_TEST

START_TEST(a_bundle_gives_its_letters_one_by_one)
{
	char *argv[] = { "-vFv", "-Fj3", "-vj", "5", NULL };
	struct args a;

	args_init(&a, options, argv);
	expect(&a, KEY_VERBOSE, NULL);
	expect(&a, KEY_FORCE, NULL);
	expect(&a, KEY_VERBOSE, NULL);
	expect(&a, KEY_FORCE, NULL);
	expect(&a, KEY_JOBS, "3");
	expect(&a, KEY_VERBOSE, NULL);
	expect(&a, KEY_JOBS, "5");
	expect(&a, ARGS_END, NULL);
}
END_TEST

START_TEST(a_value_may_be_empty_or_look_like_an_option)
{
	char *argv[] = {
		"--arch=", "-a", "-v", "--json", "--", "-a", "", NULL
	};
	struct args a;

	args_init(&a, options, argv);
	expect(&a, KEY_ARCH, "");
	expect(&a, KEY_ARCH, "-v");
	expect(&a, KEY_JSON, "--");
	expect(&a, KEY_ARCH, "");
	expect(&a, ARGS_END, NULL);
}
END_TEST

START_TEST(targets_and_variables_mix_with_options_as_in_make)
{
	char *argv[] = { "Image", "V=1", "-v",   "KCFLAGS=-DA=1", "dir/file.o",
			 "-",     "=x",  "1A=b", "a-b=c",         NULL };
	struct args a;

	args_init(&a, options, argv);
	a.variables = true;
	expect(&a, ARGS_WORD, "Image");
	expect(&a, ARGS_VARIABLE, "V=1");
	expect(&a, KEY_VERBOSE, NULL);
	expect(&a, ARGS_VARIABLE, "KCFLAGS=-DA=1");
	expect(&a, ARGS_WORD, "dir/file.o");
	expect(&a, ARGS_WORD, "-");
	expect(&a, ARGS_WORD, "=x");
	expect(&a, ARGS_WORD, "1A=b");
	expect(&a, ARGS_WORD, "a-b=c");
	expect(&a, ARGS_END, NULL);
}
END_TEST

START_TEST(a_variable_is_a_word_where_nobody_asked_for_variables)
{
	char *argv[] = { "V=1", NULL };
	struct args a;

	args_init(&a, options, argv);
	expect(&a, ARGS_WORD, "V=1");
}
END_TEST

START_TEST(after_two_dashes_everything_is_a_word)
{
	char *argv[] = { "-v", "--", "-v", "--arch", "--", NULL };
	struct args a;

	args_init(&a, options, argv);
	expect(&a, KEY_VERBOSE, NULL);
	expect(&a, ARGS_WORD, "-v");
	expect(&a, ARGS_WORD, "--arch");
	expect(&a, ARGS_WORD, "--");
	expect(&a, ARGS_END, NULL);
}
END_TEST

START_TEST(the_rest_is_what_was_not_taken)
{
	char *argv[] = { "-v", "make", "-j4", NULL };
	struct args a;

	args_init(&a, options, argv);
	expect(&a, KEY_VERBOSE, NULL);
	expect(&a, ARGS_WORD, "make");
	ck_assert_ptr_eq(args_rest(&a), argv + 2);
}
END_TEST

/* A command line that is wrong, and what the user reads. */
static const struct {
	char *argv[3];
	const char *said;
} wrong[] = {
	{ { "-x" }, "unknown option -x" },
	{ { "-vx" }, "unknown option -x" },
	{ { "--nosuch" }, "unknown option --nosuch" },
	{ { "--nosuch=1" }, "unknown option --nosuch" },
	{ { "--arc", "x" }, "unknown option --arc" },
	{ { "--=x" }, "unknown option --" },
	{ { "--verbose=1" }, "--verbose takes no value" },
	{ { "--arch" }, "--arch needs a value: ARCH" },
	{ { "-vj" }, "-j needs a value: N" },
};

START_TEST(a_wrong_option_is_named) /* each of wrong */
{
	struct args a;
	struct err err = { 0 };
	int ret;

	args_init(&a, options, wrong[_i].argv);
	while ((ret = args_next(&a, &err)) > 0)
		continue;
	ck_assert_int_eq(ret, -EINVAL);
	ck_assert_str_eq(err.text, wrong[_i].said);
}
END_TEST

START_TEST(help_has_one_line_for_each_option)
{
	char *help = args_help(options);

	ck_assert_str_eq(
		help,
		"  -F, --fail-fast               stop at the first error\n"
		"  -v, --verbose                 say more\n"
		"  -a, --arch ARCH               the kernel's name\n"
		"  -j N                          how many at once\n"
		"      --json FILE               write events\n");
	free(help);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/args");
	TCase *tc = tcase_create("args");

	tcase_add_test(tc, letters_words_and_values_come_in_order);
	tcase_add_test(tc, a_bundle_gives_its_letters_one_by_one);
	tcase_add_test(tc, a_value_may_be_empty_or_look_like_an_option);
	tcase_add_test(tc, targets_and_variables_mix_with_options_as_in_make);
	tcase_add_test(tc,
		       a_variable_is_a_word_where_nobody_asked_for_variables);
	tcase_add_test(tc, after_two_dashes_everything_is_a_word);
	tcase_add_test(tc, the_rest_is_what_was_not_taken);
	tcase_add_loop_test(tc, a_wrong_option_is_named, 0, COUNT(wrong));
	tcase_add_test(tc, help_has_one_line_for_each_option);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
