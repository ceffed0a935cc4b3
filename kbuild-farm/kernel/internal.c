/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/internal.h"

#include "base/format.h"
#include "base/fs.h"
#include "base/vec.h"
#include "base/which.h"
#include "coord/coord.h"
#include "history/recorder.h"
#include "kconfig/suggest.h"
#include "kernel/capacity.h"
#include "kernel/environ.h"
#include "kernel/outdir.h"
#include "kernel/progress.h"
#include "shell/make-env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define ANSWER_MAX (1u << 16)

/* below this free space, a program may have failed because the disk is full */
#define LOW_SPACE_BYTES (UINT64_C(16) << 20)

/* Publish the activity within the phase if it differs from the last one. */
static void set_activity(struct kernel_build_state *run, const char *activity)
{
	struct events_event ev = events_event_make(EVENTS_KIND_ACTIVITY);

	if (str_equal(run->reported.activity, activity))
		return;
	run->reported.activity = ev.activity = activity;
	events_hub_publish(run->offload.hub, &ev);
}

void kernel_build_set_phase(struct kernel_build_state *run, const char *name,
			    const char *activity)
{
	struct events_event ev = events_event_make(EVENTS_KIND_PHASE);

	if (str_equal(run->reported.phase, name)) {
		if (activity)
			set_activity(run, activity);
		return;
	}
	run->reported.phase = ev.text = name;
	run->reported.activity = ev.activity = activity;
	events_hub_publish(run->offload.hub, &ev);
}

int64_t kernel_build_number(const struct kernel_build_state *run)
{
	int64_t number = history_recorder_build_number(
		run->offload.history_record);

	return number ? number : run->outdir.number;
}

static void publish_note(struct kernel_build_state *run, bool detail,
			 const char *fmt, va_list ap)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NOTE);
	char *text = xvasprintf(fmt, ap);

	ev.text = text;
	ev.detail = detail;
	events_hub_publish(run->offload.hub, &ev);
	free(text);
}

void kernel_build_note(struct kernel_build_state *run, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	publish_note(run, false, fmt, ap);
	va_end(ap);
}

void kernel_build_detail(struct kernel_build_state *run, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	publish_note(run, true, fmt, ap);
	va_end(ap);
}

static void on_line(void *ctx, const char *text)
{
	struct kernel_build_state *run = ctx;
	struct kernel_progress_stage next = { NULL, NULL };

	if (run->make_running) {
		next = kernel_progress_after(text);
		/*
		 * If a Kconfig file changed, make itself updates the
		 * configuration, and this update can fail.
		 */
		if (strstr(text, ": syncconfig] Error") ||
		    strstr(text, ": silentoldconfig] Error"))
			run->config.failed = true;
	}
	/*
	 * make also compiles device trees concurrently with objects.  While
	 * objects are being compiled, a device tree does not start a new phase.
	 */
	if (next.phase &&
	    (strcmp(next.phase, KERNEL_PHASE_DTBS) || !run->offload.coord ||
	     !coord_is_busy(run->offload.coord)))
		kernel_build_set_phase(run, next.phase, next.activity);
	/* Later phases do not show host programs and headers as activity. */
	else if (next.activity &&
		 str_equal(run->reported.phase, KERNEL_PHASE_PREPARE))
		set_activity(run, next.activity);
	if (run->hooks->on_line &&
	    !kernel_progress_note_directory(&run->progress, text))
		run->hooks->on_line(run->hooks->ctx, text);
}

/*
 * If a disk that the build writes to has less than `least` free bytes, set
 * disk_full_err and return true.
 */
