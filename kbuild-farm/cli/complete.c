/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/complete.h"

#include "base/buf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct args_option none[] = { { 0 } };

static const struct args_option *table_of(const struct cmd *c)
{
	return c->options ? c->options : none;
}

static bool takes_value(const struct args_option *o)
{
	return o->value && o->value[0] != '[';
}

/* ---- the words in front ---- */

static void note_option(struct complete *c, const struct args_option *o,
			const char *value)
{
	const struct {
		const char *word;
		const char **into;
	} known[] = { { "directory", &c->directory },
		      { "arch", &c->arch },
		      { "tree", &c->tree } };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (str_equal(o->word, known[i].word))
			*known[i].into = value;
	}
}

static void note_word(struct complete *c, const char *word)
{
	if (c->cmd->verb && !c->verb && !c->n_plain) {
		c->verb = cmd_verb_find(c->cmd, word);
		c->n_plain = !c->verb;
		return;
	}
	if (!c->n_plain++)
		c->first_plain = word;
}

/* `at` of the words behind our command's name. */
static void begin_command(struct complete *c, size_t at)
{
	c->by_shell = COMPLETE_COMMAND;
	c->command_at = at + 2;
}

static void read_words_before(struct complete *c, char *const *before)
{
	struct err ignored = { 0 };
	struct args a;
	int got;

	args_init(&a, table_of(c->cmd), before);
	a.variables = c->cmd->variables;
	for (;;) {
		a.option = a.bundle ? a.option : NULL;
		got = args_next(&a, &ignored);
		if (got == ARGS_END)
			break;
		if (got == ARGS_OPTION)
			note_option(c, a.option, a.value);
		else if (got == ARGS_VARIABLE && str_starts(a.value, "ARCH="))
			c->arch = a.value + strlen("ARCH=");
		else if (got == ARGS_WORD && c->cmd->takes_command)
			begin_command(c, (size_t)(a.argv - before) - 1);
		else if (got == ARGS_WORD)
			note_word(c, a.value);
		else if (got < 0 && !*a.argv && a.option &&
			 takes_value(a.option))
			c->pending = a.option;
		if (got < 0)
			a.bundle = NULL;
		if (c->by_shell == COMPLETE_COMMAND)
			return;
	}
	c->only_words = a.only_words;
	c->n_before = (size_t)(a.argv - before);
	if (c->cmd->takes_command && c->only_words)
		begin_command(c, c->n_before);
}

/* ---- offers ---- */

static void keep_front(struct complete *c, const char *word, size_t n)
{
	free(c->kept);
	c->kept = xstrndup(word, n);
	c->typed = word + n;
}

static void offer_commands(struct complete *c)
{
	for (const struct cmd *const *i = c->commands; *i; i++)
		complete_offer(c, (*i)->name, (*i)->help);
	if (c->typed[0] == '-') {
		complete_offer(c, "--help", "what the commands are");
		complete_offer(c, "--version", "which kfarm this is");
	}
}

static void offer_verbs(struct complete *c)
{
	const struct cmd_verb *v;

	for (size_t i = 0; (v = c->cmd->verb(i)); i++)
		complete_offer(c, v->name, v->help);
}

static bool fits_verb(const struct complete *c, const struct args_option *o)
{
	return !c->verb || str_list_has(c->verb->takes, ' ', o->word);
}

static void offer_options(struct complete *c)
{
	const struct args_option *o = table_of(c->cmd);

	for (; o->help; o++) {
		char letter[3] = { '-', o->letter, '\0' };
		char *word = xasprintf("--%s", o->word ? o->word : "");

		if (o->word && fits_verb(c, o))
			complete_offer(c, word, o->help);
		if (o->letter && fits_verb(c, o))
			complete_offer(c, letter, o->help);
		free(word);
	}
	complete_offer(c, "--help", "what this command is");
}

/* ---- the word itself ---- */

static const struct args_option *option_named(const struct complete *c,
					      const char *name, size_t n)
{
	const struct args_option *o = table_of(c->cmd);

	for (; o->help; o++) {
		if (o->word && strlen(o->word) == n &&
		    !memcmp(o->word, name, n))
			return o;
	}
	return NULL;
}

static const struct args_option *option_lettered(const struct complete *c,
						 char letter)
{
	const struct args_option *o = table_of(c->cmd);

	for (; o->help; o++) {
		if (o->letter == letter)
			return o;
	}
	return NULL;
}

