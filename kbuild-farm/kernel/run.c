/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/run.h"

#include "base/clock.h"
#include "base/fs.h"
#include "coord/coord.h"
#include "kernel/capacity.h"
#include "kernel/environ.h"
#include "kernel/phase.h"
#include "kernel/space.h"
#include "kernel/suggest.h"
#include "shell/hidden.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define ANSWER_MAX (1u << 16)
#define LOG_MAX    (1u << 24)

/* A disk on which a program may have found no room, and one on which none
   will: bytes. */
#define TIGHT (UINT64_C(16) << 20)
#define EMPTY (UINT64_C(16) << 10)

void kernel_run_phase(struct kernel_run *run, const char *name)
{
	struct events_event ev = events_new(EVENTS_PHASE);

	if (str_equal(run->phase, name))
		return;
	run->phase = ev.text = name;
	events_hub_tell(run->farm.hub, &ev);
}

void kernel_run_note(struct kernel_run *run, const char *fmt, ...)
{
	struct events_event ev = events_new(EVENTS_NOTE);
	va_list ap;
	char *text;

	va_start(ap, fmt);
	ev.text = text = xvasprintf(fmt, ap);
	va_end(ap);
	events_hub_tell(run->farm.hub, &ev);
	free(text);
}

/* ---- begin and end ---- */

/* make does that by itself where Kconfig files have changed. */
static bool tells_broken_kconfig(const char *line)
{
	return strstr(line, ": syncconfig] Error") ||
	       strstr(line, ": silentoldconfig] Error");
}

static void on_line(void *ctx, const char *text)
{
	struct kernel_run *run = ctx;
	const char *phase = run->making ? kernel_phase_after(text) : NULL;

	if (run->making && tells_broken_kconfig(text))
		run->unconfigured = true;
	/* Device trees are made beside objects, too. */
	if (phase && (strcmp(phase, KERNEL_PHASE_DTBS) ||
		      !kernel_farm_is_busy(&run->farm)))
		kernel_run_phase(run, phase);
	if (run->hooks->line)
		run->hooks->line(run->hooks->ctx, text);
}

/* Has a disk that the build writes to less than `least` bytes for it? */
static bool is_full(struct kernel_run *run, uint64_t least)
{
	const char *tmp = kernel_environ_value(run->plan->env, "TMPDIR");
	const struct {
		const char *what, *dir;
	} places[] = {
		{ "build directory", run->plan->place.dir },
		{ "output directory", run->output.dir },
		{ "temporary files", tmp ? tmp : "/tmp" },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (kernel_space_check(places[i].dir, least, &run->full) ==
		    -ENOSPC) {
			err_wrap(&run->full, "%s", places[i].what);
			return true;
		}
		run->full = (struct err){ 0 };
	}
	return false;
}

/* The log is being read: the build is ended by the next tick, at once. */
static bool on_full(void *ctx)
{
	struct kernel_run *run = ctx;

	if (!is_full(run, TIGHT))
		return false;
	event_active(run->tick, EV_TIMEOUT, 0);
	return true;
}

static void on_block(void *ctx, const struct diag_block *b)
{
	struct events_event ev = events_new(EVENTS_DIAG);
	struct kernel_run *run = ctx;

	/* Many of these have one reason, which is told at the end. */
	if (b->error && (run->full.text[0] || is_full(run, EMPTY))) {
		event_active(run->tick, EV_TIMEOUT, 0);
		return;
	}
	if (b->error && !run->unknown)
		run->unknown = kernel_suggest_unknown(b->text);
	ev.severity = b->error ? EVENTS_ERROR : EVENTS_WARNING;
	ev.text = b->text;
	if (run->joblog.known)
		ev.new_diags = b->fresh;
	ev.warnings = run->joblog.warnings - run->told_warnings;
	ev.errors = run->joblog.errors - run->told_errors;
	run->told_warnings = run->joblog.warnings;
	run->told_errors = run->joblog.errors;
	events_hub_tell(run->farm.hub, &ev);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct kernel_run *run = ctx;

	(void)fd;
	(void)what;
	if (!run->maker.stopping && (run->full.text[0] || is_full(run, EMPTY)))
		kernel_maker_stop(&run->maker);
}

/* Report scripts that a variable of make names. */
static void tell_skipped(struct kernel_run *run, const struct strv *skipped)
{
	const struct strv *vars = &run->plan->settings;

	for (size_t i = 0; i < vars->n; i++) {
		const char *value = strchr(vars->v[i], '=') + 1;

		if (*value && strv_has(skipped, value))
			kernel_run_note(run,
					"not linked, as it is a script: %s",
					vars->v[i]);
	}
}

static bool wants_shell(const struct kernel_plan *plan)
{
	const struct kernel_request *r = plan->request;

	return r->shell &&
	       !kernel_shell_is_users(strv_list(&r->variables), &r->environment,
				      str_env(plan->env, "MAKEFLAGS"));
}