static bool is_full(struct kernel_build_state *run, uint64_t least)
{
	const char *tmp = kernel_environ_value(run->plan->env, "TMPDIR");
	const struct {
		const char *what, *dir;
	} places[] = {
		{ "build directory", run->plan->builddir.dir },
		{ "output directory", run->outdir.dir },
		{ "temporary directory", tmp ? tmp : "/tmp" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (kernel_disk_space_check(places[i].dir, least,
					    &run->disk_full_err) == -ENOSPC) {
			err_wrap(&run->disk_full_err, "%s", places[i].what);
			return true;
		}
		run->disk_full_err = (struct err){ 0 };
	}
	return false;
}

/*
 * If the disk is full, activate the tick event, whose callback stops the build.
 * Do not stop the build in this function: kernel_supervisor_stop() reads the
 * log, and this function is called while the log is being read.
 */
static bool on_disk_full(void *ctx)
{
	struct kernel_build_state *run = ctx;

	if (!is_full(run, LOW_SPACE_BYTES))
		return false;
	event_active(run->tick_event, EV_TIMEOUT, 0);
	return true;
}

static void on_diag_block(void *ctx, const struct diag_block *b)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DIAG);
	struct kernel_build_state *run = ctx;

	/*
	 * A full disk causes many errors.  Do not report them; the end of the
	 * build reports the full disk.
	 */
	if (b->has_new_error && (run->disk_full_err.text[0] ||
				 is_full(run, KERNEL_NO_SPACE_BYTES))) {
		event_active(run->tick_event, EV_TIMEOUT, 0);
		return;
	}
	if (b->has_new_error && !run->reported.unknown_target)
		run->reported.unknown_target = kconfig_suggest_parse_no_rule(
			b->text);
	ev.severity = b->has_new_error ? EVENTS_SEV_ERROR : EVENTS_SEV_WARNING;
	ev.text = b->text;
	if (run->log.baseline)
		ev.n_new_diags = b->n_new;
	ev.n_warnings = run->log.n_warnings - run->reported.n_warnings;
	ev.n_errors = run->log.n_errors - run->reported.n_errors;
	run->reported.n_warnings = run->log.n_warnings;
	run->reported.n_errors = run->log.n_errors;
	events_hub_publish(run->offload.hub, &ev);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct kernel_build_state *run = ctx;

	(void)fd;
	(void)what;
	if (!run->supervisor.stopping &&
	    (run->disk_full_err.text[0] || is_full(run, KERNEL_NO_SPACE_BYTES)))
		kernel_supervisor_stop(&run->supervisor);
}

/*
 * Return true if the nodes must be up before make starts.  A build from scratch
 * has work for all nodes, and --require-remote also counts the first jobs.
 * Without a jobserver, the nodes determine make's -j.
 */
static bool must_connect_at_start(struct kernel_build_state *run)
{
	return kernel_builddir_is_fresh(run->plan) ||
	       run->plan->request->min_remote_percent > 0 || !run->make_release;
}

/*
 * Start the phase "compile" when the first compile starts, because make prints
 * the line of a compile only when the compile ends.
 */
static void on_object(void *ctx, const char *object)
{
	struct kernel_build_state *run = ctx;

	if (run->make_running &&
	    str_equal(run->reported.phase, KERNEL_PHASE_PREPARE) &&
	    kernel_progress_is_compile(object))
		kernel_build_set_phase(run, KERNEL_PHASE_COMPILE, NULL);
}

static int start_offload(struct kernel_build_state *run, struct err *err)
{
	const struct kernel_plan *plan = run->plan;
	const struct kconfig_request *r = plan->request;
	char *path = kernel_environ_path(&plan->compiler.path_dirs, plan->env);
	const char *host = kernel_plan_find_setting(plan, "HOSTCC");
	const char *second = kernel_plan_find_setting(plan,
						      "CROSS_COMPILE_COMPAT");
	char *compat = second ? xasprintf("%sgcc", second) : NULL;
	char *const trees[] = { plan->tree, plan->builddir.dir,
				plan->module.dir, plan->module.output_dir,
				NULL };
	char *const expect[] = {
		plan->compiler.name,
		(char *)which_skip_wrappers(host ? host : "gcc"), compat, NULL
	};
	struct kernel_offload_setup setup = {
		.base = run->base,
		.path = path,
		.tree_dirs = trees,
		.expected_compilers = expect,
		.env = plan->env,
		.shell_enabled = r->shell_enabled &&
				 !kernel_shell_is_user_set(
					 strv_list(&r->variables),
					 &r->environment,
					 str_find_env(plan->env, "MAKEFLAGS")),
		.no_probe_cache = r->no_probe_cache,
		.cache = r->cache,
		.launched = plan->compiler.is_launched,
		.nodes_required = r->min_remote_percent > 0,
		.on_object = on_object,
		.object_ctx = run,
	};
	struct strv extra = { 0 }, skipped = { 0 };
	int ret;

	if (run->offload.has_nodes)
		run->make_release = kernel_jobserver_make_release(
			plan->make_path, plan->env);
	setup.connects_on_demand = !must_connect_at_start(run);
	ret = kernel_offload_open(&run->offload, &setup, &skipped, err);

	/*
	 * `skipped` lists all compilers that are scripts.  Report only those
	 * that a make variable names.
	 */
	for (size_t i = 0; i < plan->settings.n; i++) {
		const char *setting = plan->settings.v[i];
		const char *value = strchr(setting, '=') + 1;

		if (*value && strv_has(&skipped, value))
			kernel_build_note(
				run, "not offloaded: compiler is a script: %s",
				setting);
	}
	if (!ret)
		kernel_offload_add_env(&run->offload, &extra);
	kernel_plan_env(run->plan, &run->env, run->offload.masquerade_dir,
			extra.v);
	strv_release(&skipped);
	strv_release(&extra);
	free(compat);
	free(path);
	return ret;
}

