/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/foreground.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "kernel/config.h"
#include "kernel/lock.h"
#include "kernel/run.h"
#include "kernel/target.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a configuration, where one is needed ---- */

static bool needs_config(const struct kernel_plan *p, bool *synced)
{
	bool config = false;

	*synced = false;
	for (size_t i = 0; i < p->request->targets.n; i++) {
		enum kernel_target_use use = kernel_target_use(
			p->request->targets.v[i]);

		config |= use != KERNEL_TARGET_TELLS_TREE;
		*synced |= use == KERNEL_TARGET_TELLS_SYNCED;
	}
	return config;
}

static int make_config(struct kernel_result *out,
		       const struct kernel_plan *plan, bool synced,
		       const struct kernel_hooks *hooks, struct err *err)
{
	struct kernel_run run;
	int ret = kernel_run_start_config(&run, plan, hooks, err);

	/* It takes seconds, and who is asked next sits there. */
	if (!ret && !kernel_target_only_prints(&plan->request->targets))
		log_info("making the configuration first");
	if (!ret)
		ret = kernel_config_apply(&run, err);
	if (!ret && synced)
		ret = kernel_target_run_sync(&run, err);
	/* Nobody else keeps what make said. */
	if (ret > 0 && !run.maker.stopped_by && !hooks->line)
		out->summary = kernel_run_log(&run);
	if (ret > 0)
		out->status = ret;
	out->cause = KERNEL_CAUSE_CONFIG;
	if (run.full.text[0]) {
		*err = run.full;
		out->cause = KERNEL_CAUSE_MACHINE;
	}
	out->signal = run.maker.stopped_by;
	kernel_run_end(&run);
	return ret;
}

static int prepare_config(struct kernel_result *out,
			  const struct kernel_plan *plan,
			  const struct kernel_hooks *hooks, struct err *err)
{
	bool synced;

	if (!needs_config(plan, &synced) ||
	    (kernel_config_is_done(plan) &&
	     (!synced || kernel_target_is_synced(plan))))
		return 0;
	return make_config(out, plan, synced, hooks, err);
}

/* ---- make, as the caller's own ---- */

static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
#define N_PASSED_ON (sizeof(passed_on) / sizeof(*passed_on))

static volatile pid_t foreground;

/* What the terminal sends comes to make by itself. */
static void pass_on(int number, siginfo_t *from, void *context)
{
	(void)context;
	if (from->si_code != SI_KERNEL && foreground > 0)
		kill(foreground, number);
}

/* Who started us with a signal ignored wants that of make, too. */
static void forward_signals(struct sigaction *before)
{
	struct sigaction ours = { .sa_sigaction = pass_on,
				  .sa_flags = SA_SIGINFO | SA_RESTART };

	for (size_t i = 0; i < N_PASSED_ON; i++) {
		sigaction(passed_on[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(passed_on[i], &ours, NULL);
	}
}

static int run_and_wait(const struct spawn *what, int *status, struct err *err)
{
	struct sigaction before[N_PASSED_ON];
	sigset_t set, mask;
	pid_t pid;
	int ret;

	sigemptyset(&set);
	for (size_t i = 0; i < N_PASSED_ON; i++)
		sigaddset(&set, passed_on[i]);
	pthread_sigmask(SIG_BLOCK, &set, &mask);
	forward_signals(before);
	ret = spawn_start(what, &pid, err);
	if (!ret) {
		foreground = pid;
		pthread_sigmask(SIG_SETMASK, &mask, NULL);
		*status = spawn_wait(pid);
		foreground = 0;
	}
	for (size_t i = 0; i < N_PASSED_ON; i++)
		sigaction(passed_on[i], &before[i], NULL);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	return ret;
}

static int run_make(struct kernel_result *out, const struct kernel_plan *plan,
		    struct err *err)
{
	struct kernel_plan here = *plan;
	char silent[] = "-s", no_names[] = "--no-print-directory";
	char *const options[] = { silent, no_names, NULL };
	bool asks, ignored;
	struct strv argv = { 0 }, env = { 0 };
	struct spawn what = {
		.cwd = plan->tree,
		.fd = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
		.as_we_were = true,
	};
	int status = 0, ret;

	/* What the tree alone tells needs no directory to be made. */
	if (!needs_config(plan, &ignored) && plan->place.kind == KERNEL_CHOSEN)
		here.place.variable = NULL;
	asks = !kernel_target_only_prints(&plan->request->targets);
	kernel_plan_make_argv(&here, &argv, asks ? NULL : options,
			      plan->request->targets.v);
	kernel_plan_env(plan, &env, NULL, NULL);
	what.argv = argv.v;
	what.env = env.v;
	ret = run_and_wait(&what, &status, err);
	if (!ret && WIFSIGNALED(status))
		out->signal = WTERMSIG(status);
	if (!ret)
		out->status = WIFEXITED(status) ? WEXITSTATUS(status) :
						  KERNEL_FAILED;
	strv_release(&env);
	strv_release(&argv);
	return ret;
}

/* ---- the two kinds ---- */

static void summarize_config(struct kernel_result *out,
			     const struct kernel_plan *plan)
{
	const struct strv *targets = &plan->request->targets;
	char *config = kernel_plan_path(plan, ".config");
	char *names = strv_join(targets, " ");

	if (fs_exists(config)) {
		kernel_config_keep_edited(plan, names);
		if (!plan->request->menuconfig)
			out->summary = xasprintf(
				"the configuration is %s; kfarm "
				"build with the same options, without "
				"%s, builds it\n",
				config, names);
	}
	free(names);
	free(config);
}

/* As a build does, so that none changes the directory meanwhile. */
static int run_interactive(struct kernel_result *out,
			   const struct kernel_plan *plan, struct err *err)
{
	struct kernel_lock lock = { .fd = -1 };
	int ret = 0;

	if (plan->place.kind != KERNEL_IN_TREE)
		ret = fs_mkdirs(plan->place.dir, 0777, err);
	if (!ret)
		ret = kernel_lock_take(&lock, plan->place.dir, err);
	if (!ret)
		ret = run_make(out, plan, err);
	if (!ret && !out->status && !out->signal)
		summarize_config(out, plan);
	kernel_lock_release(&lock);
	return ret;
}

void kernel_foreground(struct kernel_result *out,
		       const struct kernel_plan *plan,
		       const struct kernel_hooks *hooks, struct err *err)
{
	int ret;

	*out = (struct kernel_result){ .status = KERNEL_SETUP };
	ret = prepare_config(out, plan, hooks, err);
	if (ret)
		return;
	if (kernel_target_only_prints(&plan->request->targets))
		run_make(out, plan, err);
	else
		run_interactive(out, plan, err);
}
