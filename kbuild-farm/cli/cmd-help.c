/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/log.h"

#include <stdlib.h>

void cmd_help_all(FILE *out)
{
	fputs("usage: kfarm COMMAND [ARGUMENT]...\n\n", out);
	for (const struct cmd *const *c = cmd_list; *c; c++)
		fprintf(out, "  %-9s %s\n", (*c)->name, (*c)->help);
	fputs("\n`kfarm help COMMAND` lists its options; kfarm(1) tells all.\n",
	      out);
}

void cmd_help_one(FILE *out, const struct cmd *c)
{
	fprintf(out, "usage: kfarm %s %s\n\n%s\n", c->name, c->usage, c->help);
	if (c->options) {
		char *text = args_help(c->options);

		fprintf(out, "\n%s", text);
		free(text);
	}
	if (c->more)
		fprintf(out, "\n%s", c->more);
}

static int help_main(char *const *argv)
{
	static const struct args_option none[] = { { 0 } };
	const struct cmd *about = NULL;
	struct err err = { 0 };
	struct args args;
	int key;

	args_init(&args, none, argv);
	while ((key = args_next(&args, &err)) == ARGS_WORD) {
		const struct cmd *c = cmd_find(args.value);

		if (!c || about) {
			log_error(c ? "help is for one command at a time" :
				      "there is no command \"%s\"",
				  args.value);
			return EXIT_USAGE;
		}
		about = c;
	}
	if (key < 0) {
		log_error("help: %s", err.text);
		return EXIT_USAGE;
	}
	if (about)
		cmd_help_one(stdout, about);
	else
		cmd_help_all(stdout);
	return EXIT_OK;
}

const struct cmd cmd_help = {
	.name = "help",
	.usage = "[COMMAND]",
	.help = "what the commands and their options are",
	.run = help_main,
};
