/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/kernel-run.h - A started build of the miniature tree, without
 * nodes, whose events are stored as text.
 */
#ifndef KERNEL_RUN_TEST_H
#define KERNEL_RUN_TEST_H

#include "../lib/test.h"
#include "coord/coord.h"
#include "kernel-tree.h"
#include "kernel/internal.h"

static struct kconfig_request req;
static struct kernel_plan plan;
static struct kernel_build_state run;
static struct err err;
static struct buf told; /* "phase config\n", "note ...\n", "diag ..." */
static char *out_dir;

static void on_event(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	if (ev->kind == EVENTS_KIND_PHASE)
		buf_printf(&told, "phase %s\n", ev->text);
	if (ev->kind == EVENTS_KIND_PHASE || ev->kind == EVENTS_KIND_ACTIVITY)
		buf_printf(&told, ev->activity ? "activity %s\n" : "",
			   ev->activity);
	else if (ev->kind == EVENTS_KIND_DIAG)
		buf_printf(&told, "%s %s",
			   ev->severity == EVENTS_SEV_ERROR ? "error" :
							      "warning",
			   ev->text);
	else if (ev->kind == EVENTS_KIND_DONE)
		buf_printf(&told, "done %ld%s%s\n", (long)ev->status,
			   ev->reason ? " " : "", ev->reason ? ev->reason : "");
	else if (ev->kind == EVENTS_KIND_BUILD)
		buf_printf(&told, "build %s\n", ev->command);
	else if (ev->kind == EVENTS_KIND_NOTE)
		buf_printf(&told, "note %s\n", ev->text);
}

static struct events_subscriber listener = { .on_event = on_event };
static struct kernel_hooks hooks;
static const struct node_roster no_nodes;

static UNUSED void run_set_up(void)
{
	tree_set_up();
	/* Replaces the wrapper; make runs without it in every test. */
	put_file("tools/kfarm-cc", "#!/bin/sh\nexec /usr/bin/gcc \"$@\"\n",
		 0755);
	setenv("PATH", str_find_env(env.v, "PATH"), 1);
	out_dir = at("out");
	req = (struct kconfig_request){ .directory = tree,
					.arch = "arm64",
					.output_dir = out_dir,
					.jobs = 2 };
	err = (struct err){ 0 };
	hooks.hub = events_hub_new();
	events_hub_subscribe(hooks.hub, &listener);
}

static UNUSED void run_tear_down(void)
{
	kernel_plan_release(&plan);
	strv_release(&req.fragments);
	strv_release(&req.targets);
	strv_release(&req.variables);
	strv_release(&req.environment);
	buf_release(&told);
	events_hub_free(hooks.hub);
	free(out_dir);
	tree_tear_down();
}

static UNUSED void make_plan(void)
{
	kernel_plan_release(&plan);
	must(kernel_plan_init(&plan, &req, env.v, &err));
}

static UNUSED void start(void)
{
	make_plan();
	must(kernel_build_start(&run, &plan, &no_nodes, &hooks, &err));
}

/* Return the text of a file in the build directory. */
static UNUSED char *built(const char *name)
{
	char *path = kernel_plan_path(&plan, name), *text = get_file(path);

	free(path);
	return text;
}

static UNUSED bool was_told(const char *text)
{
	return strstr(buf_str(&told), text) != NULL;
}

#endif
