/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/digest.h"
#include "base/format.h"
#include "base/log.h"
#include "base/str.h"
#include "base/url.h"
#include "base/vec.h"
#include "cli/build.h"
#include "cli/clean.h"
#include "cli/cmd.h"
#include "cli/config-sources.h"
#include "cli/nightly.h"
#include "cli/nodes.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "kernel/arch.h"
#include "kernel/builddir.h"
#include "kernel/environ.h"
#include "kernel/interactive.h"
#include "kernel/reproducer.h"
#include "kernel/summary.h"
#include "kernel/target-outputs.h"
#include "tree/bisect.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Return the text of a build for the column STATUS. */
static const char *status_word(const struct build *b)
{
	if (b->state == BUILD_PENDING)
		return "not started";
	if (b->state == BUILD_REFUSED)
		return "refused";
	switch (b->result.status) {
	case EXIT_OK:
		return "built";
	case EXIT_WARNINGS:
		return "new warnings";
	case EXIT_USAGE:
		return "error";
	case EXIT_FARM:
		return "not remote";
	case EXIT_INTERRUPTED:
		return "interrupted";
	default:
		return "failed";
	}
}

/* Add a field such as "3 (1 new)", or "3" if `fresh` is 0. */
static void add_count_with_new(struct strv *cells, unsigned n, unsigned fresh)
{
	if (fresh)
		strv_addf(cells, "%u (%u new)", n, fresh);
	else
		strv_addf(cells, "%u", n);
}

/* Print a table with a row per build on stderr. */
static void print_build_table(const struct build_list *l)
{
	struct table t = { .align = "llllrrrrl" };

	strv_split(&t.fields,
		   "ARCH CONFIG TOOLCHAIN STATUS TIME REMOTE WARNINGS ERRORS "
		   "OUTPUT",
		   " ");
	for (size_t i = 0; i < l->n_builds; i++) {
		const struct build *b = &l->builds[i];
		const struct kernel_result *r = &b->result;
		unsigned share = kernel_summary_permille(r->n_remote,
							 r->n_local);
		struct buf time = { 0 };

		strv_add(&t.fields, b->arch);
		strv_add(&t.fields, b->config);
		strv_add(&t.fields, b->compiler ? b->compiler : "-");
		strv_add(&t.fields, status_word(b));
		if (!r->output_dir) {
			/*
			 * Without an output directory, print the first line of
			 * the error in the column OUTPUT.
			 */
			for (int k = 0; k < 4; k++)
				strv_add(&t.fields, "-");
			strv_addf(&t.fields, "%.*s",
				  (int)strcspn(b->err.text, "\n"), b->err.text);
			continue;
		}
		format_time(&time, r->wall_ms + 500);
		strv_add(&t.fields, buf_str(&time));
		buf_release(&time);
		if (r->connected && (r->n_remote || r->n_local))
			strv_addf(&t.fields, "%u.%u %%", share / 10,
				  share % 10);
		else
			strv_add(&t.fields, "-");
		add_count_with_new(&t.fields, r->n_warnings, r->n_new_warnings);
		add_count_with_new(&t.fields, r->n_errors, r->n_new_errors);
		strv_add(&t.fields, r->output_dir);
	}
	table_print(stderr, &t);
}

/*
 * Return the rank of an exit status; a higher rank is worse.  A failed build
 * (2) is worse than a build with too few remote jobs (125), because a failed
 * build can reveal an error in the source code.  An error in the command (1) is
 * worse than both.
 */
static int rank_of_status(int status)
{
	static const int order[] = {
		EXIT_OK,    EXIT_WARNINGS,     EXIT_FARM,        EXIT_BUILD,
		EXIT_USAGE, EXIT_ABORT_BISECT, EXIT_INTERRUPTED,
	};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		if (order[i] == status)
			return (int)i;
	}
	/*
	 * For a target that is interactive or only prints, make can return any
	 * status.  Treat a status without a rank like that of a failed build.
	 */
	return rank_of_status(EXIT_BUILD);
}

int build_status_worse(int a, int b)
{
	return rank_of_status(b) > rank_of_status(a) ? b : a;
}

