/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/args.h - the words of a command line, one at a time.
 *
 * Understands -x, bundles (-vF), -x VALUE, -xVALUE, --long, --long VALUE,
 * --long=VALUE, "--" as the end of options, and, where asked for, VAR=VALUE
 * and plain words in any order, as make does.
 */
#ifndef BASE_ARGS_H
#define BASE_ARGS_H

#include "base/err.h"

#include <stdbool.h>

/* One option; a table of them ends with a zeroed one. */
struct args_option {
	int key; /* what args_next() returns for it, above 0 */
	char letter; /* 0: none */
	const char *word; /* without the dashes; NULL: none */
	const char *value; /* the value's name in the help; NULL: takes none */
	const char *help;
};

enum {
	ARGS_END = 0,
	ARGS_WORD = -1000, /* a plain word */
	ARGS_VARIABLE = -1001, /* NAME=VALUE */
};

struct args {
	const struct args_option *options;
	char *const *argv; /* the words that are left */
	const char *bundle; /* what is left of "-abc" */
	const char *value; /* of the option or the word just returned */
	bool only_words; /* after "--" */
	bool variables; /* tell ARGS_VARIABLE from ARGS_WORD */
};

/* `argv` without the program's name; borrowed, as `options` is. */
void args_init(struct args *a, const struct args_option *options,
	       char *const *argv);
/*
 * The next one: an option's key with its value in a->value, ARGS_WORD or
 * ARGS_VARIABLE with the word there, ARGS_END, or -EINVAL with `err` set.
 */
int args_next(struct args *a, struct err *err);
/* What "--" left over, or all that args_next() did not take yet. */
char *const *args_rest(const struct args *a);
/* The table as the lines of a --help text; the caller frees it. */
char *args_help(const struct args_option *options);

#endif
