/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/log.h"
#include "base/str.h"
#include "cli/build.h"
#include "cli/configs.h"
#include "cli/settings.h"
#include "kernel/environ.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define JOBS_MAX 100000

extern char **environ;

static int parse_ui(void *at, const struct args *a, struct err *err)
{
	if (!str_list_has(CMD_BUILD_VIEWS, ' ', a->value))
		return err_set(err, EINVAL,
			       "--ui %s: allowed are auto, ncurses, line, "
			       "plain and none",
			       a->value);
	return args_text(at, a, err);
}

static int parse_color(void *at, const struct args *a, struct err *err)
{
	if (!str_list_has(CMD_COLORS, ' ', a->value))
		return err_set(err, EINVAL,
			       "-c %s: allowed are auto, always and never",
			       a->value);
	return args_text(at, a, err);
}

static int parse_arches(void *at, const struct args *a, struct err *err)
{
	struct strv *arches = at;
	size_t before = arches->n;
	int ret = args_commas(at, a, err);

	if (!ret && arches->n == before)
		ret = err_set(err, EINVAL, "-a \"%s\": no architecture",
			      a->value);
	return ret;
}

#define AT(member) offsetof(struct build_options, member)

static const struct args_option options[] = {
	{ 'C', "directory", "DIR", "the kernel source tree (default: here)",
	  args_text, AT(request.directory), 0 },
	{ 0, "tree", "NAME", "a tree that `kfarm tree` manages", args_text,
	  AT(request.tree), 0 },
	{ 0, "rev", "REV",
	  "of that tree: a tag, a branch, a commit (default: its HEAD)",
	  args_text, AT(request.rev), 0 },
	{ 'a', "arch", "ARCH",
	  "the kernel's ARCH: arm64; several: arm64,x86_64", parse_arches,
	  AT(arches), ARGS_REPLACE },
	{ 't', "toolchain", "TOOLCHAIN",
	  "gcc-13, clang-14 ..., an installed one or a prefix", args_text,
	  AT(request.toolchain), 0 },
	{ 'k', "kconfig", "KCONFIG",
	  "a target, [config \"NAME\"], a file, a URL; several: again",
	  args_list, AT(kconfigs), ARGS_REPLACE },
	{ 'K', "kconfig-add", "ADD",
	  "a fragment: a file, a name in the tree, a URL, CONFIG_X=v",
	  args_list, AT(request.kconfig_add), 0 },
	{ 0, "menuconfig", NULL, "edit the configuration, then build",
	  args_flag, AT(request.menuconfig), 0 },
	{ 0, "allow-config-mismatch", NULL,
	  "build although Kconfig did not take over all of -K", args_flag,
	  AT(request.allow_mismatch), 0 },
	{ 'b', "build-dir", "DIR", "build there, as O=DIR", args_text,
	  AT(request.build_dir), 0 },
	{ 'o', "output-dir", "DIR",
	  "leave the results there (default: ~/.cache/kfarm/builds/N)",
	  args_text, AT(request.output_dir), 0 },
	{ 'j', "jobs", "N", "make's -j (default: all slots)", args_number,
	  AT(request.jobs), JOBS_MAX },
	{ 'e', "environment", "K=V", "set K in make's environment", args_list,
	  AT(request.environment), 0 },
	{ 'n', "dry-run", NULL, "print the plan as a script of plain commands",
	  args_flag, AT(dry_run), 0 },
	{ 'F', "fail-fast", NULL,
	  "stop at the first error (default: keep going)", args_flag,
	  AT(request.fail_fast), 0 },
	{ 'v', "verbose", NULL, "show what make prints", args_choice,
	  AT(watch.mode), WATCH_VERBOSE },
	{ 'q', "quiet", NULL, "show errors and the summary alone", args_choice,
	  AT(watch.mode), WATCH_QUIET },
	{ 'W', "new-warnings", NULL,
	  "end with 101 if the build before had not all of the warnings",
	  args_flag, AT(request.new_warnings), 0 },
	{ 'c', "color", "WHEN", "auto, always or never", parse_color, AT(color),
	  0 },
	{ 0, "ui", "VIEW", "auto, ncurses, line, plain or none", parse_ui,
	  AT(ui), 0 },
	{ 0, "json", "FILE", "write events there, one a line", args_text,
	  AT(watch.json), 0 },
	{ 0, "require-remote", "PCT",
	  "fail with 125 if fewer jobs than that run on nodes", args_number,
	  AT(request.require_remote), 100 },
	{ 0, "no-remote", NULL, "use no node", args_flag, AT(request.no_remote),
	  0 },
	{ 0, "nightly", "JOB",
	  "as a part of that night: in its worktree, on half of the slots",
	  args_text, AT(request.nightly), 0 },
	{ 0, "sizes", NULL,
	  "print the sizes of kernel and modules, and what changed", args_flag,
	  AT(request.sizes), 0 },
	{ 0, "bloat", NULL,
	  "print which functions of vmlinux grew since the build before",
	  args_flag, AT(request.bloat), 0 },
	{ 0, "no-vmlinux", NULL, "leave vmlinux out of the output directory",
	  args_flag, AT(request.no_vmlinux), 0 },
	{ 0 },
};

/* It asks the user, and draws on standard output. */
static int check_menuconfig(const struct build_options *o, struct err *err)
{
	const char *term = getenv("TERM");

	if (o->dry_run)
		return err_set(err, EINVAL,
			       "--menuconfig and --dry-run contradict");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !term ||
	    !*term || !strcmp(term, "dumb"))
		return err_set(err, ENOTTY,
			       "--menuconfig needs a terminal; -K CONFIG_X=v "
			       "changes a setting without one");
	return 0;
}

