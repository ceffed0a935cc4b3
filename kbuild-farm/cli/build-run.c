/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "base/str.h"
#include "cli/build.h"
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "kernel/commands.h"
#include "kernel/foreground.h"
#include "kernel/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* A command at work. */
struct runner {
	struct build_options *o;
	const struct node_roster *roster;
	struct build_list *list;
	int json; /* one file for all builds; -1: there is none */
	int signal; /* that ended one, and so all; 0: none */
};

static void log_build_error(const struct build *b, const struct err *err)
{
	struct buf label = { 0 };

	build_list_label(&label, b);
	log_error("%s%s", buf_str(&label), err->text);
	buf_release(&label);
}

/* Is no further build to begin? */
static bool ends_after(const struct runner *r, const struct build *b)
{
	return r->signal || (r->o->request.fail_fast && b->result.status &&
			     b->result.status != EXIT_WARNINGS);
}

/* ---- plans ---- */

static void fail_before(struct build *b, int status, enum kernel_cause cause)
{
	b->state = BUILD_REFUSED;
	b->result.status = status;
	b->result.cause = cause;
	log_build_error(b, &b->err);
}

static void show_moving(void *ctx, uint64_t done, uint64_t all)
{
	progress_count(ctx, 0, "checking out", done, all);
	progress_tick(ctx);
}

/* For the targets that its request has now. */
static bool plan_build(const struct runner *r, struct build *b)
{
	struct progress *progress = b->request.tree ? progress_new() : NULL;
	int ret;

	if (progress) {
		progress_add(progress, b->request.tree);
		b->request.moving = show_moving;
		b->request.moving_ctx = progress;
	}
	ret = configs_find(r->o->configs, &b->request, &b->err);
	if (!ret)
		ret = kernel_plan_make(&b->plan, &b->request, environ, &b->err);
	b->request.moving = NULL;
	if (progress)
		progress_free(progress);
	free(b->compiler);
	b->compiler = ret ? NULL : kernel_plan_compiler_text(&b->plan);
	if (ret)
		fail_before(b, ret == -ENOTSUP ? EXIT_FARM : EXIT_USAGE,
			    b->plan.lacking ? KERNEL_CAUSE_CONFIG :
					      KERNEL_CAUSE_OTHER);
	return !ret;
}

static void add_plan(struct buf *out, const struct kernel_plan *plan)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	const struct kernel_request *r = plan->request;

	kernel_commands_plan(out, plan,
			     r->output_dir ? r->output_dir :
					     "~/.cache/kfarm/builds/N");
	kernel_commands_script(out, plan,
			       r->jobs   ? r->jobs :
			       cores > 0 ? (unsigned)cores :
					   1);
}

/* One script of all, in which each ends where it fails, and alone. */
static void print_plans(const struct runner *r)
{
	bool several = r->list->n > 1;
	struct buf out = { 0 };

	buf_add_str(&out, "#!/bin/sh\n");
	for (size_t i = 0; i < r->list->n; i++) {
		struct build *b = &r->list->v[i];

		if (!plan_build(r, b))
			continue;
		buf_add_str(&out, several ? "(\n" : "");
		add_plan(&out, &b->plan);
		buf_add_str(&out, several ? ")\nended=$?\n[ $ended -eq 0 ] || "
					    "status=$ended\n" :
					    "");
	}
	buf_add_str(&out, several ? "exit ${status:-0}\n" : "");
	if (several || r->list->v[0].state != BUILD_REFUSED)
		fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
}

/* ---- builds ---- */

static void say_end(const struct build *b)
{
	struct buf label = { 0 };

	build_list_label(&label, b);
	if (b->result.summary)
		fprintf(stderr, "%s%s", buf_str(&label), b->result.summary);
	if (b->result.sizes)
		fprintf(stdout, "%s%s", buf_str(&label), b->result.sizes);
	if (b->err.text[0] && !b->result.signal)
		log_build_error(b, &b->err);
	buf_release(&label);
}

