/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
#include "../lib/test.h"

#include "options/table.h"

static size_t count(void)
{
	size_t n = 0;

	while (options_entry(n))
		n++;
	return n;
}

/* Return a valid value for the entry, or "" if it needs none. */
static const char *some_value(const struct options_entry *e)
{
	if (e->form == OPTIONS_FORM_JOINED)
		return str_ends(e->name, "=") ? "1" : "";
	return "";
}

TIMEOUT(60);

TEST(a_lookup_of_each_name_finds_its_entry)
{
	for (size_t i = 0; options_entry(i); i++) {
		const struct options_entry *e = options_entry(i);
		char *word = xasprintf("%s%s", e->name, some_value(e));

		ck_assert_msg(options_table_find_word(word) == e, "%s", word);
		ck_assert_msg(options_table_find_name(e->name) == e, "%s",
			      e->name);
		free(word);
	}
}

/* Make a word of entry `i`: whole, extended, or truncated. */
static char *make_word(size_t i, int form)
{
	const char *name = options_entry(i)->name;

	if (form == 2)
		return xstrndup(name, strlen(name) - 1);
	return xasprintf("%s%s", name, form ? "1x" : "");
}

/* After some hundred lookups, the table builds an index. */
TEST_RANGE(lookups_before_and_after_the_index_is_built_are_equal, 0, 24)
{
	const struct options_entry *found[60], *named[60];
	size_t all = count(), step = all / 60;

	for (size_t part = 0; part < 2; part++) {
		for (size_t i = 0; i < 60; i++) {
			char *word = make_word(i * step + (size_t)_i / 3,
					       _i % 3);

			if (part) {
				ck_assert_ptr_eq(options_table_find_word(word),
						 found[i]);
				ck_assert_ptr_eq(options_table_find_name(word),
						 named[i]);
			}
			found[i] = options_table_find_word(word);
			named[i] = options_table_find_name(word);
			free(word);
		}
		for (size_t i = 0; i < 300; i++)
			options_table_find_name("-c");
	}
	ck_assert_ptr_null(options_table_find_word(""));
	ck_assert_ptr_null(options_table_find_name(""));
}

TEST(every_entry_is_consistent)
{
	ck_assert_uint_gt(count(), 2500);
	for (size_t i = 0; options_entry(i); i++) {
		const struct options_entry *e = options_entry(i);

		ck_assert_msg(e->name[0] == '-' && e->name[1], "%s", e->name);
		ck_assert_msg(!strpbrk(e->name, " /@\n"), "%s", e->name);
		ck_assert_msg((e->use == OPTIONS_USE_LOCAL) ==
				      (e->reason != REASON_NONE),
			      "%s", e->name);
		ck_assert_msg(!e->charset || e->use == OPTIONS_USE_CODE ||
				      e->use == OPTIONS_USE_CPP ||
				      e->use == OPTIONS_USE_DEP_TARGET ||
				      e->use == OPTIONS_USE_DEP_PHONY ||
				      e->use == OPTIONS_USE_DEBUG,
			      "%s", e->name);
		if (e->use == OPTIONS_USE_CODE)
			ck_assert_msg((e->form == OPTIONS_FORM_ALONE) ==
					      (e->charset == NULL),
				      "%s", e->name);
	}
}

TEST(only_the_listed_code_options_allow_a_slash)
{
	static const char *const allowing[] = {
		"-fmacro-prefix-map=",
		"-ffile-prefix-map=",
		"-fdebug-prefix-map=",
		"--debug-prefix-map=",
		"-frandom-seed=",
		"-fsanitize-sections=",
		"-finstrument-functions-exclude-file-list=",
		"-finstrument-functions-exclude-function-list=",
		"-fprofile-exclude-files=",
		"-fprofile-filter-files=",
		"-foptimization-record-passes=",
		/* These outputs are redirected to the job's directory. */
		"-MJ",
		"-fopt-info",
		"-foptimization-record-file=",
		NULL,
	};

	for (size_t i = 0; options_entry(i); i++) {
		const struct options_entry *e = options_entry(i);
		bool listed = false;

		for (const char *const *t = allowing; *t; t++)
			listed |= str_equal(*t, e->name);
		if (e->charset && e->use == OPTIONS_USE_CODE)
			ck_assert_msg(options_table_is_value_allowed(
					      e, "a/b") == listed,
				      "%s", e->name);
	}
}