/*
 * Convert an exit status for `git bisect run`, which would interpret status 1
 * as a bad revision.  The user never bisects a tree that kfarm manages, so such
 * a source tree counts as not being bisected.  Returns
 *  - 125, which skips the revision, if the source tree is being bisected and
 *    its current revision lacks the requested configuration;
 *  - EXIT_ABORT_BISECT if the source tree or the working directory is being
 *    bisected and the error does not depend on the revision;
 *  - `status` otherwise.
 */
static int bisect_status(const struct kconfig_request *r, int status,
			 enum kernel_cause cause)
{
	bool no_revision = status == EXIT_USAGE ||
			   cause == KERNEL_CAUSE_DISK_FULL;
	bool lacking = cause == KERNEL_CAUSE_CONFIG;
	bool bisected;

	if (status == EXIT_OK || (!no_revision && !lacking))
		return status;
	bisected = !r->tree &&
		   tree_bisect_is_active(r->directory ? r->directory : ".");
	if (bisected && lacking)
		return EXIT_FARM;
	/*
	 * Also check the working directory, because `git bisect run` starts the
	 * command at the top of the bisected repository.
	 */
	return bisected || tree_bisect_is_active(".") ? EXIT_ABORT_BISECT :
							status;
}

static void log_bisect_status(int status)
{
	log_info("git bisect is in progress, so the exit status is %s",
		 status == EXIT_FARM ?
			 "125, because this revision lacks the target or the "
			 "configuration" :
			 "255, because the failure does not depend on the "
			 "revision");
}

/*
 * Return the worst exit status of the builds after bisect_status() has
 * converted each of them.  If the conversion changed the worst status, log the
 * reason.
 */
static int worst_status(const struct build_list *l)
{
	bool changed = false;
	int worst = EXIT_OK;

	for (size_t i = 0; i < l->n_builds; i++) {
		const struct build *b = &l->builds[i];
		int given = bisect_status(&b->request, b->result.status,
					  b->result.cause);

		if (i && build_status_worse(worst, given) == worst)
			continue;
		worst = given;
		changed = given != b->result.status;
	}
	if (changed)
		log_bisect_status(worst);
	return worst;
}

#define DIGITS 8 /* digits of the digest that makes a name unique */

/*
 * Return the architecture that kernel_plan_init() uses without -a.  The caller
 * frees it.
 */
static char *implied_arch(const struct build_options *o, char *const *env)
{
	const struct strv *given[] = { &o->request.variables,
				       &o->request.environment };
	const char *arch = NULL;
	char host[32];

	for (size_t i = 0; !arch && i < ARRAY_SIZE(given); i++)
		arch = kernel_environ_value(strv_list(given[i]), "ARCH");
	if (!arch)
		arch = kernel_environ_value(env, "ARCH");
	kernel_arch_host(host);
	return xstrdup(arch ? arch : host);
}

/* Add one build.  `arch` is NULL without -a, `kconfig` is NULL without -k. */
static void add_build(struct build_list *l, const struct build_options *o,
		      const char *arch, const char *kconfig, char *const *env)
{
	struct build *b = &l->builds[l->n_builds++];
	struct buf name = { 0 };

	b->request = o->request;
	b->request.arch = arch;
	b->request.kconfig = kconfig;
	b->arch = arch ? xstrdup(arch) : implied_arch(o, env);
	b->config = url_redact(kconfig ? kconfig : "defconfig");
	kernel_builddir_add_name(&name, b->arch);
	buf_add_str(&name, "-");
	kernel_builddir_add_name(&name, b->config);
	b->name = buf_steal(&name);
}

/* Return true if an earlier word of the list equals word `i`. */
static bool is_repeated(const struct strv *given, size_t i)
{
	for (size_t j = 0; j < i && i < given->n; j++) {
		if (!strcmp(given->v[j], given->v[i]))
			return true;
	}
	return false;
}

/* Add the builds of one architecture with all configurations. */
static void add_arch_builds(struct build_list *l, const struct build_options *o,
			    const char *arch, char *const *env)
{
	const struct strv *k = &o->kconfigs;

	if (!k->n)
		add_build(l, o, arch, NULL, env);
	for (size_t i = 0; i < k->n; i++) {
		if (!is_repeated(k, i))
			add_build(l, o, arch, k->v[i], env);
	}
}

/*
 * Append a digest to each name that several builds share.  A name contains only
 * the last component of a path, so "a/board.config" and "b/board.config" yield
 * the same name.
 */
