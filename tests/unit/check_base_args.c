/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/args.h"

#include <stddef.h>

struct values {
	bool force;
	unsigned say, jobs;
	const char *arch;
	struct strv json, dirs;
};

#define AT(member) offsetof(struct values, member)

/* In the order of KEY_... */
static const struct args_option options[] = {
	{ 'F', "fail-fast", NULL, "stop at the first error", args_flag,
	  AT(force), 0 },
	{ 'v', "verbose", NULL, "say more", args_choice, AT(say), 7 },
	{ 'a', "arch", "ARCH", "the kernel's name", args_text, AT(arch), 0 },
	{ 'j', NULL, "N", "how many at once", args_number, AT(jobs), 100 },
	{ 0, "json", "FILE", "write events", args_list, AT(json), 0 },
	{ 0, "dirs", "LIST", "look there", args_comma_list, AT(dirs), 0 },
	{ 0, "percent", "PCT", "of all", args_number, AT(jobs), 100 },
	{ 0, "play", "[=FILE]", "play it", args_text, AT(arch), 0 },
	{ 0 },
};

#define KEY_FORCE   (&options[0])
#define KEY_VERBOSE (&options[1])
#define KEY_ARCH    (&options[2])
#define KEY_JOBS    (&options[3])
#define KEY_JSON    (&options[4])
#define KEY_PLAY    (&options[7])

/* The next item must be this option. */
static void expect(struct args *a, const struct args_option *option,
		   const char *value)
{
	struct err err = { 0 };

	ck_assert_int_eq(args_next(a, &err), ARGS_OPTION);
	ck_assert_ptr_eq(a->last_option, option);
	ck_assert_pstr_eq(a->value, value);
}

/* The next item must be this argument, or the end. */
static void expect_word(struct args *a, int got, const char *value)
{
	struct err err = { 0 };

	ck_assert_int_eq(args_next(a, &err), got);
	ck_assert_pstr_eq(a->value, value);
}

TEST(options_and_values_are_returned_in_order)
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
	expect_word(&a, ARGS_END, NULL);
	expect_word(&a, ARGS_END, NULL);
}

TEST(bundled_short_options_are_returned_one_by_one)
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
	expect_word(&a, ARGS_END, NULL);
}

TEST(a_value_may_be_empty_or_look_like_an_option)
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
	expect_word(&a, ARGS_END, NULL);
}

TEST(an_optional_value_follows_an_equals_sign)
{
	char *argv[] = { (char *)"--play", (char *)"word", (char *)"--play=x",
			 (char *)"--play=", NULL };
	struct args a;

	args_init(&a, options, argv);
	expect(&a, KEY_PLAY, NULL);
	expect_word(&a, ARGS_WORD, "word");
	expect(&a, KEY_PLAY, "x");
	expect(&a, KEY_PLAY, "");
	expect_word(&a, ARGS_END, NULL);
}

TEST(targets_and_variables_mix_with_options_as_in_make)
{
	char *argv[] = { "Image", "V=1", "-v",   "KCFLAGS=-DA=1", "dir/file.o",
			 "-",     "=x",  "1A=b", "a-b=c",         NULL };
	struct args a;

	args_init(&a, options, argv);
	a.variables_allowed = true;
	expect_word(&a, ARGS_WORD, "Image");
	expect_word(&a, ARGS_VARIABLE, "V=1");
	expect(&a, KEY_VERBOSE, NULL);
	expect_word(&a, ARGS_VARIABLE, "KCFLAGS=-DA=1");
	expect_word(&a, ARGS_WORD, "dir/file.o");
	expect_word(&a, ARGS_WORD, "-");
	expect_word(&a, ARGS_WORD, "=x");
	expect_word(&a, ARGS_VARIABLE, "1A=b");
	expect_word(&a, ARGS_VARIABLE, "a-b=c");
	expect_word(&a, ARGS_END, NULL);
}