/* An option of clang in Linux that starts like the linker's -e. */
#define ZERO                                                             \
	"-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-" \
	"from-clang"

static const struct lookup {
	const char *word;
	const char *name; /* NULL: unknown */
	int use;
} lookups[] = {
	{ "-c", "-c", OPTIONS_USE_MODE },
	{ "-cc", NULL, 0 },
	{ "-O", "-O", OPTIONS_USE_CODE },
	{ "-O2", "-O", OPTIONS_USE_CODE },
	{ "-std=gnu11", "-std=", OPTIONS_USE_CODE },
	{ "-std=", NULL, 0 },
	{ "-std", NULL, 0 },
	{ "-Idir", "-I", OPTIONS_USE_CPP },
	{ "-I", "-I", OPTIONS_USE_CPP },
	{ "-isystemx", "-isystem", OPTIONS_USE_CPP },
	{ "-include", "-include", OPTIONS_USE_CPP },
	{ "-include-pch", "-include-pch", OPTIONS_USE_LOCAL },
	{ "-imacrosx", "-imacros", OPTIONS_USE_CPP },
	{ "-MMD", "-MMD", OPTIONS_USE_MAKE_DEPS },
	{ "-MM", "-MM", OPTIONS_USE_MODE },
	{ "-MFx.d", "-MF", OPTIONS_USE_DEP_FILE },
	{ "-march=armv8-a", "-march=", OPTIONS_USE_CODE },
	{ "-march=native", "-march=native", OPTIONS_USE_LOCAL },
	{ "-march=native+x", "-march=native", OPTIONS_USE_LOCAL },
	{ "-mno-sse", "-mno-sse", OPTIONS_USE_CODE },
	{ "-msse4.1", "-msse4.1", OPTIONS_USE_CODE },
	{ "-msse4.3", NULL, 0 },
	{ "-fno-strict-aliasing", "-fno-strict-aliasing", OPTIONS_USE_CODE },
	{ "-fstrict-aliasing", "-fstrict-aliasing", OPTIONS_USE_CODE },
	{ "-fno-builtin", "-fno-builtin", OPTIONS_USE_CODE },
	{ "-fno-builtin-printf", "-fno-builtin-", OPTIONS_USE_CODE },
	{ "-ffixed-x18", "-ffixed-", OPTIONS_USE_CODE },
	{ "-fcall-used-x0", "-fcall-used-", OPTIONS_USE_CODE },
	{ "-fpic", "-fpic", OPTIONS_USE_CODE },
	{ "-fPIE", "-fPIE", OPTIONS_USE_CODE },
	{ "-fplugin-arg-a-b=c", "-fplugin", OPTIONS_USE_LOCAL },
	{ "-fdump-tree-all=x", "-fdump-", OPTIONS_USE_LOCAL },
	{ "-fprofile-arcs", "-fprofile-arcs", OPTIONS_USE_CODE },
	{ "-fprofile-use=x", "-fprofile", OPTIONS_USE_LOCAL },
	{ "-fno-lto", "-fno-lto", OPTIONS_USE_CODE },
	{ "-flto", "-flto", OPTIONS_USE_CODE },
	{ "-flto=auto", "-flto=", OPTIONS_USE_CODE },
	{ "-flto-report-wpa", "-flto-", OPTIONS_USE_LOCAL },
	{ "-fltrans", "-fltrans", OPTIONS_USE_LOCAL },
	{ "--debug-prefix-map=a=b", "--debug-prefix-map=", OPTIONS_USE_CODE },
	{ "-Wall", "-W", OPTIONS_USE_CODE },
	{ "-Wframe-larger-than=2048", "-W", OPTIONS_USE_CODE },
	{ "-Wp,-MMD,x", "-Wp,", OPTIONS_USE_WP },
	{ "-Wa,-al", "-Wa,", OPTIONS_USE_WA },
	{ "-Wl,-z", "-Wl,", OPTIONS_USE_LINK },
	{ "-g", "-g", OPTIONS_USE_DEBUG },
	{ "-gdwarf-4", "-g", OPTIONS_USE_DEBUG },
	{ "-gsplit-dwarf", "-gsplit-dwarf", OPTIONS_USE_CODE },
	{ "-gsplit-dwarf=single", "-g", OPTIONS_USE_DEBUG },
	{ "-grecord-gcc-switches", "-grecord-gcc-switches", OPTIONS_USE_LOCAL },
	{ "--version", "--version", OPTIONS_USE_QUERY },
	{ "--param=a=1", "--param=", OPTIONS_USE_CODE },
	{ "--param", "--param", OPTIONS_USE_CODE },
	{ "--paramx", NULL, 0 },
	{ "-print-file-name=x", "-print-", OPTIONS_USE_QUERY },
	{ "-dumpmachine", "-dumpmachine", OPTIONS_USE_QUERY },
	{ "-dumpdir", "-dumpdir", OPTIONS_USE_LOCAL },
	{ "-dM", "-d", OPTIONS_USE_LOCAL },
	{ "-DFOO=1", "-D", OPTIONS_USE_CPP },
	{ "-Bx", "-B", OPTIONS_USE_LOCAL },
	{ "-zzz", "-z", OPTIONS_USE_LOCAL },
	{ "-j8", NULL, 0 },
	{ "-", NULL, 0 },
	{ "", NULL, 0 },
	{ "x", NULL, 0 },
	{ "-\xff", NULL, 0 },
	{ "-mllvm", "-mllvm", OPTIONS_USE_CODE },
	{ "-mllvm=-x", "-mllvm=", OPTIONS_USE_LOCAL },
	{ "-entry", "-e", OPTIONS_USE_LOCAL },
	{ ZERO, ZERO, OPTIONS_USE_CODE },
	{ "--target=x", "--target=", OPTIONS_USE_CODE },
};