/* Without nodes (NULL) the caller's standard streams are make's. */
static void run_build(struct runner *r, struct build *b,
		      const struct node_roster *roster)
{
	struct watch_setup view = r->o->watch;
	struct watch *watch;

	if (!roster && view.mode != WATCH_VERBOSE)
		view.mode = WATCH_NONE;
	if (r->json >= 0)
		view.json_fd = &r->json;
	if (watch_new(&watch, &view, &b->err)) {
		fail_before(b, EXIT_USAGE, KERNEL_CAUSE_OTHER);
		return;
	}
	if (roster)
		kernel_build(&b->result, &b->plan, roster, watch_hooks(watch),
			     &b->err);
	else
		kernel_foreground(&b->result, &b->plan, watch_hooks(watch),
				  &b->err);
	/* Who left the view of one does not want that of the next. */
	if (watch_was_left(watch))
		r->o->watch.screen = WATCH_NO_SCREEN;
	watch_free(watch);
	b->state = BUILD_ENDED;
	if (b->result.signal) {
		r->signal = b->result.signal;
		b->result.status = EXIT_INTERRUPTED;
	}
	say_end(b);
}

/* What its next plan is for. */
static void set_targets(struct build *b, const struct strv *targets)
{
	kernel_plan_release(&b->plan);
	b->request.targets = *targets;
}

/* Targets that ask, as menuconfig, or print: of each build in its turn. */
static void run_foreground(struct runner *r, const struct strv *targets)
{
	for (size_t i = 0; i < r->list->n; i++) {
		struct build *b = &r->list->v[i];

		set_targets(b, targets);
		if (plan_build(r, b))
			run_build(r, b, NULL);
		if (ends_after(r, b))
			return;
	}
}

/* All are planned first: what is wrong is better heard of at once. */
static void run_builds(struct runner *r, const struct strv *targets)
{
	for (size_t i = 0; i < r->list->n; i++) {
		struct build *b = &r->list->v[i];

		if (b->result.status)
			continue;
		kernel_result_release(&b->result);
		b->state = BUILD_WAITS;
		set_targets(b, targets);
		plan_build(r, b);
		if (ends_after(r, b))
			return;
	}
	for (size_t i = 0; i < r->list->n; i++) {
		struct build *b = &r->list->v[i];

		if (b->state != BUILD_WAITS)
			continue;
		run_build(r, b, r->roster);
		if (ends_after(r, b))
			return;
	}
}

static void split_asking(const struct strv *all, struct strv *asking,
			 struct strv *rest)
{
	for (size_t i = 0; i < all->n; i++)
		strv_add(kernel_target_use(all->v[i]) == KERNEL_TARGET_ASKS ?
				 asking :
				 rest,
			 all->v[i]);
}

/* Those that ask come first; the others build with what was answered. */
static void run_targets(struct runner *r)
{
	const struct strv *all = &r->o->request.targets;
	struct strv asking = { 0 }, rest = { 0 };
	bool builds;

	if (kernel_target_only_prints(all) && !r->o->request.menuconfig) {
		run_foreground(r, all);
		return;
	}
	split_asking(all, &asking, &rest);
	if (r->o->request.menuconfig && !strv_has(&asking, "menuconfig"))
		strv_add(&asking, "menuconfig");
	builds = rest.n || !all->n || r->o->request.menuconfig;
	if (asking.n)
		run_foreground(r, &asking);
	if (!r->signal && builds)
		run_builds(r, &rest);
	if (r->list->n > 1 && builds)
		build_table_print(stderr, r->list);
	/* Their plans know these targets. */
	for (size_t i = 0; i < r->list->n; i++)
		kernel_plan_release(&r->list->v[i].plan);
	strv_release(&asking);
	strv_release(&rest);
}

int build_run(struct build_options *o, const struct node_roster *roster,
	      struct build_list *l)
{
	struct runner r = { .o = o, .roster = roster, .list = l, .json = -1 };
	struct err err = { 0 };

	if (o->dry_run) {
		print_plans(&r);
		return build_status_worst(l);
	}
	if (o->watch.json && l->n > 1) {
		r.json = watch_open_json(o->watch.json, &err);
		if (r.json < 0) {
			log_error("%s", err.text);
			return build_status_bisected(&o->request, EXIT_USAGE,
						     KERNEL_CAUSE_OTHER);
		}
	}
	run_targets(&r);
	if (r.json >= 0)
		close(r.json);
	if (r.signal)
		settings_end_by(r.signal);
	return build_status_worst(l);
}
