/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/compile.h"

#include "base/str.h"
#include "shell/counts.h"
#include "shell/program.h"
#include "shell/redirect.h"
#include "shell/shell.h"
#include "shell/signals.h"

#include <fcntl.h>
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

bool shell_compile_is_link(struct shell *sh, const struct shell_program *p,
			   const char *name)
{
	return is_link(p->path, str_env(shell_program_environment(sh, name),
					"KFARM_LINKS"));
}

enum cc_answer shell_compile_ask(struct shell *sh, struct cc_call *call,
				 char **argv, const struct cc_step *step,
				 int *status)
{
	char **env = shell_program_environment(sh, argv[0]);
	enum cc_answer answer;

	argv = copy_list(&sh->arena, argv);
	env = copy_list(&sh->arena, env);
	answer = cc_call_begin(call, argv, env, step, status);
	if (call->offered && (!step || cc_step_compiles(step)))
		shell_counts_add(SHELL_COUNT_COMPILES);
	if (call->stepped && answer == CC_ANSWER_DONE)
		shell_counts_add(SHELL_COUNT_STEPS);
	return answer;
}

int shell_compile_hold_slot(struct cc_call *call)
{
	int fd = cc_call_hold_slot(call);

	if (fd < 0)
		return -1;
	fd = shell_redirect_hide(fd);
	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
	return fd;
}

bool shell_compile(struct shell *sh, const struct shell_program *p, char **argv,
		   bool last, const struct cc_step *step, int *status)
{
	struct cc_call call;
	enum cc_answer answer;

	if (!shell_compile_is_link(sh, p, argv[0]))
		return false;
	answer = shell_compile_ask(sh, &call, argv, step, status);
	if (step)
		sh->step_why = call.stepped ? SHELL_STEP_JOB :
					      SHELL_STEP_OPTION;
	if (answer == CC_ANSWER_DONE || answer == CC_ANSWER_ENDED)
		;
	else if (last)
		*status = cc_call_exec(&call);
	else {
		if (call.stepped)
			sh->slot = shell_compile_hold_slot(&call);
		*status = run_apart(sh, &call);
	}
	if (answer == CC_ANSWER_DONE && call.stepped && !*status)
		sh->tool_done = sh->tool;
	cc_call_release(&call);
	shell_signals_settle();
	return true;
}