TEST_EACH(the_longest_matching_name_wins, lookups)
{
	const struct options_entry *e = options_table_find_word(row->word);

	if (!row->name) {
		ck_assert_msg(!e, "%s: %s", row->word, e ? e->name : "");
		return;
	}
	ck_assert_msg(e != NULL, "%s", row->word);
	ck_assert_str_eq(e->name, row->name);
	ck_assert_int_eq(e->use, row->use);
}

/* Find the entry by a linear search. */
static const struct options_entry *linear_find(const char *word)
{
	const struct options_entry *best = NULL;

	for (size_t i = 0; options_entry(i); i++) {
		const struct options_entry *e = options_entry(i);
		size_t n = strlen(e->name);

		if (strncmp(word, e->name, n))
			continue;
		if (word[n] && (e->form == OPTIONS_FORM_ALONE ||
				e->form == OPTIONS_FORM_SEPARATE))
			continue;
		if (!word[n] && e->form == OPTIONS_FORM_JOINED &&
		    e->name[n - 1] == '=')
			continue;
		if (!best || n > strlen(best->name))
			best = e;
	}
	return best;
}

static void same_as_linear(const char *word)
{
	ck_assert_msg(options_table_find_word(word) == linear_find(word), "%s",
		      word);
}

TEST(the_search_finds_the_entry_of_a_linear_search)
{
	for (size_t i = 0; options_entry(i); i += 3) {
		const struct options_entry *e = options_entry(i);
		char *word = xasprintf("%sx", e->name);

		same_as_linear(word);
		word[strlen(word) - 1] = '\0';
		word[strlen(word) - 1] = '\0';
		same_as_linear(word);
		free(word);
	}
}

/* This word and --std= have the same 18 bits of their hashes in the index. */
TEST(a_lookup_reads_no_bytes_after_a_name_with_the_same_hash_bits)
{
	for (size_t i = 0; options_entry(i); i++)
		options_table_find_name(options_entry(i)->name);
	ck_assert_ptr_null(options_table_find_name("-ffcxsmzzzzz"));
}

TEST(a_charset_may_have_ranges_and_a_final_dash)
{
	ck_assert(options_table_is_in_charset("a-c_-", "abc_-", 5));
	ck_assert(!options_table_is_in_charset("a-c_-", "abd", 3));
	ck_assert(options_table_is_in_charset("a-c", "", 0));
	ck_assert(
		options_table_is_in_charset(" -~\x80-\xff", "a b/\xc3\xa4", 6));
	ck_assert(!options_table_is_in_charset(" -~\x80-\xff", "a\n", 2));
	ck_assert(!options_table_is_in_charset(" -~\x80-\xff", "a\x7f", 2));
}
