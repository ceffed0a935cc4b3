/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
#include "../lib/test.h"

#include "options/table.h"

TEST(a_list_ends_after_its_last_word)
{
	const char *rest = "a,,bc";
	struct options_comma_word item;

	ck_assert(options_comma_list_next(&rest, &item));
	ck_assert(options_comma_word_equals(&item, "a"));
	ck_assert(options_comma_list_next(&rest, &item));
	ck_assert(options_comma_word_equals(&item, ""));
	ck_assert(options_comma_list_next(&rest, &item));
	ck_assert(options_comma_word_equals(&item, "bc"));
	ck_assert(!options_comma_word_equals(&item, "b"));
	ck_assert(!options_comma_list_next(&rest, &item));
	ck_assert(!options_comma_list_next(&rest, &item));
}

TEST(an_empty_list_has_one_empty_word)
{
	const char *rest = "";
	struct options_comma_word item;

	ck_assert(options_comma_list_next(&rest, &item));
	ck_assert_uint_eq(item.len, 0);
	ck_assert(!options_comma_list_next(&rest, &item));
}

TEST(wp_words_are_classified_by_their_use)
{
	static const struct {
		const char *word;
		enum options_use kind;
	} words[] = {
		{ "-MD", OPTIONS_USE_MAKE_DEPS },
		{ "-MMD", OPTIONS_USE_MAKE_DEPS },
		{ "-MT", OPTIONS_USE_DEP_TARGET },
		{ "-MQ", OPTIONS_USE_DEP_TARGET },
		{ "-MP", OPTIONS_USE_DEP_PHONY },
		{ "-DX", OPTIONS_USE_CPP },
		{ "-UX", OPTIONS_USE_CPP },
		{ "-Ix", OPTIONS_USE_CPP },
		{ "-D", OPTIONS_USE_LOCAL },
		{ "-MF", OPTIONS_USE_LOCAL },
		{ "-MG", OPTIONS_USE_LOCAL },
		{ "-M", OPTIONS_USE_LOCAL },
		{ "", OPTIONS_USE_LOCAL },
		{ "x", OPTIONS_USE_LOCAL },
		{ "xDx", OPTIONS_USE_LOCAL },
		{ "-\0x", OPTIONS_USE_LOCAL },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		struct options_comma_word item = { words[i].word,
						   strlen(words[i].word) };

		ck_assert_msg(options_comma_list_wp_use(&item) == words[i].kind,
			      "%s", words[i].word);
	}
}

TEST(harmless_assembler_options_are_allowed)
{
	static const char *const lists[] = {
		"-march=armv7-a",
		"--fatal-warnings",
		"--compress-debug-sections,--compress-debug-sections=zlib",
		"-mrelax-relocations=no",
		"-mx86-used-note=no",
		"-mimplicit-it=always,-mno-warn-deprecated",
		"-many",
		"-mpower4",
		"-me500",
		"-m4a-nofpu",
		"-Av8",
		"-isa=sh4a",
		"--undeclared-regs",
		"--trap",
		"--noexecstack",
		"-misa-spec=2.2",
		"-mfix-loongson2f-nop",
		"-W",
		"--size-check=error",
		"-g",
		"--gen-debug,--gdwarf-5",
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		ck_assert_msg(options_comma_list_is_wa_allowed(lists[i]), "%s",
			      lists[i]);
}

TEST(a_list_with_one_bad_word_is_rejected)
{
	static const char *const lists[] = {
		"",          ",",         "-W,",     ",-W",     "-W,,-W",
		"-W,-al",    "-al=x",     "-I.",     "-MD",     "-m",
		"-mX",       "-m=x",      "-m4/x",   "-m4 x",   "--MD",
		"--defsym",  "x.s",       "@x",      "-gx",     "--gen-debugs",
		"--warnx",   "--fatal",   "-fatal",  "-o",      "-A/x",
		"-isa=/etc", "-march=a@", "-m4\xff", "-W\n-al", "-W -al",
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		ck_assert_msg(!options_comma_list_is_wa_allowed(lists[i]), "%s",
			      lists[i]);
}
