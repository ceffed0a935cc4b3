/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/args.h - Command line parser that returns one word at a time.
 *
 * Accepts -x, bundles (-vF), -x VALUE, -xVALUE, --long, --long VALUE,
 * --long=VALUE and "--" as the end of options.  Options and plain words may
 * stand in any order.  If the caller sets `variables_allowed`, args_next()
 * returns ARGS_VARIABLE for assignments to variables of make: NAME=VALUE, or
 * with another operator, such as NAME+=VALUE.
 */
#ifndef BASE_ARGS_H
#define BASE_ARGS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct args;

/*
 * Store the value `a->value` of the option `a->last_option` in the destination
 * `at`.  Returns 0, or -EINVAL with `err` set.
 */
typedef int args_parse_fn(void *at, const struct args *a, struct err *err);

/* One option. A zeroed entry ends a table of options. */
struct args_option {
	char short_name; /* 0 if the option has no short name */
	/* without the dashes; NULL if the option has no long name */
	const char *long_name;
	/*
	 * Name of the value in the help text.  NULL if the option takes no
	 * value; "[=NAME]" if the value is optional and can only be given as
	 * --long=VALUE.
	 */
	const char *value_name;
	const char *help;
	/* one of the functions below, or a function of the caller */
	args_parse_fn *parse;
	size_t offset; /* offset of the destination in the caller's struct */
	/* maximum of args_number(), value of args_choice(), or ARGS_REPLACE */
	long n;
/* `n` of a list option whose values in argv replace those in $KFARM */
#define ARGS_REPLACE (-1)
};

enum {
	ARGS_END,
	ARGS_OPTION,
	ARGS_WORD, /* a word that is not an option */
	ARGS_VARIABLE, /* NAME=VALUE, NAME+=VALUE etc. */
};

struct args {
	const struct args_option *options;
	char *const *argv; /* remaining words */
	const char *bundle; /* rest of a bundle such as "-abc" */
	/* the option that args_next() returned last */
	const struct args_option *last_option;
	/* value of the option or word that was returned last */
	const char *value;
	bool options_ended; /* "--" was read */
	/* return ARGS_VARIABLE instead of ARGS_WORD for an assignment */
	bool variables_allowed;
};

/*
 * Start to parse `argv`, which excludes the program's name.  Borrows `argv` and
 * `options`.
 */
void args_init(struct args *a, const struct args_option *options,
	       char *const *argv);
/*
 * Declare that the first `n` words of `argv` come from the environment variable
 * `name`.  Errors of args_store() about the values of these words then begin
 * with the variable's name.  For this purpose, the command must parse the array
 * `argv`, not a copy.  Borrows `name` and `argv` for the rest of the process.
 */
void args_set_variable(const char *name, char *const *argv, size_t n);
/*
 * Parse the next word.  Returns ARGS_OPTION with `a->last_option` and
 * `a->value` set; ARGS_WORD or ARGS_VARIABLE with the word in `a->value`;
 * ARGS_END; or -EINVAL with `err` set.
 */
int args_next(struct args *a, struct err *err);
/*
 * Call the `parse` function of the option that was returned last.  The
 * destination is in the struct `into`, at the option's `offset`.  Returns 0, or
 * -EINVAL with `err` set.
 */
int args_store(const struct args *a, void *into, struct err *err);
/*
 * Like args_next(), but pass each option to args_store().  Returns the next
 * result of args_next() other than ARGS_OPTION, or the error of args_store().
 */
int args_read(struct args *a, void *into, struct err *err);

/* Set a bool to true. */
args_parse_fn args_flag;
/* Set an enum or an unsigned to the option's `n`. */
args_parse_fn args_choice;
/* Set an unsigned to the value, a number from 1 to the option's `n`. */
args_parse_fn args_number;
/*
 * Set a const char * to the value, which is borrowed.  Rejects an empty value,
 * because "" is not a valid name, and as a directory it would mean the current
 * directory.
 */
args_parse_fn args_text;
/* Append the value to a struct strv. */
args_parse_fn args_list;
/*
 * Append the comma-separated elements of the value to a struct strv.  Rejects a
 * value without elements.
 */
args_parse_fn args_comma_list;

/*
 * Return the words that args_next() has not read yet, such as those after "--".
 */
char *const *args_rest(const struct args *a);
/* Return true if the option requires a value. */
bool args_needs_value(const struct args_option *o);
/* Format the table as the lines of a --help text. The caller frees it. */
char *args_help(const struct args_option *options);
/*
 * Format the lines of one option.  If `verbs` is not NULL, the help text ends
 * in "(VERBS)".  The caller frees the result.
 */
char *args_help_option(const struct args_option *option, const char *verbs);
/*
 * Format an entry of a --help text: `left`, and `help` in a second column.
 * Lines are broken at blanks to fit 80 columns.  The caller frees the result.
 */
char *args_help_entry(const char *left, const char *help);

#endif