static int parse_build(struct build_options *o, char *const *argv,
		       struct err *err)
{
	struct args args;
	int got;

	args_init(&args, options, argv);
	args.variables = true;
	while ((got = args_read(&args, o, err)) > 0)
		strv_add(got == ARGS_WORD ? &o->request.targets :
					    &o->request.variables,
			 args.value);
	if (!got && o->request.tree && o->request.directory)
		return err_set(err, EINVAL, "-C and --tree contradict");
	if (!got && o->request.rev && !o->request.tree)
		return err_set(err, EINVAL,
			       "--rev is for --tree: a checkout of your own is "
			       "built as it is");
	if (!got && o->request.no_remote && o->request.require_remote)
		return err_set(err, EINVAL,
			       "--no-remote and --require-remote contradict");
	return got || !o->request.menuconfig ? got : check_menuconfig(o, err);
}

static bool set_and_not_empty(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* make was asked for its commands: they are to be seen. */
static bool wants_commands(const struct kernel_request *r)
{
	char *const *given = strv_list(&r->variables);
	const char *v = kernel_environ_value(given, "V");

	if (!v)
		v = kernel_environ_value(given, "KBUILD_VERBOSE");
	if (!v)
		v = getenv("KBUILD_VERBOSE");
	return v && *v && strcmp(v, "0");
}

/* Events on the terminal would be on the screen, too. */
static bool writes_on_terminal(const struct build_options *o)
{
	return str_equal(o->watch.json, "-") && isatty(STDOUT_FILENO);
}

/* The full-screen view was asked for. */
static int need_screen(struct build_options *o, struct err *err)
{
	if (o->watch.mode != WATCH_PROGRESS)
		return err_set(err, EINVAL, "--ui ncurses and %s contradict",
			       o->watch.mode == WATCH_QUIET ? "-q" : "-v");
	if (writes_on_terminal(o))
		return err_set(err, EINVAL,
			       "--ui ncurses and --json - contradict: both "
			       "write on this terminal");
	o->watch.screen = WATCH_NEED_SCREEN;
	return 0;
}

/* What decides on the view besides options. */
static int choose_view(struct build_options *o, struct err *err)
{
	const char *ui = o->ui ? o->ui : "auto";
	bool smart = watch_smart_terminal(), full = !strcmp(ui, "ncurses");

	o->watch.kind = full || !strcmp(ui, "auto")  ? watch_kind() :
			!strcmp(ui, "line") && smart ? UI_LINE :
						       UI_PLAIN;
	o->watch.color = smart && !set_and_not_empty("NO_COLOR") &&
			 strcmp(ui, "plain");
	if (o->color && strcmp(o->color, "auto"))
		o->watch.color = !strcmp(o->color, "always");
	if (full)
		return need_screen(o, err);
	if (!strcmp(ui, "none"))
		o->watch.mode = WATCH_NONE;
	else if (o->watch.mode == WATCH_PROGRESS && wants_commands(&o->request))
		o->watch.mode = WATCH_VERBOSE;
	o->request.verbose = o->watch.mode == WATCH_VERBOSE;
	if (!strcmp(ui, "auto") && !writes_on_terminal(o))
		o->watch.screen = watch_screen();
	return 0;
}

/*
 * It leaves half of each node to others, until nodes know weights, and ends
 * with the run that began it.
 */
static void be_nightly(struct node_roster *roster)
{
	for (size_t i = 0; i < roster->n; i++)
		roster->v[i].half = true;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static int load_and_run(struct build_options *o, struct err *err)
{
	struct settings_local local = { 0 };
	struct node_roster roster = { 0 };
	struct build_list list = { 0 };
	int status = EXIT_USAGE, ret;

	o->request.standard = &o->standard;
	ret = settings_load(&roster, o->request.no_remote,
			    &o->request.require_remote, &o->standard, &local,
			    err);
	o->request.shell = local.shell;
	o->request.forget_probes = local.forget_probes;
	if (ret) {
		log_error("%s", err->text);
		status = build_status_bisected(&o->request, status,
					       KERNEL_CAUSE_OTHER);
	} else {
		if (o->request.nightly)
			be_nightly(&roster);
		build_list_make(&list, o, environ);
		status = build_run(o, &roster, &list);
	}
	build_list_release(&list);
	node_roster_release(&roster);
	return status;
}

static int build_main(char *const *argv)
{
	struct build_options o = { .configs = configs_new() };
	struct err err = { 0 };
	int status;

	if (parse_build(&o, argv, &err) || choose_view(&o, &err)) {
		log_error("build: %s", err.text);
		status = build_status_bisected(&o.request, EXIT_USAGE,
					       KERNEL_CAUSE_OTHER);
	} else {
		status = load_and_run(&o, &err);
	}
	strv_release(&o.arches);
	strv_release(&o.kconfigs);
	configs_free(o.configs);
	strv_release(&o.standard);
	strv_release(&o.request.kconfig_add);
	strv_release(&o.request.environment);
	strv_release(&o.request.variables);
	strv_release(&o.request.targets);
	return status;
}

const struct cmd cmd_build = {
	.name = "build",
	.usage = "[OPTION]... [VAR=VALUE]... [TARGET]...",
	.help = "build a kernel, compiling on the nodes",
	.options = options,
	.variables = true,
	.more = "Targets and variables mean what they mean to make; \"kernel\" "
		"is the image that\n`make image_name` names.  Installations, "
		"packages and tuxmake's kselftest, perf\nand cpupower run after "
		"the others.\n",
	.run = build_main,
};
