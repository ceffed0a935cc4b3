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
 * assembler about code?  Those that name files, make listings, search
 * directories, print, or write debug information are not.
 */
bool options_list_wa_ok(const char *list);
/* The same for a node that preprocesses: debug information is the local one. */
bool options_list_wa_remote(const char *list);
/* Is each word of a -Wp, list (what follows "-Wp,") a -Dx, -Ux or -Ix? */
bool options_list_wp_remote(const char *list);
/* The same for the one word after -Xassembler. */
bool options_list_assembler_ok(const char *word, size_t len);

#endif
