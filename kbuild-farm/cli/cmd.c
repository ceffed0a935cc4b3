/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/spellcheck.h"
#include "base/vec.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void help_all(FILE *out, const struct cmd *const *commands)
{
	fputs("usage: kfarm COMMAND [ARGUMENT]...\n\n", out);
	for (; *commands; commands++)
		fprintf(out, "  %-10s %s\n", (*commands)->name,
			(*commands)->help);
	fputs("\n`kfarm help COMMAND` describes a command; kfarm(1) is the manual.\n",
	      out);
}

/* Print the options of a command, or of its verb `v` if `v` is not NULL. */
static void put_options(FILE *out, const struct cmd *c,
			const struct cmd_verb *v)
{
	for (const struct args_option *o = c->options; o && o->help; o++) {
		struct strv takers = { 0 };
		char *line, *names;

		if (v && !str_list_has(v->option_names, ' ', o->long_name))
			continue;
		for (const struct cmd_verb *i = v ? NULL : c->verbs;
		     i && i->name; i++) {
			if (str_list_has(i->option_names, ' ', o->long_name))
				strv_add(&takers, i->name);
		}
		names = strv_join(&takers, ", ");
		line = args_help_line(o);
		fprintf(out, c->verbs && !v ? "%s (%s)\n" : "%s\n", line,
			names);
		free(line);
		free(names);
		strv_release(&takers);
	}
}

void help_one(FILE *out, const struct cmd *c, const char *verb)
{
	const struct cmd_verb *v = cmd_verb_find(c, verb);

	fprintf(out, "usage: kfarm %s %s%s%s\n\n%s\n", c->name,
		v ? v->name : c->usage, v ? v->usage : "",
		v && v->option_names[0] ? " [OPTION]..." : "",
		v ? v->help : c->help);
	if (c->verbs && !v) {
		fputs("\n", out);
		for (const struct cmd_verb *i = c->verbs; i->name; i++) {
			char *words = xasprintf("%s%s", i->name, i->usage);

			fprintf(out, "  %-29s %s\n", words, i->help);
			free(words);
		}
	}
	if (c->options && (v ? v->option_names[0] : c->options->help != NULL)) {
		fputs("\n", out);
		put_options(out, c, v);
	}
	if (c->extra_help &&
	    (!v || !c->extra_help_verb || !strcmp(v->name, c->extra_help_verb)))
		fprintf(out, "\n%s", c->extra_help);
}

const struct cmd_verb *cmd_verb_find(const struct cmd *c, const char *name)
{
	for (const struct cmd_verb *v = c->verbs; v && v->name && name; v++) {
		if (!strcmp(v->name, name))
			return v;
	}
	return NULL;
}

const struct cmd_verb *cmd_verb_find_first(const struct cmd *c,
					   char *const *argv)
{
	struct err ignored = { 0 };
	struct args args;
	int got;

	if (!c->verbs)
		return NULL;
	args_init(&args, c->options, argv);
	while ((got = args_next(&args, &ignored)) != ARGS_END) {
		if (got == ARGS_WORD)
			return cmd_verb_find(c, args.value);
		if (got < 0)
			args.bundle = NULL;
	}
	return NULL;
}

/* Return the list of all verbs ("list, add or remove").  The caller frees it.
 */
static char *list_verbs(const struct cmd *c)
{
	struct buf names = { 0 };

	for (const struct cmd_verb *v = c->verbs; v->name; v++)
		buf_printf(&names, "%s%s",
			   v == c->verbs ? "" :
			   v[1].name     ? ", " :
					   " or ",
			   v->name);
	return buf_steal(&names);
}

char *cmd_verb_suggestion(const struct cmd *c, const char *name)
{
	char *names = list_verbs(c);
	char *expected = xasprintf("; expected %s", names), *question;
	struct spellcheck n;
	size_t n_verbs = 0;

	spellcheck_init(&n, name);
	while (c->verbs[n_verbs].name)
		n_verbs++;
	/*
	 * List up to three verbs without a suggestion: "csh" is not a
	 * misspelled "zsh".
	 */
	for (size_t i = 0; n_verbs > 3 && i < n_verbs; i++)
		spellcheck_add(&n, c->verbs[i].name);
	question = spellcheck_suggestion(&n, "", expected);
	free(expected);
	free(names);
	return question;
}

/* Reject a missing or unexpected argument after the verb. */
static int check_word_count(const struct cmd_verb *v, const struct strv *words,
			    struct err *err)
{
	struct strv names = { 0 };
	const char *missing;

	if (words->n > v->max_words)
		return err_set(err, EINVAL, "unexpected argument \"%s\"",
			       words->v[v->max_words]);
	if (words->n >= v->min_words)
		return 0;
	strv_split(&names, v->usage, " ");
	missing = names.v[words->n];
	err_set(err, EINVAL, "missing %.*s", (int)strcspn(missing, "."),
		missing);
	strv_release(&names);
	return -EINVAL;
}

