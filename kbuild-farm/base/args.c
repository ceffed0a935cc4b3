/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/args.h"

#include "base/buf.h"
#include "base/spellcheck.h"
#include "base/str.h"
#include "base/text-width.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMNS 80
#define HELP_INDENT  32 /* columns before the second column of a help text */

/*
 * The words that come from an environment variable.  A command parses them in
 * one list with the words of its command line, so only a file-scope variable
 * can record which of the words come from the environment.
 */
static struct {
	const char *name;
	char *const *argv;
	size_t n;
} variable;

void args_set_variable(const char *name, char *const *argv, size_t n)
{
	variable.name = name;
	variable.argv = argv;
	variable.n = n;
}

void args_init(struct args *a, const struct args_option *options,
	       char *const *argv)
{
	*a = (struct args){ .options = options, .argv = argv };
}

static const struct args_option *by_letter(const struct args *a, char letter)
{
	for (const struct args_option *o = a->options; o->help; o++) {
		if (o->short_name == letter)
			return o;
	}
	return NULL;
}

static const struct args_option *by_word(const struct args *a, const char *word,
					 size_t len)
{
	for (const struct args_option *o = a->options; o->help; o++) {
		if (o->long_name && strlen(o->long_name) == len &&
		    !memcmp(o->long_name, word, len))
			return o;
	}
	return NULL;
}

/* Use the next word of the command line as the option's value. */
static int take_option_value(struct args *a, const char *shown, struct err *err)
{
	if (!*a->argv)
		return err_set(err, EINVAL, "%s needs a value: %s", shown,
			       a->last_option->value_name);
	a->value = *a->argv++;
	return ARGS_OPTION;
}

static int next_letter(struct args *a, struct err *err)
{
	char shown[3] = { '-', *a->bundle, '\0' };
	const char *rest = a->bundle[1] ? a->bundle + 1 : NULL;

	a->last_option = by_letter(a, *a->bundle);
	if (!a->last_option)
		return err_set(err, EINVAL, "unknown option %s", shown);
	a->bundle = a->last_option->value_name ? NULL : rest;
	if (!a->last_option->value_name)
		return ARGS_OPTION;
	a->value = rest;
	return rest ? ARGS_OPTION : take_option_value(a, shown, err);
}

static int set_unknown_option(const struct args *a, const char *word,
			      size_t len, struct err *err)
{
	char *name = xstrndup(word + 2, len), *question;
	struct spellcheck n;

	spellcheck_init(&n, name);
	for (const struct args_option *o = a->options; o->help; o++) {
		if (o->long_name)
			spellcheck_add(&n, o->long_name);
	}
	/* Every command accepts --help, even if it is not in the table. */
	spellcheck_add(&n, "help");
	/*
	 * The unknown option can be --help itself, which is not accepted in
	 * $KFARM or with a value.  Do not suggest --help in this case.
	 */
	if (str_equal(n.best, name))
		n.best = NULL;
	question = spellcheck_suggestion(&n, "--", "");
	err_set(err, EINVAL, "unknown option --%s%s", name, question);
	free(question);
	free(name);
	return -EINVAL;
}

bool args_needs_value(const struct args_option *o)
{
	return o->value_name && o->value_name[0] != '[';
}

static int next_long(struct args *a, const char *word, struct err *err)
{
	size_t len = strcspn(word + 2, "=");
	const struct args_option *o = by_word(a, word + 2, len);

	if (!o)
		return set_unknown_option(a, word, len, err);
	a->last_option = o;
	if (word[2 + len] != '=')
		return args_needs_value(o) ? take_option_value(a, word, err) :
					     ARGS_OPTION;
	if (!o->value_name)
		return err_set(err, EINVAL, "--%s takes no value",
			       o->long_name);
	a->value = word + 2 + len + 1;
	return ARGS_OPTION;
}

/*
 * Return true if `word` is an assignment for make: a name, optional blanks, and
 * one of the operators =, +=, ?=, !=, :=, ::= and :::=.  Like make, accept a
 * name such as "CFLAGS_fork.o" or "ccflags-y".
 */
static bool is_variable(const char *word)
{
	size_t len = strcspn(word, "=:#$ \t");
	const char *at = word + len + strspn(word + len, " \t");

	if (!len || word[0] == '-')
		return false;
	if (*at && strchr("+?!", *at))
		return at[1] == '=';
	return at[strspn(at, ":")] == '=';
}

