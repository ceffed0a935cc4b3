/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/spellcheck.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct cmd_verb *cmd_verb_find(const struct cmd *c, const char *name)
{
	for (const struct cmd_verb *v = c->verbs; v && v->name && name; v++) {
		if (!strcmp(v->name, name))
			return v;
	}
	return NULL;
}

struct args_option cmd_verb_option(const struct cmd *c,
				   const struct cmd_verb *v,
				   const struct args_option *o)
{
	struct args_option shown = *o;

	for (const struct cmd_option_help *h = v ? c->option_helps : NULL;
	     h && h->verb; h++) {
		if (!strcmp(h->verb, v->name) &&
		    str_equal(h->option, o->long_name)) {
			shown.value_name = h->value_name;
			shown.help = h->help;
		}
	}
	return shown;
}

/*
 * Return the list of all verbs, such as "list, add or remove".  The caller
 * frees the text.
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
	 * If there are at most three verbs, list all of them instead of
	 * suggesting the most similar one.  A similar word need not be a
	 * misspelling: "csh" is not a misspelled "zsh".
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
 * Return the word at *at without its quotes, and move *at past the word.
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

int cmd_split_words(const char *text, struct strv *out, struct err *err)
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