static const struct {
	char *word;
	bool is_variable;
} assignments[] = {
	{ "CFLAGS_sort.o=-DX", true },
	{ "CFLAGS_REMOVE_lib/sort.o=-O2", true },
	{ "OBJECT_FILES_NON_STANDARD_sort.o=y", true },
	{ "ccflags-y=-DX", true },
	{ "KCFLAGS=", true },
	{ "KCFLAGS+=-DX", true },
	{ "KCFLAGS?=-DX", true },
	{ "KCFLAGS!=echo -DX", true },
	{ "KCFLAGS:=-DX", true },
	{ "KCFLAGS::=-DX", true },
	{ "KCFLAGS =-DX", true },
	{ "KCFLAGS += -DX", true },
	{ "CFLAGS_c++.o+=-DX", true },
	{ "lib/sort.o", false },
	{ "a:b=c", false },
	{ "a b=c", false },
	{ "a+", false },
	{ "#a=b", false },
	{ ":=b", false },
	{ "", false },
};

TEST_EACH(an_assignment_with_any_operator_of_make_is_a_variable, assignments)
{
	char *argv[] = { "--", row->word, "-a=b", NULL };
	struct args a;

	args_init(&a, options, argv);
	a.variables_allowed = true;
	expect_word(&a, row->is_variable ? ARGS_VARIABLE : ARGS_WORD,
		    row->word);
	expect_word(&a, ARGS_WORD, "-a=b");
	expect_word(&a, ARGS_END, NULL);
}

TEST(an_assignment_is_a_word_unless_variables_are_allowed)
{
	char *argv[] = { "V=1", NULL };
	struct args a;

	args_init(&a, options, argv);
	expect_word(&a, ARGS_WORD, "V=1");
}

TEST(after_two_dashes_everything_is_a_word)
{
	char *argv[] = { "-v", "--", "-v", "--arch", "--", NULL };
	struct args a;

	args_init(&a, options, argv);
	expect(&a, KEY_VERBOSE, NULL);
	expect_word(&a, ARGS_WORD, "-v");
	expect_word(&a, ARGS_WORD, "--arch");
	expect_word(&a, ARGS_WORD, "--");
	expect_word(&a, ARGS_END, NULL);
}

TEST(args_rest_returns_the_unread_arguments)
{
	char *argv[] = { "-v", "make", "-j4", NULL };
	struct args a;

	args_init(&a, options, argv);
	expect(&a, KEY_VERBOSE, NULL);
	expect_word(&a, ARGS_WORD, "make");
	ck_assert_ptr_eq(args_rest(&a), argv + 2);
}

/* Invalid command lines with their messages. */
static const struct {
	char *argv[3];
	const char *said;
} wrong[] = {
	{ { "-x" }, "unknown option -x" },
	{ { "-vx" }, "unknown option -x" },
	{ { "--nosuch" }, "unknown option --nosuch" },
	{ { "--nosuch=1" }, "unknown option --nosuch" },
	{ { "--arc", "x" }, "unknown option --arc; did you mean \"--arch\"?" },
	{ { "--hepl" }, "unknown option --hepl; did you mean \"--help\"?" },
	{ { "--help" }, "unknown option --help" },
	{ { "--=x" }, "unknown option --" },
	{ { "--verbose=1" }, "--verbose takes no value" },
	{ { "--arch" }, "--arch needs a value: ARCH" },
	{ { "-vj" }, "-j needs a value: N" },
};

TEST_EACH(an_error_names_the_invalid_option, wrong)
{
	struct args a;
	struct err err = { 0 };
	int ret;

	args_init(&a, options, row->argv);
	while ((ret = args_next(&a, &err)) > 0)
		continue;
	ck_assert_int_eq(ret, -EINVAL);
	ck_assert_str_eq(err.text, row->said);
}

TEST(an_error_about_a_value_names_the_variable_that_contains_it)
{
	char *argv[] = { "-j", "3", "-vj", "x", NULL };
	struct values got = { 0 };
	struct args a;
	struct err err = { 0 };

	args_set_variable("KFARM", argv, 2);
	args_init(&a, options, argv);
	ck_assert_int_eq(args_read(&a, &got, &err), -EINVAL);
	ck_assert_str_eq(err.text, "-j x: not a number from 1 to 100");
	args_set_variable("KFARM", argv, 4);
	args_init(&a, options, argv);
	ck_assert_int_eq(args_read(&a, &got, &err), -EINVAL);
	ck_assert_str_eq(err.text, "KFARM: -j x: not a number from 1 to 100");
}