/*
 * Called before the programs are interrupted: read their output so far, and
 * ignore later diagnostics, which the interruption causes.
 */
static void on_stop(void *ctx)
{
	struct kernel_build_state *run = ctx;

	kernel_progress_read(&run->progress);
	diag_log_mute(&run->log);
}

static int start_loop(struct kernel_build_state *run, struct err *err)
{
	static const struct timeval second = { .tv_sec = 1 };
	int ret;

	run->base = event_base_new();
	if (!run->base)
		return err_set(err, ENOMEM, "cannot create event loop");
	ret = kernel_supervisor_init(&run->supervisor, run->base, err);
	if (ret)
		return ret;
	run->supervisor.rundir = &run->offload.rundir;
	run->supervisor.on_stop = on_stop;
	run->supervisor.ctx = run;
	run->tick_event = event_new(run->base, -1, EV_PERSIST, on_tick, run);
	if (!run->tick_event || event_add(run->tick_event, &second))
		return err_set(err, ENOMEM, "cannot create timer");
	events_hub_start(run->offload.hub, run->base);
	return 0;
}

static int start_log(struct kernel_build_state *run, struct err *err)
{
	struct diag_log_sink sink = {
		.on_block = on_diag_block,
		.is_disk_full = on_disk_full,
		.on_line = on_line,
		.ctx = run,
	};
	char *path = kernel_outdir_path(&run->outdir, "build.log");
	int ret;

	diag_log_init(&run->log, &sink);
	run->log.roots.tree = run->plan->tree;
	run->log.roots.build_dir = run->plan->builddir.dir;
	ret = kernel_progress_start(&run->progress, run->base, path, &run->log,
				    err);
	free(path);
	return ret;
}

/*
 * Report the build directory.  Publish a note about a new directory even
 * without -v: it causes a build from scratch, and the user may have chosen it
 * unintentionally by changing an option.
 */
static void report_builddir(struct kernel_build_state *run)
{
	const struct kernel_plan *p = run->plan;
	char *config = kernel_plan_path(p, ".config"), *text;
	bool known = fs_exists(config);
	const char *what = p->request->named_config ? p->request->kconfig :
			   p->kconfig.target        ? p->kconfig.target :
			   p->kconfig.file_name     ? p->kconfig.file_name :
						      "existing .config";
	char *which = p->request->n_parts ?
			      xasprintf("%u/%u %s ", p->request->part_number,
					p->request->n_parts, p->arch.arch) :
			      xstrdup("");

	text = xasprintf("%sin %s%s: %s%s", which, p->builddir.dir,
			 known ? "" : " (new)", what,
			 p->request->fragments.n ? " with settings from -K" :
						   "");
	if (known && !p->request->n_parts)
		kernel_build_detail(run, "%s", text);
	else
		kernel_build_note(run, "%s", text);
	free(text);
	free(which);
	free(config);
}

static void note_wait(void *ctx, const char *text)
{
	kernel_build_note(ctx, "waiting: %s", text);
}

