/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
#include "base/str.h"
#include "options/table.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static size_t count(void)
{
	size_t n = 0;

	while (options_entry(n))
		n++;
	return n;
}

/* A value that the entry takes, "" where it needs none. */
static const char *some_value(const struct options_entry *e)
{
	if (e->form == OPTIONS_JOINED)
		return str_ends(e->name, "=") ? "1" : "";
	return "";
}

START_TEST(every_entry_finds_itself)
{
	for (size_t i = 0; options_entry(i); i++) {
		const struct options_entry *e = options_entry(i);
		char *word = xasprintf("%s%s", e->name, some_value(e));

		ck_assert_msg(options_find(word) == e, "%s", word);
		ck_assert_msg(options_named(e->name) == e, "%s", e->name);
		free(word);
	}
}
END_TEST

START_TEST(every_entry_makes_sense)
{
	ck_assert_uint_gt(count(), 2500);
	for (size_t i = 0; options_entry(i); i++) {
		const struct options_entry *e = options_entry(i);

		ck_assert_msg(e->name[0] == '-' && e->name[1], "%s", e->name);
		ck_assert_msg(!strpbrk(e->name, " /@\n"), "%s", e->name);
		ck_assert_msg((e->use == OPTIONS_LOCAL) ==
				      (e->why != REASON_NONE),
			      "%s", e->name);
		ck_assert_msg(!e->charset || e->use == OPTIONS_CODE ||
				      e->use == OPTIONS_CPP ||
				      e->use == OPTIONS_DEPS ||
				      e->use == OPTIONS_DEBUG,
			      "%s", e->name);
		if (e->use == OPTIONS_CODE)
			ck_assert_msg((e->form == OPTIONS_ALONE) ==
					      (e->charset == NULL),
				      "%s", e->name);
	}
}
END_TEST

START_TEST(a_charset_with_a_slash_is_only_for_text_in_the_object)
{
	static const char *const text[] = {
		"-fmacro-prefix-map=",
		"-ffile-prefix-map=",
		"-fdebug-prefix-map=",
		"-frandom-seed=",
		"-fsanitize-sections=",
		"-finstrument-functions-exclude-file-list=",
		"-finstrument-functions-exclude-function-list=",
		NULL,
	};

	for (size_t i = 0; options_entry(i); i++) {
		const struct options_entry *e = options_entry(i);
		bool listed = false;

		for (const char *const *t = text; *t; t++)
			listed |= str_equal(*t, e->name);
		if (e->charset && e->use == OPTIONS_CODE)
			ck_assert_msg(options_value_ok(e, "a/b") == listed,
				      "%s", e->name);
	}
}
END_TEST

/* clang's, in Linux; it starts as the linker's -e does. */
#define ZERO                                                             \
	"-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-" \
	"from-clang"

static const struct look {
	const char *word;
	const char *name; /* NULL: unknown */
	int use;
} looks[] = {
	{ "-c", "-c", OPTIONS_MODE },
	{ "-cc", NULL, 0 },
	{ "-O", "-O", OPTIONS_CODE },
	{ "-O2", "-O", OPTIONS_CODE },
	{ "-std=gnu11", "-std=", OPTIONS_CODE },
	{ "-std=", NULL, 0 },
	{ "-std", NULL, 0 },
	{ "-Idir", "-I", OPTIONS_CPP },
	{ "-I", "-I", OPTIONS_CPP },
	{ "-isystemx", "-isystem", OPTIONS_CPP },
	{ "-include", "-include", OPTIONS_CPP },
	{ "-include-pch", "-include-pch", OPTIONS_LOCAL },
	{ "-imacrosx", "-imacros", OPTIONS_CPP },
	{ "-MMD", "-MMD", OPTIONS_DEPS },
	{ "-MM", "-MM", OPTIONS_MODE },
	{ "-MFx.d", "-MF", OPTIONS_DEPS },
	{ "-march=armv8-a", "-march=", OPTIONS_CODE },
	{ "-march=native", "-march=native", OPTIONS_LOCAL },
	{ "-march=native+x", "-march=native", OPTIONS_LOCAL },
	{ "-mno-sse", "-mno-sse", OPTIONS_CODE },
	{ "-msse4.1", "-msse4.1", OPTIONS_CODE },
	{ "-msse4.3", NULL, 0 },
	{ "-fno-strict-aliasing", "-fno-strict-aliasing", OPTIONS_CODE },
	{ "-fstrict-aliasing", "-fstrict-aliasing", OPTIONS_CODE },
	{ "-fno-builtin", "-fno-builtin", OPTIONS_CODE },
	{ "-fno-builtin-printf", "-fno-builtin-", OPTIONS_CODE },
	{ "-ffixed-x18", "-ffixed-", OPTIONS_CODE },
	{ "-fcall-used-x0", "-fcall-used-", OPTIONS_CODE },
	{ "-fpic", "-fpic", OPTIONS_CODE },
	{ "-fPIE", "-fPIE", OPTIONS_CODE },
	{ "-fplugin-arg-a-b=c", "-fplugin", OPTIONS_LOCAL },
	{ "-fdump-tree-all=x", "-fdump-", OPTIONS_LOCAL },
	{ "-fprofile-arcs", "-fprofile", OPTIONS_LOCAL },
	{ "-fno-lto", "-fno-lto", OPTIONS_CODE },
	{ "-flto", "-flto", OPTIONS_LOCAL },
	{ "-flto=auto", "-flto", OPTIONS_LOCAL },
	{ "-Wall", "-W", OPTIONS_CODE },
	{ "-Wframe-larger-than=2048", "-W", OPTIONS_CODE },
	{ "-Wp,-MMD,x", "-Wp,", OPTIONS_LIST },
	{ "-Wa,-al", "-Wa,", OPTIONS_LIST },
	{ "-Wl,-z", "-Wl,", OPTIONS_LINK },
	{ "-g", "-g", OPTIONS_DEBUG },
	{ "-gdwarf-4", "-g", OPTIONS_DEBUG },
	{ "-gsplit-dwarf", "-gsplit-dwarf", OPTIONS_LOCAL },
	{ "-grecord-gcc-switches", "-grecord-gcc-switches", OPTIONS_LOCAL },
	{ "--version", "--version", OPTIONS_QUERY },
	{ "--param=a=1", "--param=", OPTIONS_CODE },
	{ "--param", "--param", OPTIONS_CODE },
	{ "--paramx", NULL, 0 },
	{ "-print-file-name=x", "-print-", OPTIONS_QUERY },
	{ "-dumpmachine", "-dumpmachine", OPTIONS_QUERY },
	{ "-dumpdir", "-dumpdir", OPTIONS_LOCAL },
	{ "-dM", "-d", OPTIONS_LOCAL },
	{ "-DFOO=1", "-D", OPTIONS_CPP },
	{ "-Bx", "-B", OPTIONS_LOCAL },
	{ "-zzz", "-z", OPTIONS_LOCAL },
	{ "-j8", NULL, 0 },
	{ "-", NULL, 0 },
	{ "", NULL, 0 },
	{ "x", NULL, 0 },
	{ "-\xff", NULL, 0 },
	{ "-mllvm", "-mllvm", OPTIONS_LOCAL },
	{ "-entry", "-e", OPTIONS_LOCAL },
	{ ZERO, ZERO, OPTIONS_CODE },
	{ "--target=x", "--target=", OPTIONS_CODE },
};

