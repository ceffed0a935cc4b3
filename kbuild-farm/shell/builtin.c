/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/builtin.h"

#include "shell/shell.h"
#include "shell/signals.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int do_succeed(struct shell *sh, char **argv)
{
	(void)sh, (void)argv;
	return 0;
}

static int do_fail(struct shell *sh, char **argv)
{
	(void)sh, (void)argv;
	return 1;
}

/* All of dash 0.5.12, sorted. */
static const struct shell_builtin builtins[] = {
	{ .name = ".", .special = true },
	{ .name = ":", .run = do_succeed, .special = true, .pure = true },
	{ .name = "[", .run = shell_test, .pure = true },
	{ .name = "alias" },
	{ .name = "bg" },
	{ .name = "break", .run = shell_leave_loops, .special = true },
	{ .name = "cd", .run = shell_cd },
	{ .name = "chdir", .run = shell_cd },
	{ .name = "command", .run = shell_command_v, .pure = true },
	{ .name = "continue", .run = shell_leave_loops, .special = true },
	{ .name = "echo", .run = shell_echo, .pure = true },
	{ .name = "eval", .special = true },
	{ .name = "exec", .run = do_succeed, .special = true },
	{ .name = "exit", .run = shell_exit, .special = true, .pure = true },
	{ .name = "export",
	  .run = shell_export,
	  .special = true,
	  .declares = true },
	{ .name = "false", .run = do_fail, .pure = true },
	{ .name = "fc" },
	{ .name = "fg" },
	{ .name = "getopts" },
	{ .name = "hash" },
	{ .name = "jobs" },
	{ .name = "kill", .run = shell_kill },
	{ .name = "local", .special = true, .declares = true },
	{ .name = "printf", .run = shell_printf, .pure = true },
	{ .name = "pwd", .run = shell_pwd, .pure = true },
	{ .name = "read" },
	{ .name = "readonly", .special = true, .declares = true },
	{ .name = "return", .special = true },
	{ .name = "set", .run = shell_set, .special = true },
	{ .name = "shift", .run = shell_shift, .special = true },
	{ .name = "test", .run = shell_test, .pure = true },
	{ .name = "times", .special = true },
	{ .name = "trap", .run = shell_trap, .special = true },
	{ .name = "true", .run = do_succeed, .pure = true },
	{ .name = "type" },
	{ .name = "ulimit" },
	{ .name = "umask" },
	{ .name = "unalias" },
	{ .name = "unset", .run = shell_unset, .special = true },
	{ .name = "wait", .run = do_succeed },
};

static int compare(const void *name, const void *builtin)
{
	return strcmp(name, ((const struct shell_builtin *)builtin)->name);
}

const struct shell_builtin *shell_builtin_find(const char *name)
{
	return bsearch(name, builtins, sizeof(builtins) / sizeof(*builtins),
		       sizeof(*builtins), compare);
}

/* What SIGPIPE ends is the subshell that printed; it is not said. */
static int print_out(struct shell *sh, const char *name)
{
	int ret;

	if (!sh->out.len)
		return 0;
	if (sh->capture) {
		buf_add_bytes(sh->capture, buf_bytes(&sh->out));
		return 0;
	}
	ret = shell_write(STDOUT_FILENO, sh->out.data, sh->out.len);
	if (!ret || shell_signals_pipe_broke())
		return 0;
	shell_say(sh, "%s: I/O error", name);
	return 1;
}

int shell_builtin_run(struct shell *sh, const struct shell_builtin *b,
		      char **argv)
{
	int status;

	sh->builtin = argv[0];
	buf_reset(&sh->out);
	status = b->run(sh, argv);
	status |= print_out(sh, argv[0]);
	sh->builtin = NULL;
	if (status == 2 && sh->skip == SHELL_EXIT && !b->special)
		sh->skip = SHELL_GO_ON;
	return status;
}