static int start_farm(struct kernel_run *run, struct err *err)
{
	const struct kernel_plan *plan = run->plan;
	char *path = kernel_environ_path(&plan->compiler.dirs, plan->env);
	const char *host = kernel_plan_setting(plan, "HOSTCC");
	const char *second = kernel_plan_setting(plan, "CROSS_COMPILE_COMPAT");
	char *compat = second ? xasprintf("%sgcc", second) : NULL;
	char *const trees[] = { plan->tree, plan->place.dir, NULL };
	char *const expect[] = { plan->compiler.name,
				 (char *)(host ? host : "gcc"), compat, NULL };
	struct kernel_farm_setup setup = {
		.base = run->base,
		.path = path,
		.trees = trees,
		.expect = expect,
		.env = plan->env,
		.shell = wants_shell(plan),
		.forget_probes = plan->request->forget_probes,
	};
	struct strv extra = { 0 }, skipped = { 0 };
	int ret = kernel_farm_open(&run->farm, &setup, &skipped, err);

	tell_skipped(run, &skipped);
	if (!ret)
		kernel_farm_env(&run->farm, &extra);
	kernel_plan_env(run->plan, &run->env, run->farm.links, extra.v);
	strv_release(&skipped);
	strv_release(&extra);
	free(compat);
	free(path);
	return ret;
}

/* All that is in the log now was written by programs that nobody ended. */
static void on_stop(void *ctx)
{
	struct kernel_run *run = ctx;

	kernel_follow_read(&run->follow);
	diag_log_mute(&run->joblog);
}

static int start_loop(struct kernel_run *run, struct err *err)
{
	static const struct timeval second = { .tv_sec = 1 };
	int ret;

	run->base = event_base_new();
	if (!run->base)
		return err_set(err, ENOMEM, "no event loop");
	ret = kernel_maker_init(&run->maker, run->base, err);
	if (ret)
		return ret;
	run->maker.rundir = &run->farm.rundir;
	run->maker.on_stop = on_stop;
	run->maker.ctx = run;
	run->tick = event_new(run->base, -1, EV_PERSIST, on_tick, run);
	if (!run->tick || event_add(run->tick, &second))
		return err_set(err, ENOMEM, "no timer");
	events_hub_start(run->farm.hub, run->base);
	return 0;
}

static int start_log(struct kernel_run *run, struct err *err)
{
	struct diag_log_sink sink = {
		.block = on_block,
		.full = on_full,
		.line = on_line,
		.ctx = run,
	};
	char *path = kernel_output_path(&run->output, "build.log");
	int ret;

	diag_log_init(&run->joblog, &sink);
	run->joblog.roots.tree = run->plan->tree;
	run->joblog.roots.dir = run->plan->place.dir;
	ret = kernel_follow_start(&run->follow, run->base, path, &run->joblog,
				  err);
	free(path);
	return ret;
}

/* Other options may mean another directory, and so a build from scratch. */
static void tell_place(struct kernel_run *run)
{
	const struct kernel_plan *p = run->plan;
	char *config = kernel_plan_path(p, ".config");
	const char *what = p->request->named ? p->request->kconfig :
			   p->kconfig.target ? p->kconfig.target :
			   p->kconfig.file   ? p->kconfig.file :
					       "its .config";
	char *which = p->request->of ?
			      xasprintf("%u/%u %s ", p->request->number,
					p->request->of, p->arch.arch) :
			      xstrdup("");

	kernel_run_note(run, "%sin %s%s: %s%s", which, p->place.dir,
			fs_exists(config) ? "" : " (new)", what,
			p->request->kconfig_add.n ? " and what -K says" : "");
	free(which);
	free(config);
}

static int take_place(struct kernel_run *run, struct err *err)
{
	const struct kernel_plan *p = run->plan;
	int ret = 0;

	if (p->place.kind != KERNEL_IN_TREE)
		ret = fs_mkdirs(p->place.dir, 0777, err);
	if (ret)
		err_wrap(err, "build directory");
	if (!ret)
		ret = kernel_lock_take(&run->lock, p->place.dir, err);
	return ret;
}

static void init(struct kernel_run *run, const struct kernel_plan *plan,
		 const struct node_roster *roster,
		 const struct kernel_hooks *hooks)
{
	*run = (struct kernel_run){ .plan = plan, .hooks = hooks };
	run->lock.fd = run->output.log = -1;
	run->follow.fd = run->follow.watch = -1;
	kernel_farm_init(&run->farm, roster, plan->request->jobs, hooks->hub);
}

int kernel_run_start(struct kernel_run *run, const struct kernel_plan *plan,
		     const struct node_roster *roster,
		     const struct kernel_hooks *hooks, struct err *err)
{
	int ret;

	init(run, plan, roster, hooks);
	ret = take_place(run, err);
	kernel_kept_open(&run->kept, plan->place.dir);
	run->free_bytes = kernel_space_free(plan->place.dir);
	if (!ret)
		ret = kernel_output_make(&run->output,
					 plan->request->output_dir, err);
	if (!ret)
		ret = kernel_farm_dirs(&run->farm, err);
	if (!ret)
		tell_place(run);
	if (!ret)
		ret = start_loop(run, err);
	if (!ret)
		ret = start_log(run, err);
	if (!ret && !plan->compiler.unlinked)
		ret = start_farm(run, err);
	else if (!ret)
		kernel_plan_env(plan, &run->env, NULL, NULL);
	run->start_ms = clock_ms() - run->farm.began_ms;
	return ret;
}

