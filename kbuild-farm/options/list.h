/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/list.h - the words in a list: -Wp,WORD,WORD and -Wa,WORD,WORD.
 */
#ifndef OPTIONS_LIST_H
#define OPTIONS_LIST_H

#include "options/table.h"

#include <stdbool.h>
#include <stddef.h>

/* One word of a list, not NUL-terminated. */
struct options_list_word {
	const char *s;
	size_t len;
};

/*
 * The next word of the list at *rest (what follows "-Wp,"); *rest becomes
 * NULL after the last.  False: there was none left.
 */
bool options_list_next(const char **rest, struct options_list_word *word);
bool options_list_word_is(const struct options_list_word *word, const char *s);

/*
 * What a word of a -Wp, list is: OPTIONS_USE_MAKE_DEPS, whose file is the next
 * word; OPTIONS_USE_DEP_TARGET, whose target is; OPTIONS_USE_DEP_PHONY;
 * OPTIONS_USE_CPP for -Dx, -Ux and -Ix; OPTIONS_USE_LOCAL for all others.
 */
enum options_use options_list_wp(const struct options_list_word *word);

/*
 * Is each word of a -Wa, list (what follows "-Wa,") one that only tells the
 * assembler about code or debug information?  Those that name files, make
 * listings, search directories or print are not.
 */
bool options_list_wa_ok(const char *list);
/* Is each word of a -Wp, list (what follows "-Wp,") a -Dx, -Ux or -Ix? */
bool options_list_wp_ok(const char *list);
/* Is the one word after -Xassembler one that tells it about code alone? */
bool options_list_assembler_ok(const char *word, size_t len);

#endif
