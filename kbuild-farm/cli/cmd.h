/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/cmd.h - Subcommands of kfarm: description, verbs, help.
 *
 * Each subcommand is one file that ends in a struct cmd.  Results go to stdout,
 * progress and errors to stderr (base/log.h).  Completion, --help and the
 * parser of the command line use the same tables.
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "base/args.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdio.h>

/* Exit statuses.  EXIT_BUILD is the status of make if a build fails. */
enum {
	EXIT_OK = 0,
	EXIT_USAGE = 1, /* wrong usage, failed set-up or failed node */
	EXIT_BUILD = 2,
	EXIT_WARNINGS = 101,
	EXIT_FARM = 125,
	EXIT_INTERRUPTED = 130,
	/* `git bisect run` aborts at any status of 128 or more. */
	EXIT_ABORT_BISECT = 255,
};

struct cmd_verb {
	const char *name;
	/* description of the arguments with a leading space: " NAME..." */
	const char *usage;
	/* accepted options, by long name: "nodes json" */
	const char *option_names;
	size_t min_words, max_words; /* number of arguments after the verb */
	const char *help; /* short summary */
	/*
	 * Run the verb and return the exit status.  `request` is the parsed
	 * command line, such as a struct nodes_request.  `run` is NULL if the
	 * command itself handles all its verbs.
	 */
	int (*run)(void *request);
};

/* The help of an option whose meaning depends on the verb. */
struct cmd_option_help {
	const char *verb, *option; /* long name of the option */
	const char *value_name, *help;
};

struct cmd {
	const char *name;
	const char *usage; /* arguments after "kfarm NAME", for the help */
	const char *help; /* short summary for `kfarm help` */
	const struct args_option *options; /* for args_init(), or NULL */
	bool takes_variables; /* accepts VAR=VALUE */
	/* the first argument that is not an option begins a user's command */
	bool takes_command;
	const struct cmd_verb *verbs; /* ends in an empty entry; or NULL */
	/* ends in an empty entry; or NULL */
	const struct cmd_option_help *option_helps;
	const char *extra_help; /* end of `kfarm help NAME`, or NULL */
	/* the only verb whose help contains `extra_help`; NULL for all */
	const char *extra_help_verb;
	/*
	 * Run the command.  `argv` contains the options from $KFARM, then the
	 * arguments after the name.  Returns the exit status.
	 */
	int (*run)(char *const *argv);
};

extern const struct cmd cmd_build, cmd_run, cmd_tree, cmd_toolchain, cmd_nodes,
	cmd_nightly, cmd_top, cmd_history, cmd_report, cmd_cache, cmd_scan,
	cmd_doctor, cmd_clean, cmd_completion;

/* Values of some options, used by their parsers and by completion. */
#define CMD_COLORS      "auto always never"
#define CMD_BUILD_VIEWS "auto ncurses line plain none"
#define CMD_TOP_VIEWS   "auto ncurses plain"
#define CMD_STATES      "good failed stopped killed running"

/*
 * Return the verb of `c` called `name`.  Returns NULL if `c` has no such verb
 * or no verbs at all, or if `name` is NULL.
 */
const struct cmd_verb *cmd_verb_find(const struct cmd *c, const char *name);
/*
 * Return the option `o` of `c` with the help for the verb `v`, or with its
 * general help if `v` is NULL.
 */
struct args_option cmd_verb_option(const struct cmd *c,
				   const struct cmd_verb *v,
				   const struct args_option *o);
/*
 * Return "; did you mean \"VERB\"?" for the unknown verb `name`, or
 * "; expected list, add or remove" if no verb is similar or `c` has at most
 * three verbs.  The caller frees the text.
 */
char *cmd_verb_suggestion(const struct cmd *c, const char *name);
/*
 * Parse the command line of `c`: options are stored in `into` (see
 * args_store()), the first other argument is the verb, and all further
 * arguments are added to `words`.
 *
 * Returns the verb if it accepts these options and this number of arguments,
 * otherwise NULL after logging the error.
 */
const struct cmd_verb *cmd_verb_parse(const struct cmd *c, char *const *argv,
				      void *into, struct strv *words);

/*
 * Split `text`, which is quoted as for a shell, and append its words to `out`.
 * Returns 0, or -EINVAL with `err` set if a quote is not closed.
 */
int cmd_split_words(const char *text, struct strv *out, struct err *err);

#endif
