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

/* Exit statuses.  EXIT_BUILD is make's own status of a failed build. */
enum {
	EXIT_OK = 0,
	EXIT_USAGE = 1, /* usage, set-up, or some of several nodes failed */
	EXIT_BUILD = 2,
	EXIT_WARNINGS = 101,
	EXIT_FARM = 125,
	EXIT_INTERRUPTED = 130,
	/* `git bisect run` aborts at any status of 128 or more. */
	EXIT_ABORT_BISECT = 255,
};

struct cmd_verb {
	const char *name;
	/* the words after the name, with a leading space; "" for no words */
	const char *usage;
	/* accepted options, by long name: "nodes json" */
	const char *option_names;
	size_t min_words, max_words; /* words after the verb */
	const char *help; /* summary of half a line */
};

struct cmd {
	const char *name;
	const char *usage; /* the words that may follow "kfarm NAME" */
	const char *help; /* summary of half a line for `kfarm help` */
	const struct args_option *options; /* for args_init(), or NULL */
	bool takes_variables; /* accepts VAR=VALUE */
	/* the first plain word starts a command that kfarm runs */
	bool takes_command;
	/* Return verb number i, NULL after the last.  NULL without verbs. */
	const struct cmd_verb *(*get_verb)(size_t i);
	const char *extra_help; /* end of `kfarm help NAME`, or NULL */
	/*
	 * Run the command.  `argv` holds the options from $KFARM and then the
	 * words after the name.  Returns the exit status.
	 */
	int (*run)(char *const *argv);
};

extern const struct cmd cmd_build, cmd_run, cmd_tree, cmd_toolchain, cmd_nodes,
	cmd_nightly, cmd_top, cmd_history, cmd_report, cmd_scan, cmd_doctor,
	cmd_completion;

/* Values of some options, shared with completion. */
#define CMD_COLORS      "auto always never"
#define CMD_BUILD_VIEWS "auto ncurses line plain none"
#define CMD_TOP_VIEWS   "auto ncurses plain"
#define CMD_STATES      "good failed stopped killed running"

/*
 * Select from `text`, the value of $KFARM, the words that `c` accepts: options
 * of its table, and VAR=VALUE if it takes variables.
 *
 * The text is quoted as for a shell.  An ARGS_REPLACE list that `argv` gives
 * again is left out.  Options of other commands of `commands` (ends in NULL)
 * are ignored.  Returns 0, or -EINVAL with `err` set for any other word.
 */
int cmd_environment(const struct cmd *c, const struct cmd *const *commands,
		    const char *text, char *const *argv, struct strv *out,
		    struct err *err);

/* Return the verb called `name`, or NULL; `name` may be NULL. */
const struct cmd_verb *cmd_verb_find(const struct cmd *c, const char *name);
/*
 * Parse the command line of `c`: the first plain word is the verb, the other
 * plain words are added to `words`, and options are stored in `into` (see
 * args_store()).
 *
 * Returns the verb if it takes these options and this number of words, else
 * NULL with `err` set.
 */
const struct cmd_verb *cmd_verb_parse(const struct cmd *c, char *const *argv,
				      void *into, struct strv *words,
				      struct err *err);

/* Print one line for each command of a list that ends in NULL. */
void help_all(FILE *out, const struct cmd *const *commands);
/*
 * Print the help of one command with its options and verbs.  If `verb` is not
 * NULL, print only the part for that verb.
 */
void help_one(FILE *out, const struct cmd *c, const char *verb);

#endif