/* "--arch=ar", "-aar" or a part of an option's name. */
static void complete_option(struct complete *c, const char *word)
{
	const char *equals = strchr(word, '=');
	const struct args_option *o = NULL;
	size_t n = 0;

	if (word[1] == '-' && equals) {
		n = (size_t)(equals - word) + 1;
		o = option_named(c, word + 2, n - 3);
	} else if (word[1] != '-' && word[1] && word[2]) {
		n = 2;
		o = option_lettered(c, word[1]);
		o = o && takes_value(o) ? o : NULL;
	} else {
		offer_options(c);
	}
	if (o && o->value) {
		keep_front(c, word, n);
		complete_value(c, o->value);
	}
}

/* The letters of one word of a usage; "..." is told by *many. */
static char *usage_word(const char *at, size_t len, bool *many)
{
	struct buf out = { 0 };

	*many = memmem(at, len, "...", 3) != NULL;
	for (size_t i = 0; i < len; i++) {
		if (isalpha((unsigned char)at[i]) || strchr("_=|", at[i]))
			buf_add(&out, at + i, 1);
	}
	return buf_steal(&out);
}

/* What the word number `at` is in "[OPTION]... [NAME=VALUE]... NAME [ID]...";
 * NULL: there is none.  The caller frees it. */
static char *usage_at(const char *usage, size_t at)
{
	char *last = NULL;
	bool many = false;

	for (size_t n = 0; *usage; usage += strcspn(usage, " ")) {
		char *word;

		usage += strspn(usage, " ");
		word = usage_word(usage, strcspn(usage, " "), &many);
		if (!*word || !strcmp(word, "OPTION") || strchr(word, '=')) {
			free(word);
			many = false;
			continue;
		}
		free(last);
		last = word;
		if (n++ == at)
			return last;
	}
	if (last && many)
		return last;
	free(last);
	return NULL;
}

/* ARCH=ar, O=DIR */
static bool complete_variable(struct complete *c, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : 0;
	char *name = xstrndup(word, n);

	if (c->cmd->variables && n) {
		keep_front(c, word, n + 1);
		complete_value(c, !strcmp(name, "ARCH") ? "ARCH" :
				  str_list_has("O KBUILD_OUTPUT", ' ', name) ?
							  "DIR" :
							  "VALUE");
	}
	free(name);
	return c->cmd->variables && n;
}

static void complete_plain(struct complete *c, const char *word)
{
	const char *usage = c->verb ? c->verb->usage : c->cmd->usage;
	char *what;

	if (c->cmd->verb && !c->verb) {
		if (!c->n_plain)
			offer_verbs(c);
		return;
	}
	if (c->cmd->takes_command)
		begin_command(c, c->n_before);
	if (complete_variable(c, word))
		return;
	what = usage ? usage_at(usage, c->n_plain) : NULL;
	if (what)
		complete_value(c, what);
	free(what);
}

/* Sorted, and each word with the first of its descriptions. */
static void sort_found(struct complete *c)
{
	struct strv once = { 0 };
	size_t before = 0;

	strv_sort_unique(&c->found);
	for (size_t i = 0; i < c->found.n; i++) {
		const char *word = c->found.v[i];
		size_t n = strcspn(word, "\t");

		if (once.n && n == before &&
		    !strncmp(once.v[once.n - 1], word, n))
			continue;
		strv_add(&once, word);
		before = n;
	}
	strv_release(&c->found);
	c->found = once;
}

void complete_word(struct complete *c, const struct cmd *const *commands,
		   char *const *before, const char *word)
{
	*c = (struct complete){ .commands = commands, .typed = word };
	c->kept = xstrdup("");
	for (; before[0] && *commands && !c->cmd; commands++) {
		if (!strcmp((*commands)->name, before[0]))
			c->cmd = *commands;
	}
	if (c->cmd)
		read_words_before(c, before + 1);
	if (!before[0])
		offer_commands(c);
	else if (!c->cmd || c->by_shell == COMPLETE_COMMAND)
		return;
	else if (c->pending)
		complete_value(c, c->pending->value);
	else if (word[0] == '-' && !c->only_words)
		complete_option(c, word);
	else
		complete_plain(c, word);
	sort_found(c);
}

void complete_release(struct complete *c)
{
	strv_release(&c->found);
	free(c->kept);
	*c = (struct complete){ 0 };
}
