/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/buf.h"
#include "base/vec.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* One word from `*at` on, without its quotes; NULL for an open quote. */
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
			return err_set(err, EINVAL, "a quote is not closed");
		strv_own(out, word);
	}
}

/* One table of all commands' options, those of `c` first; *n_own is how many.
 */
static struct args_option *all_options(const struct cmd *c,
				       const struct cmd *const *commands,
				       size_t *n_own)
{
	struct args_option *all = NULL;
	const struct args_option *o;
	size_t n = 0;

	for (o = c->options; o && o->help; o++)
		*VEC_ADD(all, n) = *o;
	*n_own = n;
	for (; *commands; commands++) {
		for (o = (*commands)->options; o && o->help; o++)
			*VEC_ADD(all, n) = *o;
	}
	(void)VEC_ADD(all, n);
	return all;
}

static void add_option(struct strv *out, const struct args_option *o,
		       const char *value)
{
	if (o->word)
		strv_addf(out, value ? "--%s=%s" : "--%s", o->word, value);
	else
		strv_addf(out, "-%c", o->letter);
	if (!o->word && value)
		strv_add(out, value);
}

/* Is this list given in the words of the command line, too? */
static bool is_given_again(const struct cmd *c, const struct args_option *o,
			   char *const *argv)
{
	struct err ignored = { 0 };
	struct args args;
	int got;

	if (o->n != ARGS_REPLACE)
		return false;
	args_init(&args, c->options, argv);
	args.variables = c->variables;
	while ((got = args_next(&args, &ignored)) > 0) {
		if (got == ARGS_OPTION && str_equal(args.option->word, o->word))
			return true;
	}
	return false;
}

static int filter_options(const struct cmd *c, const struct args_option *all,
			  size_t n_own, char *const *words, char *const *argv,
			  struct strv *out, struct err *err)
{
	struct args args;
	int got;

	args_init(&args, all, words);
	args.variables = true;
	while ((got = args_next(&args, err)) > 0) {
		if (got == ARGS_WORD)
			return err_set(err, EINVAL, "\"%s\" is not an option",
				       args.value);
		if (got == ARGS_VARIABLE && c->variables)
			strv_add(out, args.value);
		else if (got == ARGS_OPTION && args.option < all + n_own &&
			 !is_given_again(c, args.option, argv))
			add_option(out, args.option, args.value);
	}
	return got;
}

int cmd_environment(const struct cmd *c, const struct cmd *const *commands,
		    const char *text, char *const *argv, struct strv *out,
		    struct err *err)
{
	struct strv words = { 0 };
	struct args_option *all;
	size_t n_own;
	int ret;

	all = all_options(c, commands, &n_own);
	ret = split_words(text, &words, err);
	if (!ret && words.n)
		ret = filter_options(c, all, n_own, words.v, argv, out, err);
	free(all);
	strv_release(&words);
	return ret;
}
