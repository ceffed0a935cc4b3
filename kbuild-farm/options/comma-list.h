/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/comma-list.h - Words of -Wp,WORD,WORD and -Wa,WORD,WORD lists.
 */
#ifndef OPTIONS_COMMA_LIST_H
#define OPTIONS_COMMA_LIST_H

#include "options/table.h"

#include <stdbool.h>
#include <stddef.h>

/* A word of a list, not NUL-terminated. */
struct options_comma_word {
	const char *s;
	size_t len;
};

/*
 * Get the next word of the list at *rest (the text after "-Wp,").  *rest
 * becomes NULL after the last word.  Returns false if no word is left.
 */
bool options_comma_list_next(const char **rest,
			     struct options_comma_word *word);
bool options_comma_word_equals(const struct options_comma_word *word,
			       const char *s);

/*
 * Return the kind of a word of a -Wp, list: OPTIONS_USE_MAKE_DEPS if its file
 * is the next word, OPTIONS_USE_DEP_TARGET if its target is the next word,
 * OPTIONS_USE_DEP_PHONY, OPTIONS_USE_CPP for -Dx, -Ux and -Ix, or
 * OPTIONS_USE_LOCAL for all other words.
 */
enum options_use options_comma_list_wp_use(
	const struct options_comma_word *word);

/*
 * Return true if each word of a -Wa, list (the text after "-Wa,") affects only
 * code or debug information.  Words that name files, produce listings, add
 * search directories or print are rejected.
 */
bool options_comma_list_is_wa_allowed(const char *list);
/* Return true if the word after -Xassembler affects only code. */
bool options_comma_list_is_as_allowed(const char *word, size_t len);

#endif
