/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/list.h - the words in a list: -Wp,WORD,WORD and -Wa,WORD,WORD.
 */
#ifndef OPTIONS_LIST_H
#define OPTIONS_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* One word of a list, not NUL-terminated. */
struct options_item {
	const char *s;
	size_t len;
};

/*
 * The next word of the list at *rest (what follows "-Wp,"); *rest becomes
 * NULL after the last.  False: there was none left.
 */
bool options_list_next(const char **rest, struct options_item *item);
bool options_item_is(const struct options_item *item, const char *s);

/* What the words of a -Wp, list are to kfarm. */
enum options_wp {
	OPTIONS_WP_OTHER, /* anything else: such a compile is local */
	OPTIONS_WP_CPP, /* -Dx -Ux -Ix */
	OPTIONS_WP_FILE, /* -MD -MMD: the next word is the dependency file */
	OPTIONS_WP_TARGET, /* -MT -MQ: the next word is a target */
	OPTIONS_WP_PHONY, /* -MP */
};

enum options_wp options_list_wp(const struct options_item *item);

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
