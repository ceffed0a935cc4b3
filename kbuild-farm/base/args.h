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
#include <stddef.h>

struct args;

/*
 * Store the option just returned, a->value its value, in `at`: 0 or -EINVAL
 * with `err` set.
 */
typedef int args_take(void *at, const struct args *a, struct err *err);

/* One option; a table of them ends with a zeroed one. */
struct args_option {
	char letter; /* 0: none */
	const char *word; /* without the dashes; NULL: none */
	/* The value's name in the help; NULL: takes none; "[=NAME]": may take
	   one, as --word=VALUE. */
	const char *value;
	const char *help;
	args_take *take; /* one of those below, or the caller's own */
	size_t at; /* of what it is stored in, within the caller's struct */
	long n; /* for args_number() and args_choice(); or: */
#define ARGS_REPLACE (-1) /* a list is not added to one from elsewhere */
};

enum {
	ARGS_END,
	ARGS_OPTION,
	ARGS_WORD, /* a plain word */
	ARGS_VARIABLE, /* NAME=VALUE */
};

struct args {
	const struct args_option *options;
	char *const *argv; /* the words that are left */
	const char *bundle; /* what is left of "-abc" */
	const struct args_option *option; /* the one just returned */
	const char *value; /* of the option or the word just returned */
	bool only_words; /* after "--" */
	bool variables; /* tell ARGS_VARIABLE from ARGS_WORD */
};

/* `argv` without the program's name; borrowed, as `options` is. */
void args_init(struct args *a, const struct args_option *options,
	       char *const *argv);
/*
 * The next one: ARGS_OPTION with a->option and a->value, ARGS_WORD or
 * ARGS_VARIABLE with the word there, ARGS_END, or -EINVAL with `err` set.
 */
int args_next(struct args *a, struct err *err);
/* The option just returned goes where its table says, in `into`. */
int args_store(const struct args *a, void *into, struct err *err);
/* As args_next(), but options are stored in `into` and passed over. */
int args_read(struct args *a, void *into, struct err *err);

/* A bool becomes true. */
args_take args_flag;
/* An enum or an unsigned becomes option.n. */
args_take args_choice;
/* An unsigned becomes the value, a number from 1 to option.n. */
args_take args_number;
/* A const char * becomes the value, borrowed. */
args_take args_text;
/* A struct strv gets the value added, */
args_take args_list;
/* or what is between commas in it. */
args_take args_commas;

/* What "--" left over, or all that args_next() did not take yet. */
char *const *args_rest(const struct args *a);
/* The table as the lines of a --help text; the caller frees it. */
char *args_help(const struct args_option *options);
/* One of these lines, without its end; the caller frees it. */
char *args_help_line(const struct args_option *option);

#endif