static void make_names_unique(struct build_list *l)
{
	bool *shared = xcalloc(l->n_builds, sizeof(*shared));

	for (size_t i = 0; i < l->n_builds; i++) {
		for (size_t k = 0; k < l->n_builds && !shared[i]; k++)
			shared[i] = k != i && !strcmp(l->builds[k].name,
						      l->builds[i].name);
	}
	for (size_t i = 0; i < l->n_builds; i++) {
		struct build *b = &l->builds[i];
		char hex[DIGEST_HEX], *name;
		struct digest d;

		if (!shared[i])
			continue;
		digest_bytes(bytes_str(b->config), &d);
		digest_format(&d, hex);
		name = xasprintf("%s-%.*s", b->name, DIGITS, hex);
		free(b->name);
		b->name = name;
	}
	free(shared);
}

void build_list_make(struct build_list *l, const struct build_options *o,
		     char *const *env)
{
	const struct strv *a = &o->arches;
	size_t most = (a->n ? a->n : 1) * (o->kconfigs.n ? o->kconfigs.n : 1);

	*l = (struct build_list){ .builds = xcalloc(most, sizeof(*l->builds)) };
	if (!a->n)
		add_arch_builds(l, o, NULL, env);
	for (size_t i = 0; i < a->n; i++) {
		if (!is_repeated(a, i))
			add_arch_builds(l, o, a->v[i], env);
	}
	make_names_unique(l);

	/* If there are several builds, give each a number and a directory. */
	for (size_t i = 0; l->n_builds > 1 && i < l->n_builds; i++) {
		struct build *b = &l->builds[i];

		b->request.part_number = (unsigned)i + 1;
		b->request.n_parts = (unsigned)l->n_builds;
		b->request.part_name = b->name;
		if (!b->request.output_dir)
			continue;
		b->output_dir = xasprintf("%s/%s", b->request.output_dir,
					  b->name);
		b->request.output_dir = b->output_dir;
	}
}

void build_list_release(struct build_list *l)
{
	for (size_t i = 0; i < l->n_builds; i++) {
		struct build *b = &l->builds[i];

		kernel_plan_release(&b->plan);
		kernel_result_release(&b->result);
		free(b->arch);
		free(b->config);
		free(b->name);
		free(b->output_dir);
		free(b->compiler);
	}
	free(l->builds);
	*l = (struct build_list){ 0 };
}

/* Append "2/3 arm64 defconfig: ", or nothing if the list has one build. */
static void add_label(struct buf *out, const struct build *b)
{
	if (b->request.n_parts)
		buf_printf(out, "%u/%u %s %s: ", b->request.part_number,
			   b->request.n_parts, b->arch, b->config);
}

/* One execution of `kfarm build`. */
struct runner {
	struct build_options *options;
	const struct node_roster *roster;
	struct build_list *list;
	int json_fd; /* --json file shared by several builds, or -1 */
	int signal_number; /* signal that ended a build, or 0 */
};

/* Print an error with the label of its build. */
static void log_build_error(const struct build *b, const struct err *err)
{
	struct buf label = { 0 };

	add_label(&label, b);
	log_error("%s%s", buf_str(&label), err->text);
	buf_release(&label);
}

/* Return true if a signal or --fail-fast prevents the builds after `b`. */
static bool is_last_build(const struct runner *r, const struct build *b)
{
	return r->signal_number ||
	       (r->options->request.fail_fast && b->result.status &&
		b->result.status != EXIT_WARNINGS);
}

/* Record and print the error that prevents the start of a build. */
static void mark_build_refused(struct build *b, int status,
			       enum kernel_cause cause)
{
	b->state = BUILD_REFUSED;
	b->result.status = status;
	b->result.cause = cause;
	log_build_error(b, &b->err);
}

static void show_checkout_progress(void *ctx, uint64_t done, uint64_t all)
{
	progress_count(ctx, 0, "checking out", done, all);
	progress_tick(ctx);
}

/*
 * Plan a build for the current targets of its request.  Returns false if the
 * build was refused.
 */
