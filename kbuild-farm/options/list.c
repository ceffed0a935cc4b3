/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/list.h"

#include "options/table.h"

#include <string.h>

bool options_list_next(const char **rest, struct options_item *item)
{
	if (!*rest)
		return false;
	item->s = *rest;
	item->len = strcspn(*rest, ",");
	*rest = item->s[item->len] ? item->s + item->len + 1 : NULL;
	return true;
}

bool options_item_is(const struct options_item *item, const char *s)
{
	return strlen(s) == item->len && !memcmp(s, item->s, item->len);
}

enum options_wp options_list_wp(const struct options_item *item)
{
	if (options_item_is(item, "-MD") || options_item_is(item, "-MMD"))
		return OPTIONS_WP_FILE;
	if (options_item_is(item, "-MT") || options_item_is(item, "-MQ"))
		return OPTIONS_WP_TARGET;
	if (options_item_is(item, "-MP"))
		return OPTIONS_WP_PHONY;
	if (item->len > 2 && item->s[0] == '-' && memchr("DUI", item->s[1], 3))
		return OPTIONS_WP_CPP;
	return OPTIONS_WP_OTHER;
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

bool options_list_assembler_ok(const char *word, size_t len)
{
	struct options_item item = { word, len };

	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		if (options_item_is(&item, harmless[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		if (in_family(word, len, families[i]))
			return true;
	}
	return false;
}

static bool is_debug(const struct options_item *item)
{
	static const char *const words[] = {
		"-g",         "--gen-debug", "--gdwarf-2", "--gdwarf-3",
		"--gdwarf-4", "--gdwarf-5",  "-gdwarf-2",  "-gdwarf-3",
		"-gdwarf-4",  "-gdwarf-5",   "-gdwarf2",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (options_item_is(item, words[i]))
			return true;
	}
	return false;
}

bool options_list_wa_ok(const char *list)
{
	const char *rest = list;
	struct options_item item;

	while (options_list_next(&rest, &item)) {
		if (!is_debug(&item) &&
		    !options_list_assembler_ok(item.s, item.len))
			return false;
	}
	return true;
}

bool options_list_wp_ok(const char *list)
{
	const char *rest = list;
	struct options_item item;

	while (options_list_next(&rest, &item)) {
		if (options_list_wp(&item) != OPTIONS_WP_CPP ||
		    !options_charset_ok(" -~\x80-\xff", item.s, item.len))
			return false;
	}
	return true;
}