static int lock_builddir(struct kernel_build_state *run, struct err *err)
{
	int ret;

	/* The wait for the lock does not count as time of the build. */
	events_hub_pause_clock(run->offload.hub);
	ret = kernel_builddir_lock(
		&run->lock, run->plan,
		run->plan->request->on_wait ? note_wait : NULL, run, err);
	events_hub_resume_clock(run->offload.hub);
	return ret;
}

static void init_build_state(struct kernel_build_state *run,
			     const struct kernel_plan *plan,
			     const struct node_roster *roster,
			     const struct kernel_hooks *hooks)
{
	*run = (struct kernel_build_state){ .plan = plan, .hooks = hooks };
	run->lock.fd = run->outdir.log_fd = run->outdir.lock_fd = -1;
	run->progress.fd = run->progress.watch_id = -1;
	kernel_offload_init(&run->offload, roster, plan->request->jobs,
			    hooks->hub);
	/*
	 * If a command makes several builds, the CPU time used to plan all of
	 * them is reported as load of the first build.
	 */
	if (plan->request->part_number > 1)
		kernel_offload_exclude_used_cpu(&run->offload);
}

int kernel_build_start(struct kernel_build_state *run,
		       const struct kernel_plan *plan,
		       const struct node_roster *roster,
		       const struct kernel_hooks *hooks, struct err *err)
{
	int ret;

	init_build_state(run, plan, roster, hooks);
	ret = lock_builddir(run, err);
	kernel_archive_cache_open(&run->archive_cache, plan->builddir.dir);
	run->free_bytes = kernel_disk_space_available(plan->builddir.dir);
	if (ret)
		goto out;
	ret = kernel_outdir_make_numbered(&run->outdir,
					  plan->request->output_dir,
					  plan->builddir.dir, err);
	if (ret)
		goto out;
	ret = kernel_offload_make_dirs(&run->offload, err);
	if (ret)
		goto out;
	report_builddir(run);
	ret = start_loop(run, err);
	if (ret)
		goto out;
	ret = start_log(run, err);
	if (ret)
		goto out;
	if (plan->compiler.no_masquerade_reason)
		kernel_plan_env(plan, &run->env, NULL, NULL);
	else
		ret = start_offload(run, err);
out:
	run->times.setup_ms = events_hub_elapsed_ms(run->offload.hub);
	return ret;
}

int kernel_build_start_config(struct kernel_build_state *run,
			      const struct kernel_plan *plan,
			      const struct kernel_hooks *hooks, struct err *err)
{
	static const struct node_roster none;
	char *dir;
	int ret;

	init_build_state(run, plan, &none, hooks);
	ret = lock_builddir(run, err);
	kernel_archive_cache_open(&run->archive_cache, plan->builddir.dir);
	if (ret)
		goto out;
	ret = kernel_offload_make_dirs(&run->offload, err);
	if (ret)
		goto out;
	dir = xasprintf("%s/output", run->offload.rundir.dir);
	ret = kernel_outdir_make(&run->outdir, dir, err);
	free(dir);
	if (ret)
		goto out;
	ret = start_loop(run, err);
	if (!ret)
		ret = start_log(run, err);
out:
	kernel_plan_env(plan, &run->env, NULL, NULL);
	return ret;
}

int kernel_build_choose_jobs(struct kernel_build_state *run)
{
	unsigned asked = run->plan->request->jobs, remote = 0, local, up;

	if (run->offload.coord) {
		if (kernel_offload_wait_nodes(&run->offload, run->base,
					      &run->supervisor.stop_signal))
			return -EINTR;
		remote = coord_remote_slots(run->offload.coord);
	}
	run->jobs = kernel_offload_job_limit(&run->offload, asked);
	up = kernel_offload_nodes_up(&run->offload);
	local = kernel_offload_local_slots(&run->offload);
	if (run->offload.connects_on_demand && run->offload.has_nodes)
		kernel_build_detail(run,
				    "-j %u%s: nodes are connected when needed",
				    run->jobs, asked ? " as requested" : "");
	else
		kernel_build_detail(
			run,
			"-j %u%s: %u slot%s on %u node%s + %u local slot%s",
			run->jobs, asked ? " as requested" : "", remote,
			format_plural(remote), up, format_plural(up), local,
			format_plural(local));
	if (run->jobs < remote + local && !asked) {
		char *why;

		kernel_capacity(&why, "",
				node_roster_count_files(run->offload.roster));
		kernel_build_note(run, "-j limited by this machine: %s",
				  why ? why : "");
		free(why);
	}
	return 0;
}