static bool plan_build(const struct runner *r, struct build *b)
{
	struct progress *progress = b->request.tree ? progress_new() : NULL;
	int ret;

	if (progress) {
		progress_add(progress, b->request.tree);
		b->request.on_checkout_progress = show_checkout_progress;
		b->request.checkout_ctx = progress;
	}
	ret = config_sources_resolve(r->options->config_sources, &b->request,
				     &b->err);
	if (!ret)
		ret = kernel_plan_init(&b->plan, &b->request, environ, &b->err);
	if (!ret)
		ret = kernel_build_check(&b->plan, &b->err);
	b->request.on_checkout_progress = NULL;
	progress_free(progress);
	free(b->compiler);
	b->compiler = ret ? NULL : kernel_plan_compiler_name(&b->plan);
	if (ret)
		mark_build_refused(b, ret == -ENOTSUP ? EXIT_FARM : EXIT_USAGE,
				   b->plan.revision_unsupported ?
					   KERNEL_CAUSE_CONFIG :
					   KERNEL_CAUSE_OTHER);
	return !ret;
}

/*
 * Print one script for all builds.  If there are several builds, the script
 * runs each in a subshell, so that a failed build does not end the script.
 */
static void print_plans(const struct runner *r)
{
	bool several = r->list->n_builds > 1;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct buf out = { 0 };

	buf_add_str(&out, "#!/bin/sh\n");
	for (size_t i = 0; i < r->list->n_builds; i++) {
		struct build *b = &r->list->builds[i];

		if (!plan_build(r, b))
			continue;
		buf_add_str(&out, several ? "(\n" : "");
		kernel_reproducer_plan(&out, &b->plan,
				       b->request.output_dir ?
					       b->request.output_dir :
					       "~/.cache/kfarm/builds/N");
		kernel_reproducer_script(&out, &b->plan,
					 b->request.jobs ? b->request.jobs :
					 cores > 0       ? (unsigned)cores :
							   1);
		kernel_plan_release(&b->plan);
		buf_add_str(&out, several ? ")\nended=$?\n[ $ended -eq 0 ] || "
					    "status=$ended\n" :
					    "");
	}
	buf_add_str(&out, several ? "exit ${status:-0}\n" : "");
	if (several || r->list->builds[0].state != BUILD_REFUSED)
		fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
}

/*
 * Execute a planned build and print its result.  If `roster` is NULL, make
 * inherits the standard streams of kfarm and no nodes are used.
 */
static void run_build(struct runner *r, struct build *b,
		      const struct node_roster *roster)
{
	struct watch_setup view = r->options->watch;
	struct buf label = { 0 };
	struct watch *watch;

	if (!roster && view.mode != WATCH_MODE_VERBOSE)
		view.mode = WATCH_MODE_NONE;
	if (r->json_fd >= 0)
		view.json_fd = &r->json_fd;
	if (watch_new(&watch, &view, &b->err)) {
		mark_build_refused(b, EXIT_USAGE, KERNEL_CAUSE_OTHER);
		return;
	}
	if (roster)
		kernel_build(&b->result, &b->plan, roster, watch_hooks(watch),
			     &b->err);
	else
		kernel_interactive_run(&b->result, &b->plan, watch_hooks(watch),
				       &b->err);
	/* If the user left the full-screen view, do not open it again. */
	if (watch_is_screen_left(watch))
		r->options->watch.screen = WATCH_SCREEN_NEVER;
	watch_free(watch);
	b->state = BUILD_FINISHED;
	if (b->result.signal) {
		r->signal_number = b->result.signal;
		b->result.status = EXIT_INTERRUPTED;
	}
	add_label(&label, b);
	if (b->result.summary)
		fprintf(stderr, "%s%s", buf_str(&label), b->result.summary);
	if (b->result.tables)
		fprintf(stdout, "%s%s", buf_str(&label), b->result.tables);
	if (b->err.text[0] && !b->result.signal)
		log_build_error(b, &b->err);
	buf_release(&label);
}

/*
 * Set the targets for the next plan.  The old plan borrows the targets of the
 * request, so it is released first.
 */
static void set_targets(struct build *b, const struct strv *targets)
{
	kernel_plan_release(&b->plan);
	b->request.targets = *targets;
}

/*
 * Run targets that interact with the user, such as menuconfig, or that only
 * print.  The builds run one after the other.
 */
static void run_foreground(struct runner *r, const struct strv *targets)
{
	for (size_t i = 0; i < r->list->n_builds; i++) {
		struct build *b = &r->list->builds[i];

		set_targets(b, targets);
		if (plan_build(r, b))
			run_build(r, b, NULL);
		/*
		 * Unlock the worktree now: run_builds() locks all worktrees in
		 * a fixed order and must not hold any lock before that.
		 */
		kernel_plan_release(&b->plan);
		if (is_last_build(r, b))
			return;
	}
}