TEST(args_read_stores_options_as_the_table_specifies)
{
	char *argv[] = { "-Fv",    "-j12", "--arch", "arm", "--json",
			 "a,b",    "word", "--json", "c",   "--dirs=x,y",
			 "--dirs", "z",    NULL };
	struct values got = { 0 };
	struct err err = { 0 };
	struct args a;

	args_init(&a, options, argv);
	ck_assert_int_eq(args_read(&a, &got, &err), ARGS_WORD);
	ck_assert_str_eq(a.value, "word");
	ck_assert_int_eq(args_read(&a, &got, &err), ARGS_END);
	ck_assert(got.force);
	ck_assert_uint_eq(got.say, 7);
	ck_assert_uint_eq(got.jobs, 12);
	ck_assert_str_eq(got.arch, "arm");
	ck_assert_uint_eq(got.json.n, 2);
	ck_assert_str_eq(got.json.v[0], "a,b");
	ck_assert_uint_eq(got.dirs.n, 3);
	ck_assert_str_eq(got.dirs.v[2], "z");
	strv_release(&got.json);
	strv_release(&got.dirs);
}

static const struct {
	char *argv[3];
	const char *said; /* NULL: valid */
} numbers[] = {
	{ { "-j1" }, NULL },
	{ { "-j100" }, NULL },
	{ { "-j0" }, "-j 0: not a number from 1 to 100" },
	{ { "-j", "101" }, "-j 101: not a number from 1 to 100" },
	{ { "-j1x" }, "-j 1x: not a number from 1 to 100" },
	{ { "--percent", "" }, "--percent \"\": not a number from 1 to 100" },
};

TEST_EACH(a_number_outside_its_bounds_is_rejected, numbers)
{
	struct values got = { .jobs = 3 };
	struct err err = { 0 };
	struct args a;

	args_init(&a, options, row->argv);
	ck_assert_int_eq(args_read(&a, &got, &err),
			 row->said ? -EINVAL : ARGS_END);
	ck_assert_str_eq(err.text, row->said ? row->said : "");
	if (row->said)
		ck_assert_uint_eq(got.jobs, 3);
}

/* Values that are shell variables without a value, as in --dirs=$UNSET. */
static const struct {
	char *argv[3];
	const char *said;
} empty[] = {
	{ { "-a", "" }, "-a \"\": empty value" },
	{ { "--arch=" }, "-a \"\": empty value" },
	{ { "--play=" }, "--play \"\": empty value" },
	{ { "--dirs=" }, "--dirs \"\": empty list" },
	{ { "--dirs", "," }, "--dirs ,: empty list" },
};

TEST_EACH(an_empty_text_or_list_is_rejected, empty)
{
	struct values got = { .arch = "arm" };
	struct err err = { 0 };
	struct args a;

	args_init(&a, options, row->argv);
	ck_assert_int_eq(args_read(&a, &got, &err), -EINVAL);
	ck_assert_str_eq(err.text, row->said);
	ck_assert_str_eq(got.arch, "arm");
	ck_assert_uint_eq(got.dirs.n, 0);
}

TEST(help_has_an_entry_for_each_option)
{
	char *help = args_help(options);

	ck_assert_str_eq(
		help,
		"  -F, --fail-fast               stop at the first error\n"
		"  -v, --verbose                 say more\n"
		"  -a, --arch ARCH               the kernel's name\n"
		"  -j N                          how many at once\n"
		"      --json FILE               write events\n"
		"      --dirs LIST               look there\n"
		"      --percent PCT             of all\n"
		"      --play[=FILE]             play it\n");
	free(help);
}

/* An option without a name, its verbs, and the help text. */
static const struct {
	const char *help, *verbs, *entry;
} entries[] = {
	{ "0123456789 0123456789 0123456789 0123456789 0123", NULL,
	  "                                "
	  "0123456789 0123456789 0123456789 0123456789 0123\n" },
	{ "0123456789 0123456789 0123456789 0123456789 01234 x", NULL,
	  "                                "
	  "0123456789 0123456789 0123456789 0123456789\n"
	  "                                01234 x\n" },
	{ "0123456789 0123456789 0123456789 0123456789", "add, list",
	  "                                "
	  "0123456789 0123456789 0123456789 0123456789\n"
	  "                                (add, list)\n" },
};

TEST_EACH(help_is_wrapped_at_80_columns, entries)
{
	struct args_option option = { .help = row->help };
	char *entry = args_help_option(&option, row->verbs);

	ck_assert_str_eq(entry, row->entry);
	free(entry);
}
