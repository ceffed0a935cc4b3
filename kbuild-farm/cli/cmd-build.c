/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/log.h"
#include "base/str.h"
#include "cli/settings.h"
#include "cli/watch.h"
#include "kernel/build.h"
#include "kernel/commands.h"
#include "kernel/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS_MAX 100000

extern char **environ;

enum {
	OPT_DIRECTORY = 1,
	OPT_ARCH,
	OPT_TOOLCHAIN,
	OPT_KCONFIG,
	OPT_KCONFIG_ADD,
	OPT_BUILD_DIR,
	OPT_OUTPUT_DIR,
	OPT_JOBS,
	OPT_ENVIRONMENT,
	OPT_DRY_RUN,
	OPT_FAIL_FAST,
	OPT_VERBOSE,
	OPT_QUIET,
	OPT_COLOR,
	OPT_UI,
	OPT_JSON,
	OPT_REQUIRE_REMOTE,
	OPT_NO_REMOTE,
	OPT_NO_VMLINUX,
};

static const struct args_option options[] = {
	{ OPT_DIRECTORY, 'C', "directory", "DIR",
	  "the kernel source tree (default: here)" },
	{ OPT_ARCH, 'a', "arch", "ARCH",
	  "the kernel's ARCH: arm64, x86_64 ..." },
	{ OPT_TOOLCHAIN, 't', "toolchain", "NAME",
	  "gcc-13, clang-14 ..., an installed one or a prefix" },
	{ OPT_KCONFIG, 'k', "kconfig", "NAME",
	  "a configuration target, or a file" },
	{ OPT_KCONFIG_ADD, 'K', "kconfig-add", "ADD",
	  "a fragment: a file, a name in the tree, CONFIG_X=v" },
	{ OPT_BUILD_DIR, 'b', "build-dir", "DIR", "build there, as O=DIR" },
	{ OPT_OUTPUT_DIR, 'o', "output-dir", "DIR",
	  "leave the results there (default: ~/.cache/kfarm/builds/N)" },
	{ OPT_JOBS, 'j', "jobs", "N", "make's -j (default: all slots)" },
	{ OPT_ENVIRONMENT, 'e', "environment", "K=V",
	  "set K in make's environment" },
	{ OPT_DRY_RUN, 'n', "dry-run", NULL,
	  "print the plan as a script of plain commands" },
	{ OPT_FAIL_FAST, 'F', "fail-fast", NULL,
	  "stop at the first error (default: keep going)" },
	{ OPT_VERBOSE, 'v', "verbose", NULL, "show what make prints" },
	{ OPT_QUIET, 'q', "quiet", NULL, "show errors and the summary alone" },
	{ OPT_COLOR, 'c', "color", "WHEN", "auto, always or never" },
	{ OPT_UI, 0, "ui", "VIEW", "auto, line, plain or none" },
	{ OPT_JSON, 0, "json", "FILE", "write events there, one a line" },
	{ OPT_REQUIRE_REMOTE, 0, "require-remote", "PCT",
	  "fail with 125 if fewer jobs than that run on nodes" },
	{ OPT_NO_REMOTE, 0, "no-remote", NULL, "use no node" },
	{ OPT_NO_VMLINUX, 0, "no-vmlinux", NULL,
	  "leave vmlinux out of the output directory" },
	{ 0 },
};

/* The command line, read. */
struct wish {
	struct kernel_request request;
	struct strv standard; /* toolchains of the configuration */
	struct watch_setup watch;
	const char *color;
	bool dry_run;
};

static int take_ui(struct wish *w, const char *name, struct err *err)
{
	if (!strcmp(name, "none"))
		w->watch.mode = WATCH_NONE;
	else if (!strcmp(name, "ncurses"))
		return err_set(err, EINVAL,
			       "--ui ncurses: this version has no full-screen "
			       "view; use plain");
	else if (strcmp(name, "auto") && strcmp(name, "plain") &&
		 strcmp(name, "line"))
		return err_set(
			err, EINVAL,
			"--ui %s: allowed are auto, line, plain and none",
			name);
	return 0;
}

static int take_color(struct wish *w, const char *when, struct err *err)
{
	if (strcmp(when, "auto") && strcmp(when, "always") &&
	    strcmp(when, "never"))
		return err_set(err, EINVAL,
			       "-c %s: allowed are auto, always and never",
			       when);
	w->color = when;
	return 0;
}

/* Options whose value is checked here. */
static int take_checked(struct wish *w, int key, const struct args *a,
			struct err *err)
{
	long n = 0;
	int ret;

	switch (key) {
	case OPT_JOBS:
		ret = settings_number("-j", a->value, JOBS_MAX, &n, err);
		w->request.jobs = (unsigned)n;
		return ret;
	case OPT_REQUIRE_REMOTE:
		ret = settings_number("--require-remote", a->value, 100, &n,
				      err);
		w->request.require_remote = (int)n;
		return ret;
	case OPT_COLOR:
		return take_color(w, a->value, err);
	case OPT_UI:
		return take_ui(w, a->value, err);
	}
	return err_set(err, EINVAL, "option %d", key);
}

static bool take_flag(struct wish *w, int key)
{
	switch (key) {
	case OPT_DRY_RUN:
		w->dry_run = true;
		return true;
	case OPT_FAIL_FAST:
		w->request.fail_fast = true;
		return true;
	case OPT_VERBOSE:
		w->watch.mode = WATCH_VERBOSE;
		return true;
	case OPT_QUIET:
		w->watch.mode = WATCH_QUIET;
		return true;
	case OPT_NO_REMOTE:
		w->request.no_remote = true;
		return true;
	case OPT_NO_VMLINUX:
		w->request.no_vmlinux = true;
		return true;
	}
	return false;
}