/*
 * Order two builds by architecture and configuration.  The names of their
 * worktrees can differ only in these two parts.
 */
static int compare_worktrees(const void *a, const void *b)
{
	const struct build *const *x = a, *const *y = b;
	int order = strcmp((*x)->arch, (*y)->arch);

	if (order || !(*x)->request.kconfig)
		return order;
	return strcmp((*x)->request.kconfig, (*y)->request.kconfig);
}

/*
 * Run all builds that have not failed in run_foreground().  Plan all builds
 * before the first one starts, so that a wrong option is reported immediately.
 * Each plan locks a worktree.  All kfarm commands take these locks in the same
 * order; otherwise, two commands with --wait could wait for each other forever.
 */
static void run_builds(struct runner *r, const struct strv *targets)
{
	size_t n = r->list->n_builds;
	struct build **order = xcalloc(n, sizeof(struct build *));
	bool last = false;
	int late_signal = 0;

	for (size_t i = 0; i < n; i++)
		order[i] = &r->list->builds[i];
	qsort(order, n, sizeof(*order), compare_worktrees);
	for (size_t i = 0; i < n && !last; i++) {
		struct build *b = order[i];

		if (b->result.status)
			continue;
		kernel_result_release(&b->result);
		b->state = BUILD_PENDING;
		set_targets(b, targets);
		plan_build(r, b);
		last = is_last_build(r, b);
	}
	free(order);
	for (size_t i = 0; i < n && !last; i++) {
		struct build *b = &r->list->builds[i];

		if (b->state != BUILD_PENDING)
			continue;
		/*
		 * A signal that arrives after the end of a build does not
		 * change the result of this build, but prevents the next ones.
		 */
		r->signal_number = late_signal;
		if (!late_signal)
			run_build(r, b, r->roster);
		late_signal = b->result.stop_signal;
		last = is_last_build(r, b);
	}
}

/*
 * Run the interactive targets first, so that the other targets use the
 * configuration that the user has chosen.
 */
static void run_targets(struct runner *r)
{
	const struct strv *all = &r->options->request.targets;
	struct strv asking = { 0 }, rest = { 0 };
	bool builds;

	if (kernel_target_is_print_only(all) &&
	    !r->options->request.menuconfig) {
		run_foreground(r, all);
		return;
	}
	for (size_t i = 0; i < all->n; i++)
		strv_add(kernel_target_kind(all->v[i]) ==
					 KERNEL_TARGET_KIND_INTERACTIVE ?
				 &asking :
				 &rest,
			 all->v[i]);
	if (r->options->request.menuconfig && !strv_has(&asking, "menuconfig"))
		strv_add(&asking, "menuconfig");
	builds = rest.n || !all->n || r->options->request.menuconfig;
	if (asking.n)
		run_foreground(r, &asking);
	if (!r->signal_number && builds)
		run_builds(r, &rest);
	if (r->list->n_builds > 1 && builds)
		print_build_table(r->list);
	/* Release the plans first, because they borrow `asking` and `rest`. */
	for (size_t i = 0; i < r->list->n_builds; i++)
		kernel_plan_release(&r->list->builds[i].plan);
	strv_release(&asking);
	strv_release(&rest);
}

/* maximum weight of a nightly build (kfarm.conf(5), farm.weight) */
#define NIGHTLY_WEIGHT_PERCENT 10
#define JOBS_MAX               100000

/* Check that the value of --ui is in CMD_BUILD_VIEWS. */
static int parse_ui(void *at, const struct args *a, struct err *err)
{
	if (!str_list_has(CMD_BUILD_VIEWS, ' ', a->value))
		return err_set(err, EINVAL,
			       "--ui %s: expected auto, ncurses, line, plain "
			       "or none",
			       a->value);
	return args_text(at, a, err);
}

static int parse_color(void *at, const struct args *a, struct err *err)
{
	if (!str_list_has(CMD_COLORS, ' ', a->value))
		return err_set(err, EINVAL,
			       "-c %s: expected auto, always or never",
			       a->value);
	return args_text(at, a, err);
}

#define AT(member) offsetof(struct build_options, member)

