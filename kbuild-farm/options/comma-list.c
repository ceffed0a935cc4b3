/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/comma-list.h"

#include "base/vec.h"

#include <string.h>

bool options_comma_list_next(const char **rest, struct options_comma_word *word)
{
	if (!*rest)
		return false;
	word->s = *rest;
	word->len = strcspn(*rest, ",");
	*rest = word->s[word->len] ? word->s + word->len + 1 : NULL;
	return true;
}

bool options_comma_word_equals(const struct options_comma_word *word,
			       const char *s)
{
	return strlen(s) == word->len && !memcmp(s, word->s, word->len);
}

enum options_use options_comma_list_wp_use(
	const struct options_comma_word *word)
{
	if (options_comma_word_equals(word, "-MD") ||
	    options_comma_word_equals(word, "-MMD"))
		return OPTIONS_USE_MAKE_DEPS;
	if (options_comma_word_equals(word, "-MT") ||
	    options_comma_word_equals(word, "-MQ"))
		return OPTIONS_USE_DEP_TARGET;
	if (options_comma_word_equals(word, "-MP"))
		return OPTIONS_USE_DEP_PHONY;
	if (word->len > 2 && word->s[0] == '-' && memchr("DUI", word->s[1], 3))
		return OPTIONS_USE_CPP;
	return OPTIONS_USE_LOCAL;
}

/* gas options that must match as a whole, with one or two dashes. */
static const char *const allowed_as_options[] = {
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

/* Prefixes of options with a value, for the target or for gas in general. */
static const char *const allowed_as_prefixes[] = {
	"--elf-stt-common=",
	"--generate-missing-build-notes=",
	"--size-check=",
	"-A", /* sparc: -Av9a */
	"-isa=", /* sh */
	"-m", /* -march= -mcpu= -mfpu= -mrelax-relocations= -many ... */
};

static bool matches_option_family(const char *word, size_t len,
				  const char *name)
{
	size_t n = strlen(name);

	/*
	 * Reject upper case as the first letter of the value: gas reads -MD as
	 * --MD, which writes a file.
	 */
	return len > n && !memcmp(word, name, n) &&
	       options_table_is_in_charset("a-z0-9", word + n, 1) &&
	       options_table_is_in_charset("a-zA-Z0-9_.+=-", word + n, len - n);
}

bool options_comma_list_is_as_allowed(const char *s, size_t len)
{
	struct options_comma_word word = { s, len };

	for (size_t i = 0; i < ARRAY_SIZE(allowed_as_options); i++) {
		if (options_comma_word_equals(&word, allowed_as_options[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(allowed_as_prefixes); i++) {
		if (matches_option_family(s, len, allowed_as_prefixes[i]))
			return true;
	}
	return false;
}

static bool is_debug(const struct options_comma_word *word)
{
	static const char *const words[] = {
		"-g",         "--gen-debug", "--gdwarf-2", "--gdwarf-3",
		"--gdwarf-4", "--gdwarf-5",  "-gdwarf-2",  "-gdwarf-3",
		"-gdwarf-4",  "-gdwarf-5",   "-gdwarf2",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (options_comma_word_equals(word, words[i]))
			return true;
	}
	return false;
}

bool options_comma_list_is_wa_allowed(const char *list)
{
	const char *rest = list;
	struct options_comma_word word;

	while (options_comma_list_next(&rest, &word)) {
		if (!is_debug(&word) &&
		    !options_comma_list_is_as_allowed(word.s, word.len))
			return false;
	}
	return true;
}
