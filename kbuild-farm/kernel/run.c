/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/run.h"

#include "kernel/environ.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#define ANSWER_MAX (1u << 16)

void kernel_run_phase(struct kernel_run *run, const char *name)
{
	kernel_farm_emit(&run->farm, EVENT_PHASE, name, 0);
}

void kernel_run_note(struct kernel_run *run, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	run->hooks->note(run->hooks->ctx, text);
	free(text);
}

static int exit_status(int wait_status)
{
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) :
					KERNEL_FAILED;
}

static void note_make(void *ctx, pid_t pid)
{
	const struct kernel_run *run = ctx;

	kernel_rundir_note_make(&run->farm.rundir, pid);
}

/* The environment; while there is a jobserver with its offer. */
static void offer_tokens(struct kernel_run *run, struct spawn *what,
			 struct strv *env)
{
	struct strv ours = { 0 };

	what->env = run->env.v;
	kernel_farm_offer(&run->farm, &ours, run->env.v);
	if (!ours.n)
		return;
	kernel_environ_overlay(env, run->env.v, &ours);
	what->env = env->v;
	what->pass = run->farm.jobserver.fd;
	strv_release(&ours);
}

int kernel_run_program(struct kernel_run *run, char *const *argv,
		       const char *cwd, struct err *err)
{
	struct spawn what = {
		.argv = argv,
		.cwd = cwd,
		.fd = { -1, run->output.log, run->output.log },
	};
	struct strv env = { 0 };
	int status = 0, ret;

	offer_tokens(run, &what, &env);
	ret = kernel_maker_run(&run->maker, &what, note_make, run, &status,
			       err);
	kernel_follow_read(&run->follow);
	strv_release(&env);
	return ret ? ret : exit_status(status);
}

int kernel_run_make(struct kernel_run *run, char *const *options,
		    char *const *targets, struct err *err)
{
	struct strv argv = { 0 };
	int ret;

	kernel_plan_make_argv(run->plan, &argv, options, targets);
	ret = kernel_run_program(run, argv.v, run->plan->tree, err);
	strv_release(&argv);
	return ret;
}

int kernel_run_ask(struct kernel_run *run, const char *target, struct buf *out,
		   struct err *err)
{
	char *const options[] = { (char[]){ "-s" }, NULL };
	char *const targets[] = { (char *)target, NULL };
	struct strv argv = { 0 };
	struct spawn what = {
		.env = run->env.v,
		.cwd = run->plan->tree,
		.fd = { -1, -1, run->output.log },
	};
	int status = 0, ret;

	kernel_plan_make_argv(run->plan, &argv, options, targets);
	what.argv = argv.v;
	ret = kernel_maker_capture(&run->maker, &what, ANSWER_MAX, out, &status,
				   err);
	strv_release(&argv);
	return ret ? ret : exit_status(status);
}