static const struct args_option options[] = {
	{ 'C', "directory", "DIR",
	  "kernel source tree (default: current directory)", args_text,
	  AT(request.directory), 0 },
	{ 0, "tree", "NAME", "use a tree managed by `kfarm tree`", args_text,
	  AT(request.tree), 0 },
	{ 0, "rev", "REV", "tag, branch or commit of that tree (default: HEAD)",
	  args_text, AT(request.rev), 0 },
	{ 'a', "arch", "ARCH", "ARCH of the kernel, or a list: arm64,x86_64",
	  args_comma_list, AT(arches), ARGS_REPLACE },
	{ 't', "toolchain", "TOOLCHAIN",
	  "installed toolchain (gcc-13, clang-14) or prefix", args_text,
	  AT(request.toolchain), 0 },
	{ 'k', "kconfig", "KCONFIG",
	  "make target, [config \"NAME\"], file or URL; repeatable", args_list,
	  AT(kconfigs), ARGS_REPLACE },
	{ 'K', "kconfig-add", "ADD",
	  "fragment: file, name in the tree, URL or CONFIG_X=v", args_list,
	  AT(request.fragments), 0 },
	{ 0, "menuconfig", NULL, "edit the configuration before the build",
	  args_flag, AT(request.menuconfig), 0 },
	{ 0, "allow-config-mismatch", NULL,
	  "build even if Kconfig rejects settings of -K", args_flag,
	  AT(request.allow_mismatch), 0 },
	{ 'b', "build-dir", "DIR", "build directory, as O=DIR", args_text,
	  AT(request.build_dir), 0 },
	{ 'o', "output-dir", "DIR",
	  "output directory (default: ~/.cache/kfarm/builds/N)", args_text,
	  AT(request.output_dir), 0 },
	{ 'j', "jobs", "N", "make's -j (default: all slots)", args_number,
	  AT(request.jobs), JOBS_MAX },
	{ 'e', "environment", "K=V", "set K in make's environment", args_list,
	  AT(request.environment), 0 },
	{ 'n', "dry-run", NULL, "print the build as a script of plain commands",
	  args_flag, AT(dry_run), 0 },
	{ 0, "wait", NULL, "wait for a build directory that is in use",
	  args_flag, AT(wait), 0 },
	{ 'F', "fail-fast", NULL,
	  "stop at the first error (default: keep going)", args_flag,
	  AT(request.fail_fast), 0 },
	{ 'v', "verbose", NULL, "show the output of make", args_choice,
	  AT(watch.mode), WATCH_MODE_VERBOSE },
	{ 'q', "quiet", NULL, "show only errors, warnings and a summary",
	  args_choice, AT(watch.mode), WATCH_MODE_QUIET },
	{ 'W', "new-warnings", NULL, "exit with 101 if there are new warnings",
	  args_flag, AT(request.fail_on_new_warnings), 0 },
	{ 'c', "color", "WHEN", "auto, always or never", parse_color, AT(color),
	  0 },
	{ 0, "ui", "VIEW", "auto, ncurses, line, plain or none", parse_ui,
	  AT(ui), 0 },
	{ 0, "json", "FILE", "write events to FILE as JSON lines", args_text,
	  AT(watch.json), 0 },
	{ 0, "require-remote", "PCT",
	  "minimum % of jobs on nodes, else exit with 125", args_number,
	  AT(request.min_remote_percent), 100 },
	{ 0, "no-remote", NULL, "do not use nodes", args_flag,
	  AT(request.no_remote), 0 },
	SETTINGS_CACHE_OPTIONS(AT(cache_mode)),
	{ 0, "nightly", "JOB", "build as nightly JOB, with a low weight",
	  args_text, AT(request.nightly), 0 },
	{ 0, "sizes", NULL, "print sizes of kernel and modules, and changes",
	  args_flag, AT(request.print_sizes), 0 },
	{ 0, "bloat", NULL, "print symbols of vmlinux that grew or shrank",
	  args_flag, AT(request.print_bloat), 0 },
	{ 0, "no-vmlinux", NULL, "do not copy vmlinux to the output directory",
	  args_flag, AT(request.no_vmlinux), 0 },
	{ 0 },
};

/* Parse the command line and reject options that contradict each other. */
static int parse_build(struct build_options *o, char *const *argv,
		       struct err *err)
{
	const char *term = getenv("TERM");
	struct args args;
	int got;

