/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/list.h"

#include <string.h>

bool options_list_next(const char **rest, struct options_list_word *word)
{
	if (!*rest)
		return false;
	word->s = *rest;
	word->len = strcspn(*rest, ",");
	*rest = word->s[word->len] ? word->s + word->len + 1 : NULL;
	return true;
}

bool options_list_word_is(const struct options_list_word *word, const char *s)
{
	return strlen(s) == word->len && !memcmp(s, word->s, word->len);
}

enum options_use options_list_wp(const struct options_list_word *word)
{
	if (options_list_word_is(word, "-MD") ||
	    options_list_word_is(word, "-MMD"))
		return OPTIONS_USE_MAKE_DEPS;
	if (options_list_word_is(word, "-MT") ||
	    options_list_word_is(word, "-MQ"))
		return OPTIONS_USE_DEP_TARGET;
	if (options_list_word_is(word, "-MP"))
		return OPTIONS_USE_DEP_PHONY;
	if (word->len > 2 && word->s[0] == '-' && memchr("DUI", word->s[1], 3))
		return OPTIONS_USE_CPP;
	return OPTIONS_USE_LOCAL;
}

/* Whole words of gas, with one dash or two as it takes them. */
static const char *const harmless[] = {
	"--32",
	"--64",
	"--divide",
	"--execstack",
	"--fatal-warnings",
	"--keep-locals",
	"--no-pad-sections",
	"--no-warn",
	"--nocompress-debug-sections",
	"--noexecstack",
	"--reduce-memory-overheads",
	"--strip-local-absolute",
	"--traditional-format",
	"--trap",
	"--undeclared-regs",
	"--warn",
	"--x32",
	"-32",
	"-64",
	"-EB",
	"-EL",
	"-KPIC",
	"-KPIE",
	"-L",
	"-O",
	"-O0",
	"-O1",
	"-O2",
	"-Os",
	"-R",
	"-W",
	"-fatal-warnings",
	"-n32",
	"-no-undeclared-regs",
};

/* Words with a value of letters: the target's, and a few of gas itself. */
static const char *const families[] = {
	"--elf-stt-common=",
	"--generate-missing-build-notes=",
	"--size-check=",
	"-A", /* sparc: -Av9a */
	"-isa=", /* sh */
	"-m", /* -march= -mcpu= -mfpu= -mrelax-relocations= -many ... */
};

static bool in_family(const char *word, size_t len, const char *name)
{
	size_t n = strlen(name);

	/* No upper case next: gas takes -MD for --MD, and writes a file. */
	return len > n && !memcmp(word, name, n) &&
	       options_charset_ok("a-z0-9", word + n, 1) &&
	       options_charset_ok("a-zA-Z0-9_.+=-", word + n, len - n);
}

bool options_list_assembler_ok(const char *s, size_t len)
{
	struct options_list_word word = { s, len };

	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		if (options_list_word_is(&word, harmless[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		if (in_family(s, len, families[i]))
			return true;
	}
	return false;
}

static bool is_debug(const struct options_list_word *word)
{
	static const char *const words[] = {
		"-g",         "--gen-debug", "--gdwarf-2", "--gdwarf-3",
		"--gdwarf-4", "--gdwarf-5",  "-gdwarf-2",  "-gdwarf-3",
		"-gdwarf-4",  "-gdwarf-5",   "-gdwarf2",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (options_list_word_is(word, words[i]))
			return true;
	}
	return false;
}

bool options_list_wa_ok(const char *list)
{
	const char *rest = list;
	struct options_list_word word;

	while (options_list_next(&rest, &word)) {
		if (!is_debug(&word) &&
		    !options_list_assembler_ok(word.s, word.len))
			return false;
	}
	return true;
}

bool options_list_wp_ok(const char *list)
{
	const char *rest = list;
	struct options_list_word word;

	while (options_list_next(&rest, &word)) {
		if (options_list_wp(&word) != OPTIONS_USE_CPP ||
		    !options_charset_ok(" -~\x80-\xff", word.s, word.len))
			return false;
	}
	return true;
}