static bool take_string(struct wish *w, int key, const char *value)
{
	struct kernel_request *r = &w->request;
	const char **const where[] = {
		[OPT_DIRECTORY] = &r->directory,
		[OPT_ARCH] = &r->arch,
		[OPT_TOOLCHAIN] = &r->toolchain,
		[OPT_KCONFIG] = &r->kconfig,
		[OPT_BUILD_DIR] = &r->build_dir,
		[OPT_OUTPUT_DIR] = &r->output_dir,
		[OPT_JSON] = &w->watch.json,
	};
	struct strv *list = key == OPT_KCONFIG_ADD ? &r->kconfig_add :
			    key == OPT_ENVIRONMENT ? &r->environment :
			    key == ARGS_VARIABLE   ? &r->variables :
			    key == ARGS_WORD       ? &r->targets :
						     NULL;

	if (list)
		strv_add(list, value);
	else if (key > 0 && (size_t)key < sizeof(where) / sizeof(*where) &&
		 where[key])
		*where[key] = value;
	else
		return false;
	return true;
}

static int read_words(struct wish *w, char *const *argv, struct err *err)
{
	struct args args;
	int key;

	args_init(&args, options, argv);
	args.variables = true;
	while ((key = args_next(&args, err)) != ARGS_END) {
		int ret = 0;

		if (key < 0 && key != ARGS_WORD && key != ARGS_VARIABLE)
			return key;
		if (!take_flag(w, key) && !take_string(w, key, args.value))
			ret = take_checked(w, key, &args, err);
		if (ret)
			return ret;
	}
	if (w->request.no_remote && w->request.require_remote)
		return err_set(err, EINVAL,
			       "--no-remote and --require-remote contradict");
	return 0;
}

static bool set_and_not_empty(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* What the views cannot be told by options. */
static void choose_view(struct wish *w)
{
	const char *term = getenv("TERM");
	bool smart = isatty(STDERR_FILENO) && term && *term &&
		     strcmp(term, "dumb");

	w->watch.terminal = smart && !getenv("CI");
	w->watch.color = smart && !set_and_not_empty("NO_COLOR");
	if (w->watch.mode == WATCH_PLAIN &&
	    kernel_target_only_prints(&w->request.targets))
		w->watch.mode = WATCH_VERBOSE;
	if (w->color && strcmp(w->color, "auto"))
		w->watch.color = !strcmp(w->color, "always");
}

static void print_plan(const struct kernel_plan *plan)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	const struct kernel_request *r = plan->request;
	struct buf out = { 0 };

	buf_add_str(&out, "#!/bin/sh\n");
	kernel_commands_plan(&out, plan,
			     r->output_dir ? r->output_dir :
					     "~/.cache/kfarm/builds/N");
	kernel_commands_script(&out, plan,
			       r->jobs   ? r->jobs :
			       cores > 0 ? (unsigned)cores :
					   1);
	fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
}

static int run_build(struct wish *w, const struct kernel_plan *plan,
		     const struct node_roster *roster, struct err *err)
{
	struct kernel_result result = { 0 };
	struct watch *watch;

	w->watch.tree = plan->tree;
	if (watch_new(&watch, &w->watch, err)) {
		log_error("%s", err->text);
		return EXIT_USAGE;
	}
	kernel_build(&result, plan, roster, watch_hooks(watch), err);
	watch_free(watch);
	if (result.summary)
		fputs(result.summary, stderr);
	if (err->text[0] && !result.signal)
		log_error("%s", err->text);
	free(result.summary);
	if (result.signal)
		settings_end_by(result.signal);
	return result.signal ? EXIT_INTERRUPTED : result.status;
}

static int plan_and_build(struct wish *w, struct err *err)
{
	struct node_roster roster = { 0 };
	struct kernel_plan plan = { 0 };
	int ret = settings_load(&roster, w->request.no_remote,
				&w->request.require_remote, &w->standard, err);
	int status;

	w->request.standard = &w->standard;
	if (!ret)
		ret = kernel_plan_make(&plan, &w->request, environ, err);
	if (ret) {
		log_error("%s", err->text);
		status = ret == -ENOTSUP ? EXIT_FARM : EXIT_USAGE;
	} else if (w->dry_run) {
		print_plan(&plan);
		status = EXIT_OK;
	} else {
		status = run_build(w, &plan, &roster, err);
	}
	kernel_plan_release(&plan);
	node_roster_release(&roster);
	return status;
}

static int build_main(char *const *argv)
{
	struct wish w = { 0 };
	struct err err = { 0 };
	int status = EXIT_USAGE;

	if (read_words(&w, argv, &err)) {
		log_error("build: %s", err.text);
	} else {
		choose_view(&w);
		status = plan_and_build(&w, &err);
	}
	strv_release(&w.standard);
	strv_release(&w.request.kconfig_add);
	strv_release(&w.request.environment);
	strv_release(&w.request.variables);
	strv_release(&w.request.targets);
	return status;
}

const struct cmd cmd_build = {
	.name = "build",
	.usage = "[OPTION]... [VAR=VALUE]... [TARGET]...",
	.help = "build a kernel, compiling on the nodes",
	.options = options,
	.variables = true,
	.more = "Targets and variables mean what they mean to make; \"kernel\" "
		"is the image that\n`make image_name` names.\n",
	.run = build_main,
};