const struct cmd_verb *cmd_verb_parse(const struct cmd *c, char *const *argv,
				      void *into, struct strv *words)
{
	const struct cmd_verb *v = NULL;
	const char *name = NULL;
	struct strv given = { 0 };
	struct err err = { 0 };
	struct args args;
	char *expected;
	int got, ret = 0;

	args_init(&args, c->options, argv);
	while (!ret && (got = args_next(&args, &err)) > 0) {
		if (got == ARGS_OPTION) {
			strv_add(&given, args.last_option->long_name);
			ret = args_store(&args, into, &err);
		} else if (!name) {
			name = args.value;
		} else {
			strv_add(words, args.value);
		}
	}
	if (ret || got)
		goto out;
	v = cmd_verb_find(c, name);
	if (!v) {
		expected = name ? cmd_verb_suggestion(c, name) : list_verbs(c);
		if (name)
			err_set(&err, EINVAL, "unknown argument \"%s\"%s", name,
				expected);
		else
			err_set(&err, EINVAL, "missing argument: expected %s",
				expected);
		free(expected);
		goto out;
	}
	for (size_t i = 0; !ret && i < given.n; i++) {
		if (!str_list_has(v->option_names, ' ', given.v[i]))
			ret = err_set(&err, EINVAL, "unknown option --%s",
				      given.v[i]);
	}
	if (!ret)
		ret = check_word_count(v, words, &err);
out:
	strv_release(&given);
	if (v && !ret)
		return v;
	log_error("%s%s%s: %s", c->name, v ? " " : "", v ? v->name : "",
		  err.text);
	return NULL;
}

/*
 * Return the word at *at without its quotes, and move *at behind the word.
 * Returns NULL if a quote is not closed.  The caller frees the word.
 */
static char *next_word(const char **at)
{
	struct buf word = { 0 };
	const char *p = *at;
	char quote = '\0';

	for (; *p && (quote || !isspace((unsigned char)*p)); p++) {
		if (*p == quote)
			quote = '\0';
		else if (!quote && (*p == '"' || *p == '\''))
			quote = *p;
		else if (*p == '\\' && quote != '\'' && p[1])
			buf_add(&word, ++p, 1);
		else
			buf_add(&word, p, 1);
	}
	*at = p;
	if (quote) {
		buf_release(&word);
		return NULL;
	}
	return buf_steal(&word);
}

/*
 * Split `text`, which is quoted as for a shell, and append its words to `out`.
 */
static int split_words(const char *text, struct strv *out, struct err *err)
{
	for (;;) {
		char *word;

		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			return 0;
		word = next_word(&text);
		if (!word)
			return err_set(err, EINVAL, "unterminated quote");
		strv_own(out, word);
	}
}

/*
 * Return true if `argv` overrides the option `o` of $KFARM: `argv` contains a
 * list option with ARGS_REPLACE again, or an option that excludes `o`.
 */
static bool is_overridden(const struct cmd *c, const struct args_option *o,
			  char *const *argv)
{
	/* --file and --triplet are options of `kfarm toolchain install`. */
	static const struct {
		const char *option, *by;
	} exclusions[] = {
		{ "ui", "once json quiet verbose" },
		{ "arch", "arch file triplet" },
		{ "triplet", "file" },
		{ "host", "file" },
	};
	const char *by = o->n == ARGS_REPLACE ? o->long_name : NULL;
	struct err ignored = { 0 };
	struct args args;
	int got;

	for (size_t i = 0; i < ARRAY_SIZE(exclusions); i++) {
		if (str_equal(o->long_name, exclusions[i].option))
			by = exclusions[i].by;
	}
	if (!by)
		return false;
	args_init(&args, c->options, argv);
	args.variables_allowed = c->takes_variables;
	while ((got = args_next(&args, &ignored)) > 0) {
		if (got == ARGS_OPTION && args.last_option->long_name &&
		    str_list_has(by, ' ', args.last_option->long_name))
			return true;
	}
	return false;
}

/*
 * Return true if an option in `all`, the options of other commands, has the
 * same long or short name as `o` and takes a value: "-n 5" belongs to history.
 */
static bool takes_value_elsewhere(const struct args_option *o,
				  const struct args_option *all)
{
	for (; all->help; all++) {
		if (all->value_name &&
		    (str_equal(all->long_name, o->long_name) ||
		     (o->short_name && all->short_name == o->short_name)))
			return true;
	}
	return false;
}

int cmd_environment(const struct cmd *c, const struct cmd *const *commands,
		    const char *text, char *const *argv, struct strv *out,
		    struct err *err)
{
	const struct cmd_verb *v = cmd_verb_find_first(c, argv);
	struct args_option *all = NULL;
	const struct args_option *o;
	struct strv words = { 0 };
	size_t n = 0, n_own;
	struct args args;
	int got = 0;
	int ret = split_words(text, &words, err);

	/* The options of all commands; those of `c` come first. */
	for (o = c->options; o && o->help; o++)
		*VEC_ADD(all, n) = *o;
	n_own = n;
	for (; *commands; commands++) {
		for (o = (*commands)->options; o && o->help; o++)
			*VEC_ADD(all, n) = *o;
	}
	(void)VEC_ADD(all, n);
	args_init(&args, all, strv_list(&words));
	args.variables_allowed = true;
	while (!ret && (got = args_next(&args, err)) > 0) {
		if (got == ARGS_WORD)
			ret = err_set(err, EINVAL, "\"%s\" is not an option",
				      args.value);
		if (got == ARGS_VARIABLE && c->takes_variables)
			strv_add(out, args.value);
		o = args.last_option;
		if (got != ARGS_OPTION || o >= all + n_own ||
		    is_overridden(c, o, argv))
			continue;
		/* Another command has this option: skip its value, too. */
		if (!o->value_name && *args.argv && **args.argv != '-' &&
		    takes_value_elsewhere(o, all + n_own)) {
			args.argv++;
			continue;
		}
		if (c->verbs &&
		    !(v && o->long_name &&
		      str_list_has(v->option_names, ' ', o->long_name)))
			continue;
		if (o->long_name)
			strv_addf(out, args.value ? "--%s=%s" : "--%s",
				  o->long_name, args.value);
		else
			strv_addf(out, "-%c", o->short_name);
		if (!o->long_name && args.value)
			strv_add(out, args.value);
	}
	free(all);
	strv_release(&words);
	return ret ? ret : got;
}
