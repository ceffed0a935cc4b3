/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/cmd.h - a subcommand of kfarm: one file that ends in one of these.
 *
 * Results go to stdout, progress and errors to stderr (base/log.h).
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "base/args.h"
#include "base/str.h"
#include "cli/verb.h"

#include <stdbool.h>
#include <stdio.h>

/* interface.md, section 2; make's own status of a failed build is 2. */
enum {
	EXIT_OK = 0,
	EXIT_USAGE = 1, /* usage, set-up, or some of several nodes failed */
	EXIT_BUILD = 2,
	EXIT_WARNINGS = 101,
	EXIT_FARM = 125,
	EXIT_INTERRUPTED = 130,
	EXIT_STOPS_BISECT = 255, /* 128 and more do, in `git bisect run` */
};

struct cmd {
	const char *name;
	const char *usage; /* what may follow "kfarm NAME" */
	const char *help; /* half a line for `kfarm help` */
	const struct args_option *options; /* for args_init(); NULL: none */
	bool variables; /* takes VAR=VALUE */
	bool takes_command; /* its first plain word begins a command of others
			     */
	/* Its verbs by their number, NULL behind the last; or NULL: none. */
	const struct cmd_verb *(*verb)(size_t i);
	const char *more; /* further text of `kfarm help NAME`; may be NULL */
	/*
	 * `argv` are the words after the name, those of $KFARM in front.
	 * Returns the exit status.
	 */
	int (*run)(char *const *argv);
};

extern const struct cmd cmd_build, cmd_run, cmd_tree, cmd_toolchain, cmd_nodes,
	cmd_nightly, cmd_top, cmd_history, cmd_report, cmd_scan, cmd_doctor,
	cmd_completion;

/* What some options take, for them and for completion. */
#define CMD_COLORS      "auto always never"
#define CMD_BUILD_VIEWS "auto ncurses line plain none"
#define CMD_TOP_VIEWS   "auto ncurses plain"
#define CMD_STATES      "good failed stopped killed running"

/*
 * The words of $KFARM (`text`, quoted as for a shell) that `c` understands:
 * options of its table, and VAR=VALUE if it takes these.  A list that `argv`,
 * the words of the command line, has again is left out where it says
 * ARGS_REPLACE.  Options of other commands (a list that ends in NULL) are
 * passed over; anything else is -EINVAL with `err` set.
 */
int cmd_environment(const struct cmd *c, const struct cmd *const *commands,
		    const char *text, char *const *argv, struct strv *out,
		    struct err *err);

#endif