	args_init(&args, options, argv);
	args.variables_allowed = true;
	while ((got = args_read(&args, o, err)) > 0) {
		if (got == ARGS_WORD)
			strv_add(&o->request.targets, args.value);
		else
			kernel_environ_assign(&o->request.variables,
					      args.value);
	}
	if (got)
		return got;
	if (o->request.tree && o->request.directory)
		return err_set(err, EINVAL,
			       "-C and --tree are mutually exclusive");
	if (o->request.rev && !o->request.tree)
		return err_set(
			err, EINVAL,
			"--rev requires --tree; without --tree, kfarm builds the working tree");
	if (o->request.no_remote && o->request.min_remote_percent)
		return err_set(err, EINVAL,
			       "--no-remote and --require-remote are mutually "
			       "exclusive");
	if (!o->request.menuconfig)
		return 0;
	if (o->dry_run)
		return err_set(err, EINVAL,
			       "--menuconfig and --dry-run are mutually "
			       "exclusive");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !term ||
	    !*term || !strcmp(term, "dumb"))
		return err_set(err, ENOTTY,
			       "--menuconfig needs a terminal; -K CONFIG_X=v "
			       "changes a setting without one");
	return 0;
}

/* Return true if make must print its commands (V=1, KBUILD_VERBOSE). */
static bool wants_commands(const struct kconfig_request *r)
{
	char *const *given = strv_list(&r->variables);
	const char *v = kernel_environ_value(given, "V");

	if (!v)
		v = kernel_environ_value(given, "KBUILD_VERBOSE");
	if (!v)
		v = getenv("KBUILD_VERBOSE");
	return v && *v && strcmp(v, "0");
}

/*
 * Return true if --json prints on the terminal.  The full-screen view is then
 * impossible.
 */
static bool writes_on_terminal(const struct build_options *o)
{
	return str_equal(o->watch.json, "-") && isatty(STDOUT_FILENO);
}

/* Choose the view from the options, the terminal and the environment. */
static int choose_view(struct build_options *o, struct err *err)
{
	const char *ui = o->ui ? o->ui : "auto";
	const char *no_color = getenv("NO_COLOR");
	bool smart = watch_has_smart_terminal(), full = !strcmp(ui, "ncurses");

	o->watch.text_kind = full || !strcmp(ui, "auto") ?
				     watch_choose_text_kind() :
			     !strcmp(ui, "line") && smart ? UI_TEXT_LINE :
							    UI_TEXT_PERIODIC;
	o->watch.color = smart && !(no_color && *no_color) &&
			 strcmp(ui, "plain");
	if (o->color && strcmp(o->color, "auto"))
		o->watch.color = !strcmp(o->color, "always");
	if (full && o->watch.mode != WATCH_MODE_PROGRESS)
		return err_set(err, EINVAL,
			       "--ui ncurses and %s are mutually exclusive",
			       o->watch.mode == WATCH_MODE_QUIET ? "-q" : "-v");
	if (full && writes_on_terminal(o))
		return err_set(err, EINVAL,
			       "--ui ncurses and --json - are mutually "
			       "exclusive: both write to this terminal");
	if (full) {
		o->watch.screen = WATCH_SCREEN_REQUIRED;
		return 0;
	}
	if (!strcmp(ui, "none"))
		o->watch.mode = WATCH_MODE_NONE;
	else if (o->watch.mode == WATCH_MODE_PROGRESS && strcmp(ui, "line") &&
		 kernel_targets_are_single_files(&o->request.targets))
		o->watch.mode = WATCH_MODE_MAKE;
	else if (o->watch.mode == WATCH_MODE_PROGRESS &&
		 wants_commands(&o->request))
		o->watch.mode = WATCH_MODE_VERBOSE;
	o->request.verbose = o->watch.mode == WATCH_MODE_VERBOSE;
	o->request.brief = o->watch.mode == WATCH_MODE_MAKE ||
			   o->watch.mode == WATCH_MODE_QUIET;
	if (!strcmp(ui, "auto") && !writes_on_terminal(o))
		o->watch.screen = watch_screen();
	return 0;
}

/* Print that a build waits for a directory. */
static void log_wait(void *ctx, const char *text)
{
	(void)ctx;
	log_info("waiting: %s", text);
}

