/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/shell.h - the state of a shell while it runs a script.
 *
 * Children made by fork go on with a copy of it; a subshell that leaves nothing
 * behind is run in the same process (shell/known.h says which).
 */
#ifndef SHELL_SHELL_H
#define SHELL_SHELL_H

#include "base/arena.h"
#include "base/buf.h"
#include "shell/counts.h"
#include "shell/expand.h"
#include "shell/vars.h"

#include <sys/types.h>

/* What commands are passed over for. */
enum shell_skip {
	SHELL_GO_ON,
	SHELL_BREAK,
	SHELL_CONTINUE,
	SHELL_EXIT, /* to the end of this shell or subshell: `status` */
};

struct shell {
	struct arena arena;
	struct shell_vars vars;
	struct shell_expand expand;
	const char *name; /* $0, and what messages begin with */
	pid_t pid; /* $$: of subshells, too */
	char *dir; /* where we are, as cd was told */
	char **args; /* $1 ... */
	size_t n_args;
	unsigned line; /* of the command that is run */
	const char *builtin; /* its name, for messages; NULL: none runs */

	int status; /* $? */
	enum shell_skip skip;
	unsigned skip_levels; /* loops to leave */
	unsigned loops; /* we are in */
	bool errexit;
	int trap_status; /* $? before the trap that is run; -1: none is */
	/* Subshells in this process around what is run now. */
	unsigned contained;
	int substituted; /* the status of the last $() of a command */

	struct buf out; /* what a builtin prints, until it ends */
	struct buf *capture; /* takes it instead of standard output */

	char number[3 * sizeof(int) + 2]; /* what $? and $$ come to */
	/*
	 * The environment of programs where no shell would have been: then no
	 * variable is.  NULL: of what is exported.
	 */
	char **as_is;
	/*
	 * The command behind the one that is run, if it may be done with it,
	 * and that which was (shell/step.h); NULL: none.
	 */
	const struct shell_node *tool, *tool_done;
	/* Held for it, as it runs here behind its compile; -1: no slot is. */
	int slot;
	/* Of such a command, should it be started next: why it runs here. */
	enum shell_step_why step_why;
	/* What only make is to see of us, NAME=value; NULL: nothing. */
	char *const *for_make;
};

/*
 * Say "NAME: LINE: " and in a builtin its name, then this, as dash does; one
 * write.
 */
void shell_say(struct shell *sh, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The same as an error that ends the shell with status 2, which is returned. */
int shell_fail(struct shell *sh, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* strerror() in the words of the C library that other programs have. */
const char *shell_errno_words(int code);
/* What dash says where a program or file is not there: `missing`. */
const char *shell_open_words(int code, const char *missing);
/* strsignal() in the same way. */
const char *shell_signal_words(int sig);

/* Write all of it; 0 or a negative errno. */
int shell_write(int fd, const void *data, size_t len);

#endif
