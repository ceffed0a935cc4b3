/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/interactive.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/vec.h"
#include "kernel/builddir.h"
#include "kernel/config.h"
#include "kernel/internal.h"
#include "kernel/target-outputs.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_MAX (1u << 24)

/* ---- configuration ---- */

/*
 * Return true if a target needs a .config; *synced is set if a target needs
 * include/config/auto.conf, too.
 */
static bool needs_config(const struct kernel_plan *p, bool *synced)
{
	bool config = false;

	*synced = false;
	for (size_t i = 0; i < p->request->targets.n; i++) {
		enum kernel_target_kind use = kernel_target_kind(
			p->request->targets.v[i]);

		config |= use != KERNEL_TARGET_KIND_PRINT_TREE;
		*synced |= use == KERNEL_TARGET_KIND_PRINT_SYNCED;
	}
	return config;
}

/* Create the .config if the targets need it and it is not current. */
static int prepare_config(struct kernel_result *out,
			  const struct kernel_plan *plan,
			  const struct kernel_hooks *hooks, struct err *err)
{
	struct kernel_build_state run;
	struct buf log = { 0 };
	struct err ignored;
	bool synced, started;
	char *path;
	int ret;

	if (!needs_config(plan, &synced) ||
	    (kernel_config_is_current(plan) &&
	     (!synced || kernel_config_is_synced(plan))))
		return 0;
	ret = kernel_build_start_config(&run, plan, hooks, err);
	started = !ret;
	/* Creating the configuration takes seconds, so explain the delay. */
	if (!ret && !kernel_target_is_print_only(&plan->request->targets))
		log_info("creating the configuration first");
	if (!ret)
		ret = kernel_config_apply(&run, err);
	if (!ret && synced)
		ret = kernel_config_sync(&run, err);
	/* The log is removed with the run directory, so return its text. */
	if (ret > 0 && !run.supervisor.stop_signal && !hooks->on_line) {
		path = kernel_outdir_path(&run.outdir, "build.log");
		if (fs_read(path, LOG_MAX, &log, &ignored))
			buf_reset(&log);
		out->summary = buf_steal(&log);
		free(path);
	}
	if (ret > 0)
		out->status = ret;
	if (run.disk_full_err.text[0]) {
		*err = run.disk_full_err;
		out->cause = KERNEL_CAUSE_DISK_FULL;
	} else if (started && ret) {
		out->cause = KERNEL_CAUSE_CONFIG;
	}
	out->signal = run.supervisor.stop_signal;
	kernel_build_end(&run);
	return ret;
}

/* ---- make on the terminal ---- */

static const int forwarded_signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
#define N_FORWARDED_SIGNALS ARRAY_SIZE(forwarded_signals)

/* used by the signal handler */
static volatile pid_t child_pid;
static volatile sig_atomic_t received_signal; /* the last one; 0: none */

/*
 * Forward a signal that a process sent to kfarm.  A signal from the terminal
 * reaches make directly.
 */
static void forward_signal(int number, siginfo_t *from, void *context)
{
	(void)context;
	received_signal = number;
	if (from->si_code != SI_KERNEL && child_pid > 0)
		kill(child_pid, number);
}

static int run_and_wait(const struct spawn *what, int *status, struct err *err)
{
	struct sigaction forward = { .sa_sigaction = forward_signal,
				     .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction before[N_FORWARDED_SIGNALS];
	sigset_t set, mask;
	pid_t pid;
	int ret;

	sigemptyset(&set);
	for (size_t i = 0; i < N_FORWARDED_SIGNALS; i++)
		sigaddset(&set, forwarded_signals[i]);
	pthread_sigmask(SIG_BLOCK, &set, &mask);
	received_signal = 0;
	/* A signal that kfarm's caller ignores stays ignored. */
	for (size_t i = 0; i < N_FORWARDED_SIGNALS; i++) {
		sigaction(forwarded_signals[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(forwarded_signals[i], &forward, NULL);
	}
	ret = spawn_start(what, &pid, err);
	if (!ret) {
		child_pid = pid;
		pthread_sigmask(SIG_SETMASK, &mask, NULL);
		*status = spawn_wait(pid);
		child_pid = 0;
	}
	for (size_t i = 0; i < N_FORWARDED_SIGNALS; i++)
		sigaction(forwarded_signals[i], &before[i], NULL);
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
	struct strv argv = { 0 }, env = { 0 }, goals = { 0 };
	struct spawn what = {
		.cwd = plan->tree,
		.stdio_fds = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
		.transparent = true,
	};
	int status = 0, ret;

	/*
	 * Targets that need only the tree must not create the build directory.
	 */
	if (!needs_config(plan, &ignored) &&
	    plan->builddir.kind == KERNEL_BUILDDIR_DEFAULT)
		here.builddir.variable = NULL;
	asks = !kernel_target_is_print_only(&plan->request->targets);
	/* With M=, kbuild has no Kconfig targets, so omit M= for them. */
	if (!asks)
		kernel_plan_add_goals(plan, &goals, NULL);
	strv_add_all(&goals, strv_list(&plan->request->targets));
	kernel_plan_make_argv(&here, &argv, asks ? NULL : options, goals.v);
	strv_release(&goals);
	kernel_plan_env(plan, &env, NULL, NULL);
	what.argv = argv.v;
	what.env = env.v;
	ret = run_and_wait(&what, &status, err);
	/*
	 * GNU make can lose a child that Ctrl-C has ended ("wait: No child
	 * processes"), and then exits with status 2.  So if make exits with an
	 * error, use the signal that kfarm has received.
	 */
	if (!ret && status)
		out->signal = WIFSIGNALED(status) ? WTERMSIG(status) :
						    received_signal;
	if (!ret)
		out->status = WIFEXITED(status) ? WEXITSTATUS(status) :
						  KERNEL_STATUS_FAILED;
	strv_release(&env);
	strv_release(&argv);
	return ret;
}

void kernel_interactive_run(struct kernel_result *out,
			    const struct kernel_plan *plan,
			    const struct kernel_hooks *hooks, struct err *err)
{
	struct kernel_lock lock = { .fd = -1 };
	char *config, *names;
	int ret;

	*out = (struct kernel_result){ .status = KERNEL_STATUS_SETUP };
	ret = prepare_config(out, plan, hooks, err);
	if (ret)
		return;
	if (kernel_target_is_print_only(&plan->request->targets)) {
		run_make(out, plan, err);
		return;
	}

	/* Lock the build directory as a build does. */
	ret = kernel_builddir_lock(&lock, plan, plan->request->on_wait,
				   plan->request->wait_ctx, err);
	if (!ret)
		ret = run_make(out, plan, err);
	config = kernel_plan_path(plan, ".config");
	if (!ret && !out->status && !out->signal && fs_exists(config)) {
		names = strv_join(&plan->request->targets, " ");
		kernel_config_record_edit(plan, names);
		if (!plan->request->menuconfig)
			out->summary = xasprintf(
				"configuration saved to %s; to build it, run "
				"`kfarm build` with the same options, without "
				"%s\n",
				config, names);
		free(names);
	}
	kernel_lock_release(&lock);
	free(config);
}