int args_next(struct args *a, struct err *err)
{
	const char *word;

	a->value = NULL;
	if (a->bundle)
		return next_letter(a, err);
	word = *a->argv;
	if (!word)
		return ARGS_END;
	a->argv++;
	if (!a->options_ended && !strcmp(word, "--")) {
		a->options_ended = true;
		return args_next(a, err);
	}
	if (!a->options_ended && str_starts(word, "--"))
		return next_long(a, word, err);
	if (!a->options_ended && word[0] == '-' && word[1]) {
		a->bundle = word + 1;
		return next_letter(a, err);
	}
	a->value = word;
	return a->variables_allowed && is_variable(word) ? ARGS_VARIABLE :
							   ARGS_WORD;
}

int args_store(const struct args *a, void *into, struct err *err)
{
	int ret = a->last_option->parse((char *)into + a->last_option->offset,
					a, err);

	/* a->argv points to the word after the option and its value. */
	for (size_t i = 1; ret && i <= variable.n; i++) {
		if (a->argv == variable.argv + i)
			err_wrap(err, "%s", variable.name);
	}
	return ret;
}

int args_read(struct args *a, void *into, struct err *err)
{
	int got, ret;

	while ((got = args_next(a, err)) == ARGS_OPTION) {
		ret = args_store(a, into, err);
		if (ret)
			return ret;
	}
	return got;
}

int args_flag(void *at, const struct args *a, struct err *err)
{
	(void)a;
	(void)err;
	*(bool *)at = true;
	return 0;
}

int args_choice(void *at, const struct args *a, struct err *err)
{
	(void)err;
	*(unsigned *)at = (unsigned)a->last_option->n;
	return 0;
}

/* Set an error that starts with "-x VALUE: " or "--long VALUE: ". */
static int set_invalid_value(const struct args *a, const char *problem,
			     struct err *err)
{
	const struct args_option *o = a->last_option;

	return err_set(err, EINVAL, "%s%.*s %s: %s", o->short_name ? "-" : "--",
		       o->short_name ? 1 : (int)strlen(o->long_name),
		       o->short_name ? &o->short_name : o->long_name,
		       *a->value ? a->value : "\"\"", problem);
}

int args_number(void *at, const struct args *a, struct err *err)
{
	char *problem;
	long n;

	if (!str_parse_number(a->value, 1, a->last_option->n, &n)) {
		*(unsigned *)at = (unsigned)n;
		return 0;
	}
	problem = xasprintf("not a number from 1 to %ld", a->last_option->n);
	set_invalid_value(a, problem, err);
	free(problem);
	return -EINVAL;
}

int args_text(void *at, const struct args *a, struct err *err)
{
	if (a->value && !*a->value)
		return set_invalid_value(a, "empty value", err);
	*(const char **)at = a->value;
	return 0;
}

int args_list(void *at, const struct args *a, struct err *err)
{
	(void)err;
	strv_add(at, a->value);
	return 0;
}

int args_comma_list(void *at, const struct args *a, struct err *err)
{
	struct strv *list = at;
	size_t before = list->n;

	strv_split(list, a->value, ",");
	return list->n > before ? 0 : set_invalid_value(a, "empty list", err);
}

char *const *args_rest(const struct args *a)
{
	return a->argv;
}

char *args_help_entry(const char *left, const char *help)
{
	struct buf out = { 0 };

	buf_printf(&out, "  %-*s ", HELP_INDENT - 3, left);
	text_width_wrap(&out, help, (unsigned)out.len, HELP_INDENT,
			HELP_COLUMNS);
	buf_add_str(&out, "\n");
	return buf_steal(&out);
}

char *args_help_option(const struct args_option *option, const char *verbs)
{
	struct buf left = { 0 };
	char *help, *entry;

	buf_printf(&left, option->short_name ? "-%c" : "  ",
		   option->short_name);
	if (option->long_name)
		buf_printf(&left, "%s --%s", option->short_name ? "," : " ",
			   option->long_name);
	if (option->value_name)
		buf_printf(&left, args_needs_value(option) ? " %s" : "%s",
			   option->value_name);
	help = xasprintf(verbs ? "%s (%s)" : "%s", option->help, verbs);
	entry = args_help_entry(buf_str(&left), help);
	free(help);
	buf_release(&left);
	return entry;
}

char *args_help(const struct args_option *options)
{
	struct buf out = { 0 };

	for (const struct args_option *o = options; o->help; o++) {
		char *entry = args_help_option(o, NULL);

		buf_add_str(&out, entry);
		free(entry);
	}
	return buf_steal(&out);
}