/*
 * Remove old output directories, except those of this command.  Does nothing if
 * no build has started.
 */
static void remove_old_outputs(const struct build_options *o,
			       const struct build_list *l, unsigned n_kept)
{
	int64_t first = 0;

	for (size_t i = 0; i < l->n_builds; i++) {
		int64_t number = l->builds[i].result.build_number;

		if (number && (!first || number < first))
			first = number;
	}
	if (first)
		clean_old_outputs(n_kept, first,
				  o->watch.mode == WATCH_MODE_QUIET);
}

/*
 * Read the configuration, and execute all builds or print their plans.  Returns
 * the worst exit status of all builds, or -errno with `err` set.  If a signal
 * ended a build, ends kfarm by the same signal.
 */
static int load_and_run(struct build_options *o, struct err *err)
{
	struct settings_host local = { 0 };
	struct node_roster roster = { 0 };
	struct build_list list = { 0 };
	struct runner r = {
		.options = o, .roster = &roster, .list = &list, .json_fd = -1
	};
	int ret;

	o->request.default_toolchains = &o->default_toolchains;
	if (!o->request.no_remote)
		nodes_import_refresh();
	ret = settings_load(&roster, o->request.no_remote,
			    &o->request.min_remote_percent,
			    &o->default_toolchains, &local, err);
	if (ret)
		goto out;
	o->request.shell_enabled = local.use_shell;
	o->request.no_probe_cache = local.ignore_probe_cache;
	o->request.cache = settings_choose_cache(&local, o->cache_mode);
	/*
	 * A nightly build yields to other builds.  It must also end if the
	 * `kfarm nightly run` that started it ends.
	 */
	if (o->request.nightly) {
		ret = nightly_check_build(o->request.nightly, local.conf, err);
		if (ret)
			goto out;
		if (!roster.weight_percent ||
		    roster.weight_percent > NIGHTLY_WEIGHT_PERCENT)
			roster.weight_percent = NIGHTLY_WEIGHT_PERCENT;
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	}
	o->request.on_wait = o->wait ? log_wait : NULL;
	build_list_make(&list, o, environ);
	if (o->watch.json && list.n_builds > 1 && !o->dry_run) {
		ret = r.json_fd = watch_open_json(o->watch.json, err);
		if (ret < 0)
			goto out;
	}
	if (o->dry_run)
		print_plans(&r);
	else
		run_targets(&r);
	if (r.json_fd >= 0)
		close(r.json_fd);
	if (r.signal_number)
		settings_exit_by_signal(r.signal_number);
	if (local.n_kept_builds)
		remove_old_outputs(o, &list, local.n_kept_builds);
	ret = worst_status(&list);
out:
	build_list_release(&list);
	node_roster_release(&roster);
	settings_host_release(&local);
	return ret;
}

static int build_main(char *const *argv)
{
	struct build_options o = { .config_sources = config_sources_new() };
	struct err err = { 0 };
	int status = -EINVAL;

	if (parse_build(&o, argv, &err) || choose_view(&o, &err)) {
		log_error("build: %s", err.text);
	} else {
		status = load_and_run(&o, &err);
		if (status < 0)
			log_error("%s", err.text);
	}
	if (status < 0) {
		status = bisect_status(&o.request, EXIT_USAGE,
				       KERNEL_CAUSE_OTHER);
		if (status != EXIT_USAGE)
			log_bisect_status(status);
	}
	strv_release(&o.arches);
	strv_release(&o.kconfigs);
	config_sources_free(o.config_sources);
	strv_release(&o.default_toolchains);
	strv_release(&o.request.fragments);
	strv_release(&o.request.environment);
	strv_release(&o.request.variables);
	strv_release(&o.request.targets);
	return status;
}

const struct cmd cmd_build = {
	.name = "build",
	.usage = "[OPTION]... [VAR=VALUE]... [TARGET]...",
	.help = "build a kernel on the nodes",
	.options = options,
	.takes_variables = true,
	.extra_help =
		"Targets and variables are those of make; \"kernel\" is the "
		"image that `make\nimage_name` prints.  M=DIR builds the "
		"modules of DIR for the kernel of -C or\nKDIR=DIR.  "
		"Installations, packages and tuxmake's kselftest, perf "
		"and\ncpupower run after the others.\n",
	.run = build_main,
};