int kernel_build_end(struct kernel_build_state *run)
{
	int stop_signal = 0;

	kernel_source_end_dirty_check(&run->dirty_check, true);
	kernel_offload_close(&run->offload, run->base,
			     &run->supervisor.stop_signal);
	if (run->supervisor.stopping)
		kernel_supervisor_kill_descendants(&run->supervisor);
	if (run->base) {
		event_base_loop(run->base, EVLOOP_NONBLOCK);
		stop_signal = run->supervisor.stop_signal;
		kernel_progress_stop(&run->progress);
		kernel_supervisor_release(&run->supervisor);
	}
	diag_log_release(&run->log);
	if (run->tick_event)
		event_free(run->tick_event);
	if (run->base)
		event_base_free(run->base);
	kernel_offload_release(&run->offload);
	kernel_outdir_release(&run->outdir);
	kernel_archive_cache_close(&run->archive_cache);
	kernel_goals_release(&run->goals);
	kernel_lock_release(&run->lock);
	kernel_config_stamp_release(&run->config.stamp);
	strv_release(&run->env);
	strv_release(&run->targets);
	free(run->reported.unknown_target);
	return stop_signal;
}

/* ---- programs ---- */

static int status_or_failed(int wait_status)
{
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) :
					KERNEL_STATUS_FAILED;
}

int kernel_build_run_program(struct kernel_build_state *run, char *const *argv,
			     const char *cwd, struct err *err)
{
	struct spawn what = {
		.argv = argv,
		.env = run->env.v,
		.cwd = cwd,
		.stdio_fds = { -1, run->outdir.log_fd, run->outdir.log_fd },
	};
	struct strv overrides = { 0 }, env = { 0 };
	int status = 0, ret;
	char *leaving;

	kernel_offload_add_makeflags(&run->offload, &overrides, run->env.v);
	/*
	 * With a jobserver, MAKEFLAGS names descriptors that make must inherit.
	 */
	if (overrides.n)
		what.passed_fds = run->offload.jobserver.make_fds;
	if (shell_make_env_is_make(argv[0]))
		kernel_shell_env(&run->offload.shell, &overrides, run->env.v);
	if (overrides.n) {
		kernel_environ_overlay(&env, run->env.v, &overrides);
		what.env = env.v;
	}
	ret = kernel_supervisor_run(&run->supervisor, &what, &status, err);
	kernel_progress_read(&run->progress);
	leaving = kernel_progress_end_program(&run->progress);
	if (leaving && run->hooks->on_line)
		run->hooks->on_line(run->hooks->ctx, leaving);
	free(leaving);
	strv_release(&overrides);
	strv_release(&env);
	return ret ? ret : status_or_failed(status);
}

int kernel_build_run_make(struct kernel_build_state *run, char *const *options,
			  char *const *targets, struct err *err)
{
	struct strv argv = { 0 };
	int ret;

	kernel_plan_make_argv(run->plan, &argv, options, targets);
	ret = kernel_build_run_program(run, argv.v, run->plan->tree, err);
	strv_release(&argv);
	return ret;
}

int kernel_build_capture_make(struct kernel_build_state *run,
			      const char *target, struct buf *out,
			      struct err *err)
{
	char *const options[] = { (char[]){ "-s" }, NULL };
	char *const targets[] = { (char *)target, NULL };
	struct strv argv = { 0 }, vars = { 0 }, env = { 0 };
	struct spawn what = {
		.cwd = run->plan->tree,
		.stdio_fds = { -1, -1, run->outdir.log_fd },
	};
	int status = 0, ret;

	kernel_plan_make_argv(run->plan, &argv, options, targets);
	kernel_shell_env(&run->offload.shell, &vars, run->env.v);
	kernel_environ_overlay(&env, run->env.v, &vars);
	what.argv = argv.v;
	what.env = env.v;
	ret = kernel_supervisor_capture(&run->supervisor, &what, ANSWER_MAX,
					out, &status, err);
	strv_release(&argv);
	strv_release(&vars);
	strv_release(&env);
	return ret ? ret : status_or_failed(status);
}