int kernel_run_start_config(struct kernel_run *run,
			    const struct kernel_plan *plan,
			    const struct kernel_hooks *hooks, struct err *err)
{
	static const struct node_roster none;
	char *scratch = NULL;
	int ret;

	init(run, plan, &none, hooks);
	ret = take_place(run, err);
	kernel_kept_open(&run->kept, plan->place.dir);
	if (!ret)
		ret = kernel_farm_dirs(&run->farm, err);
	if (!ret) {
		scratch = xasprintf("%s/output", run->farm.rundir.dir);
		ret = kernel_output_make(&run->output, scratch, err);
	}
	if (!ret)
		ret = start_loop(run, err);
	if (!ret)
		ret = start_log(run, err);
	kernel_plan_env(plan, &run->env, NULL, NULL);
	free(scratch);
	return ret;
}

char *kernel_run_log(const struct kernel_run *run)
{
	char *path = kernel_output_path(&run->output, "build.log");
	struct buf text = { 0 };
	struct err ignored;

	if (fs_read(path, LOG_MAX, &text, &ignored))
		buf_reset(&text);
	free(path);
	return buf_steal(&text);
}

int kernel_run_jobs(struct kernel_run *run)
{
	unsigned asked = run->plan->request->jobs, remote = 0, up;

	if (run->farm.coord) {
		if (kernel_farm_await(&run->farm, run->base,
				      &run->maker.stopped_by))
			return -EINTR;
		remote = coord_remote_slots(run->farm.coord);
	}
	run->jobs = kernel_farm_jobs(&run->farm, asked);
	up = kernel_farm_nodes_up(&run->farm);
	kernel_run_note(run, "-j %u%s: %u slots on %u node%s + %u local slots",
			run->jobs, asked ? " as asked" : "", remote, up,
			up == 1 ? "" : "s", kernel_farm_local(&run->farm));
	if (run->jobs < remote + kernel_farm_local(&run->farm) && !asked) {
		char *why;

		kernel_capacity(&why, "");
		kernel_run_note(run,
				"-j is no more than this machine holds: %s",
				why ? why : "");
		free(why);
	}
	return 0;
}

void kernel_run_end(struct kernel_run *run)
{
	kernel_dirty_end(&run->dirty, true);
	kernel_farm_close(&run->farm);
	if (run->maker.stopping)
		kernel_maker_kill_rest();
	if (run->base) {
		kernel_follow_stop(&run->follow);
		kernel_maker_release(&run->maker);
	}
	diag_log_release(&run->joblog);
	if (run->tick)
		event_free(run->tick);
	if (run->base)
		event_base_free(run->base);
	kernel_farm_release(&run->farm);
	kernel_output_release(&run->output);
	kernel_kept_close(&run->kept);
	kernel_goals_release(&run->goals);
	kernel_lock_release(&run->lock);
	kernel_config_stamp_release(&run->config);
	strv_release(&run->env);
	strv_release(&run->targets);
	free(run->unknown);
}

/* ---- programs ---- */

static int status_or_failed(int wait_status)
{
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) :
					KERNEL_FAILED;
}

/*
 * Set the environment; with MAKEFLAGS while there is a jobserver, and for make
 * itself with what leads it to its shell.
 */
static void set_env(struct kernel_run *run, struct spawn *what,
		    struct strv *env)
{
	struct strv ours = { 0 };

	what->env = run->env.v;
	kernel_farm_offer(&run->farm, &ours, run->env.v);
	if (ours.n)
		what->pass = run->farm.jobserver.fd;
	if (shell_hidden_is_make(what->argv[0]))
		kernel_shell_env(&run->farm.shell, &ours, run->env.v);
	if (ours.n) {
		kernel_environ_overlay(env, run->env.v, &ours);
		what->env = env->v;
	}
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

	set_env(run, &what, &env);
	ret = kernel_maker_run(&run->maker, &what, &status, err);
	kernel_follow_read(&run->follow);
	strv_release(&env);
	return ret ? ret : status_or_failed(status);
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
	struct strv argv = { 0 }, ours = { 0 }, env = { 0 };
	struct spawn what = {
		.cwd = run->plan->tree,
		.fd = { -1, -1, run->output.log },
	};
	int status = 0, ret;

	kernel_plan_make_argv(run->plan, &argv, options, targets);
	kernel_shell_env(&run->farm.shell, &ours, run->env.v);
	kernel_environ_overlay(&env, run->env.v, &ours);
	what.argv = argv.v;
	what.env = env.v;
	ret = kernel_maker_capture(&run->maker, &what, ANSWER_MAX, out, &status,
				   err);
	strv_release(&argv);
	strv_release(&ours);
	strv_release(&env);
	return ret ? ret : status_or_failed(status);
}
