/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/help.h"

#include <stdlib.h>

void help_all(FILE *out, const struct cmd *const *commands)
{
	fputs("usage: kfarm COMMAND [ARGUMENT]...\n\n", out);
	for (; *commands; commands++)
		fprintf(out, "  %-10s %s\n", (*commands)->name,
			(*commands)->help);
	fputs("\n`kfarm help COMMAND` lists its options; kfarm(1) tells all.\n",
	      out);
}

static void put_option(FILE *out, const struct args_option *o,
		       const char *takers)
{
	char *line = args_help_line(o);

	fprintf(out, takers ? "%s (%s)\n" : "%s\n", line, takers);
	free(line);
}

static void put_options(FILE *out, const struct cmd *c,
			const struct cmd_verb *v)
{
	for (const struct args_option *o = c->options; o && o->help; o++) {
		char *takers = NULL;

		if (v && !str_list_has(v->takes, ' ', o->word))
			continue;
		if (c->verb && !v)
			takers = cmd_verb_takers(c, o->word);
		put_option(out, o, takers);
		free(takers);
	}
}

static void put_verbs(FILE *out, const struct cmd *c)
{
	const struct cmd_verb *v;

	for (size_t i = 0; (v = c->verb(i)); i++) {
		char *words = xasprintf("%s%s", v->name, v->usage);

		fprintf(out, "  %-29s %s\n", words, v->help);
		free(words);
	}
}

void help_one(FILE *out, const struct cmd *c, const char *verb)
{
	const struct cmd_verb *v = c->verb ? cmd_verb_find(c, verb) : NULL;

	fprintf(out, "usage: kfarm %s %s%s%s\n\n%s\n", c->name,
		v ? v->name : c->usage, v ? v->usage : "",
		v && v->takes[0] ? " [OPTION]..." : "", v ? v->help : c->help);
	if (c->verb && !v) {
		fputs("\n", out);
		put_verbs(out, c);
	}
	if (c->options && (!v || v->takes[0])) {
		fputs("\n", out);
		put_options(out, c, v);
	}
	if (c->more)
		fprintf(out, "\n%s", c->more);
}
