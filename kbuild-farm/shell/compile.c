/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/compile.h"

#include "base/str.h"
#include "cc/call.h"
#include "shell/counts.h"
#include "shell/program.h"
#include "shell/shell.h"
#include "shell/signals.h"

#include <string.h>
#include <unistd.h>

static bool is_link(const char *path, const char *links)
{
	const char *name = links && *links ? str_below(path, links) : NULL;

	return name && !strchr(name, '/');
}

/* Lists that may be changed: a call works on its own. */
static char **copy_list(struct arena *a, char *const *list)
{
	size_t n = 0;
	char **copy;

	while (list[n])
		n++;
	copy = arena_alloc(a, (n + 1) * sizeof(*copy));
	return memcpy(copy, list, (n + 1) * sizeof(*copy));
}

/* In a child, which alone holds the slot and the coordinator's socket. */
static int run_apart(struct shell *sh, const struct cc_call *call)
{
	pid_t pid;

	shell_signals_expect();
	pid = fork();
	if (!pid) {
		shell_signals_default();
		_exit(cc_call_exec(call));
	}
	if (pid < 0)
		return shell_fail(sh, "Cannot fork");
	return shell_program_wait(pid);
}

bool shell_compile(struct shell *sh, const struct shell_program *p, char **argv,
		   bool last, int *status)
{
	char **env = shell_program_environment(sh, argv[0]);
	struct cc_call call;
	enum cc_answer answer;

	if (!is_link(p->path, str_env(env, "KFARM_LINKS")))
		return false;
	env = copy_list(&sh->arena, env);
	argv = copy_list(&sh->arena, argv);
	answer = cc_call_begin(&call, argv, env, status);
	if (call.offered)
		shell_counts_add(SHELL_COUNT_COMPILES);
	if (answer == CC_ANSWER_DONE || answer == CC_ANSWER_ENDED)
		;
	else if (last)
		*status = cc_call_exec(&call);
	else
		*status = run_apart(sh, &call);
	cc_call_release(&call);
	shell_signals_settle();
	return true;
}