START_TEST(the_longest_name_counts)
{
	const struct look *l = &looks[_i];
	const struct options_entry *e = options_find(l->word);

	if (!l->name) {
		ck_assert_msg(!e, "%s: %s", l->word, e ? e->name : "");
		return;
	}
	ck_assert_msg(e != NULL, "%s", l->word);
	ck_assert_str_eq(e->name, l->name);
	ck_assert_int_eq(e->use, l->use);
}
END_TEST

/* What a plain walk over all entries finds. */
static const struct options_entry *slow_find(const char *word)
{
	const struct options_entry *best = NULL;

	for (size_t i = 0; options_entry(i); i++) {
		const struct options_entry *e = options_entry(i);
		size_t n = strlen(e->name);

		if (strncmp(word, e->name, n))
			continue;
		if (word[n] &&
		    (e->form == OPTIONS_ALONE || e->form == OPTIONS_SEPARATE))
			continue;
		if (!word[n] && e->form == OPTIONS_JOINED &&
		    e->name[n - 1] == '=')
			continue;
		if (!best || n > strlen(best->name))
			best = e;
	}
	return best;
}

static void same_as_slow(const char *word)
{
	ck_assert_msg(options_find(word) == slow_find(word), "%s", word);
}

START_TEST(the_search_finds_what_a_walk_finds)
{
	for (size_t i = 0; options_entry(i); i += 3) {
		const struct options_entry *e = options_entry(i);
		char *word = xasprintf("%sx", e->name);

		same_as_slow(word);
		word[strlen(word) - 1] = '\0';
		word[strlen(word) - 1] = '\0';
		same_as_slow(word);
		free(word);
	}
}
END_TEST

static void word_is(char *const *argv, size_t n, const char *value, bool apart)
{
	struct options_word w;

	ck_assert_uint_eq(options_word(&w, argv), n);
	ck_assert(w.text == argv[0]);
	ck_assert_int_eq(w.apart, apart);
	if (value)
		ck_assert_str_eq(w.value, value);
	else
		ck_assert_ptr_null(w.value);
}

START_TEST(a_word_takes_its_value_along)
{
	char *apart[] = { "-I", "dir", NULL }, *joined[] = { "-Idir", NULL };
	char *missing[] = { "-I", NULL }, *alone[] = { "-c", "x", NULL };
	char *input[] = { "x.c", NULL }, *dash[] = { "-", "x", NULL };
	char *unknown[] = { "-fnonsense", "x", NULL }, *none[] = { NULL };

	word_is(apart, 2, "dir", true);
	word_is(joined, 1, "dir", false);
	word_is(missing, 1, NULL, true);
	word_is(alone, 1, NULL, false);
	word_is(input, 1, NULL, false);
	word_is(dash, 1, NULL, false);
	word_is(unknown, 1, NULL, false);
	word_is(none, 0, NULL, false);
}
END_TEST

START_TEST(a_charset_has_ranges_and_a_last_dash)
{
	ck_assert(options_charset_ok("a-c_-", "abc_-", 5));
	ck_assert(!options_charset_ok("a-c_-", "abd", 3));
	ck_assert(options_charset_ok("a-c", "", 0));
	ck_assert(options_charset_ok(" -~\x80-\xff", "a b/\xc3\xa4", 6));
	ck_assert(!options_charset_ok(" -~\x80-\xff", "a\n", 2));
	ck_assert(!options_charset_ok(" -~\x80-\xff", "a\x7f", 2));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("options/table");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_entry_finds_itself);
	tcase_add_test(tc, every_entry_makes_sense);
	tcase_add_test(tc,
		       a_charset_with_a_slash_is_only_for_text_in_the_object);
	tcase_add_loop_test(tc, the_longest_name_counts, 0,
			    sizeof(looks) / sizeof(*looks));
	tcase_add_test(tc, the_search_finds_what_a_walk_finds);
	tcase_add_test(tc, a_word_takes_its_value_along);
	tcase_add_test(tc, a_charset_has_ranges_and_a_last_dash);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
