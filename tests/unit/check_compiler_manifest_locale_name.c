/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"

#include "compiler/manifest-locale.h"

static const struct serving {
	const char *dir, *name;
	bool serves;
} servings[] = {
	{ "de", "de_DE.UTF-8", true },
	{ "de_DE", "de_DE.UTF-8", true },
	{ "de_DE.utf8", "de_DE.UTF-8", true },
	{ "de.UTF-8", "de_DE.utf8", true },
	{ "de_AT", "de_DE.UTF-8", false },
	{ "de_DE", "de", false },
	{ "de_DE.iso88591", "de_DE.UTF-8", false },
	{ "de_DE.iso88591", "de_DE.ISO-8859-1", true },
	{ "de@euro", "de_DE@euro", true },
	{ "sr@latin", "sr_RS.UTF-8", false },
	{ "sr", "sr_RS.UTF-8@latin", true },
	{ "C.utf8", "C.UTF-8", true },
	{ "en_US", "en_US@x.UTF-8", true },
	{ "d", "de_DE", false },
	{ "deu", "de_DE", false },
	{ ".", "de_DE", false },
	{ "..", "..", false },
	{ "", "", false },
	{ "fr", "de", false },
};

TEST_EACH(a_directory_serves_names_that_say_no_less, servings)
{
	ck_assert_int_eq(compiler_locale_matches_dir(row->dir, row->name),
			 row->serves);
}

TEST(lc_all_wins_then_the_category_then_lang)
{
	char *env[] = { (char *)"LANG=de_DE", (char *)"LC_CTYPE=fr_FR",
			(char *)"LC_ALL=", NULL };

	ck_assert_str_eq(compiler_locale_from_env(env, "LC_CTYPE"), "fr_FR");
	ck_assert_str_eq(compiler_locale_from_env(env, "LC_MESSAGES"), "de_DE");
	env[2] = (char *)"LC_ALL=C";
	ck_assert_str_eq(compiler_locale_from_env(env, "LC_CTYPE"), "C");
	env[0] = NULL;
	ck_assert_str_eq(compiler_locale_from_env(env, "LC_CTYPE"), "C");
}

TEST(c_is_built_in_and_utf8_has_many_spellings)
{
	ck_assert(compiler_locale_is_c("C"));
	ck_assert(compiler_locale_is_c("POSIX"));
	ck_assert(compiler_locale_is_c(""));
	ck_assert(!compiler_locale_is_c("C.UTF-8"));
	ck_assert(compiler_locale_is_utf8("C.UTF-8"));
	ck_assert(compiler_locale_is_utf8("de_DE.utf8@euro"));
	ck_assert(!compiler_locale_is_utf8("de_DE"));
	ck_assert(!compiler_locale_is_utf8("de_DE.ISO-8859-1"));
	ck_assert(!compiler_locale_is_utf8("de_DE.UTF-16"));
}

static const struct alias {
	const char *name, *value;
} aliases[] = {
	{ "german", "de_DE.ISO-8859-1" },
	{ "German", "de_DE.ISO-8859-1" },
	{ "french", "fr_FR" },
	{ "last", "x" },
	{ "germ", NULL },
	{ "none", NULL },
	{ "odd", NULL },
	{ "#", NULL },
};

TEST_EACH(an_alias_is_the_second_word_of_a_line, aliases)
{
	static const char text[] = "# none de_DE\n\ngermany a\n"
				   "german\t\tde_DE.ISO-8859-1\n"
				   "  french fr_FR more\nodd\nodd \nlast x";
	char *got = compiler_locale_resolve_alias(text, row->name);

	if (row->value)
		ck_assert_str_eq(got, row->value);
	else
		ck_assert_ptr_null(got);
	free(got);
}
