/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/build.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/url.h"
#include "base/which.h"
#include "coord/coord.h"
#include "kernel/artifact.h"
#include "kernel/config.h"
#include "kernel/environ.h"
#include "kernel/metadata.h"
#include "kernel/module-build.h"
#include "kernel/outdir.h"
#include "kernel/post-make.h"
#include "kernel/progress.h"
#include "kernel/reproducer.h"
#include "kernel/series-key.h"
#include "kernel/summary.h"
#include "kernel/target-outputs.h"
#include "kernel/unknown-target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * If there are nodes, kfarm is make's jobserver.  make then gets no -j, because
 * with -j it would start a jobserver itself.
 */
static int start_jobserver(struct kernel_build_state *run, struct err *err)
{
	const struct kernel_plan *p = run->plan;

	if (!run->offload.coord || !run->offload.has_nodes)
		return 0;
	if (!run->make_release) {
		kernel_build_note(
			run,
			"%s: kfarm starts no jobserver, which requires GNU "
			"make 4.2 or later",
			p->make_path);
		return 0;
	}
	return kernel_offload_start_jobserver(&run->offload, p->request->jobs,
					      run->make_release, err);
}

static int compile(struct kernel_build_state *run,
		   struct kernel_artifacts *artifacts, struct err *err)
{
	char *jobs = xasprintf("-j%u", run->jobs);
	char sync[] = "-Otarget", keep[] = "-k";
	char *options[4] = { sync };
	int n = 1, ret = start_jobserver(run, err);
	struct strv goals = { 0 };
	uint64_t began;

	if (!run->offload.jobserver.broker_pid)
		options[n++] = jobs;
	if (!run->plan->request->fail_fast)
		options[n++] = keep;
	/* Do not run make if all goals are skipped or are post-make actions. */
	if (!ret && (run->targets.n || !run->plan->request->targets.n)) {
		began = clock_ms();
		kernel_build_set_phase(run, KERNEL_PHASE_PREPARE, NULL);
		run->make_running = true;
		kernel_plan_add_goals(run->plan, &goals,
				      strv_list(&run->targets));
		ret = kernel_build_run_make(run, options, goals.v, err);
		strv_release(&goals);
		run->make_running = false;
		run->times.compile_ms = clock_ms() - began;
	}
	free(jobs);
	for (size_t i = 0; i < run->goals.n; i++) {
		struct kernel_goal *g = &run->goals.v[i];

		if (g->status != KERNEL_GOAL_PENDING)
			continue;
		if (!kernel_goal_is_post_make(g)) {
			g->status = ret ? KERNEL_GOAL_FAIL : KERNEL_GOAL_PASS;
			g->elapsed_ms = run->times.compile_ms;
		} else if (ret) {
			kernel_goal_skip(g, "make failed");
		}
	}
	if (!ret)
		ret = kernel_post_make_run_all(run, artifacts, err);
	kernel_jobserver_stop(&run->offload.jobserver);
	return ret;
}

static int collect_artifacts(struct kernel_build_state *run,
			     struct kernel_artifacts *artifacts,
			     struct err *err)
{
	struct kernel_target_outputs wants = { 0 };
	struct strv made = { 0 };
	char *image = NULL;
	int ret = 0;

	kernel_goals_add_make_words(&run->goals, false, &made);
	if (run->plan->module.dir) {
		if (made.n || !run->goals.n)
			kernel_module_add_artifacts(run, &made, artifacts);
	} else if (made.n || !run->goals.n) {
		if (kernel_target_outputs_is_default(&made))
			ret = kernel_target_outputs_image(run, &image, err);
		if (ret >= 0)
			kernel_target_outputs_find(&wants, run->plan, &made,
						   image);
	}
	if (ret >= 0)
		ret = kernel_artifact_collect(artifacts, run, &wants, err);
	kernel_target_outputs_release(&wants);
	strv_release(&made);
	free(image);
	return ret;
}

/* maximum number of arguments of -K in the name of a configuration */
#define NAMES_MAX 3

/* Append "+HZ_100=y+board" for -K CONFIG_HZ_100=y -K boards/board.config. */
static void add_fragment_names(struct buf *out, const struct strv *fragments)
{
	static const char prefix[] = "CONFIG_", unset[] = "# CONFIG_";

	for (size_t i = 0; i < fragments->n && i < NAMES_MAX; i++) {
		const char *word = fragments->v[i];

		buf_add_str(out, "+");
		if (str_starts(word, prefix)) {
			word += strlen(prefix);
			buf_add(out, word, strcspn(word, "/"));
		} else if (str_starts(word, unset)) {
			word += strlen(unset);
			buf_printf(out, "%.*s=n", (int)strcspn(word, " "),
				   word);
		} else {
			kernel_builddir_add_name(out, word);
		}
	}
	if (fragments->n > NAMES_MAX)
		buf_add_str(out, "+...");
}

/*
 * Publish the start of the build.  Returns true if nothing has been compiled in
 * the build directory yet.
 */
static bool report_start(struct kernel_build_state *run)
{
	const struct kernel_plan *p = run->plan;
	const struct kconfig_request *r = p->request;
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);
	char *targets = strv_join(&r->targets, " ");
	char *compiler = kernel_plan_compiler_name(p);
	char *id = kernel_plan_toolchain_id(p), *command;
	bool fresh = kernel_builddir_is_fresh(p);
	char *shown = r->kconfig ? url_redact(r->kconfig) : NULL;
	struct buf config = { 0 };

	kernel_series_key_of_plan(p, id, run->series_key);
	/*
	 * A command that makes several builds uses a separate build directory
	 * for each build.  If such a directory has a .config, an earlier
	 * command made the .config from the default configuration, so report
	 * "defconfig".
	 */
	if (shown)
		buf_add_str(&config, shown);
	else if (p->kconfig.base == KCONFIG_BASE_EXISTING && !r->n_parts)
		buf_add_str(&config, ".config");
	else
		buf_add_str(&config, "defconfig");
	add_fragment_names(&config, &r->fragments);
	ev.config = buf_str(&config);
	ev.series_key = run->series_key;
	ev.toolchain_id = id;
	ev.commit = p->rev.commit;
	ev.release = p->version;
	ev.tree_name = r->tree;
	ev.from_scratch = fresh;
	command = !p->module.dir ? xstrdup(*targets ? targets : "all") :
				   xasprintf("M=%s %s", p->module.dir,
					     *targets ? targets : "modules");
	ev.command = command;
	ev.arch = p->arch.arch;
	if (r->n_parts) {
		ev.build_number = r->part_number;
		ev.n_builds = r->n_parts;
	}
	ev.toolchain = compiler;
	ev.tree = p->tree;
	ev.dir = p->builddir.dir;
	ev.output = run->outdir.dir;
	if (run->outdir.number)
		ev.history_id = run->outdir.number;
	ev.make_jobs = run->jobs;
	ev.n_local_slots = kernel_offload_local_slots(&run->offload);
	kernel_offload_report_start(&run->offload, &ev);
	buf_release(&config);
	free(shown);
	free(id);
	free(compiler);
	free(command);
	free(targets);
	return fresh;
}

/*
 * Publish a note about each variable such as CONFIG_X=y on make's command line,
 * because such a variable does not change the .config.  CONFIG_SHELL gets no
 * note: it is not a Kconfig symbol.  Builds of modules outside of the tree get
 * no notes either, because such variables are usual there.
 */
static void note_config_variables(struct kernel_build_state *run)
{
	const struct strv *given = &run->plan->request->variables;

	for (size_t i = 0; i < given->n && !run->plan->module.dir; i++) {
		const char *v = given->v[i];

		if (str_starts(v, "CONFIG_") && !str_starts(v, "CONFIG_SHELL="))
			kernel_build_note(run,
					  "%s is a variable of make and does "
					  "not change the .config; -K %.*s=%s "
					  "sets the option",
					  v, (int)kernel_environ_name_len(v), v,
					  strchr(v, '=') + 1);
	}
}

static void publish_notes(struct kernel_build_state *run)
{
	const struct kernel_plan *p = run->plan;
	const struct tree_worktree *at = &p->source.worktree;
	const struct strv *notes = &p->kconfig.notes;
	const char *rev = p->request->rev;
	char *edited = kernel_config_edit_target(p);

	if (p->source.dir)
		kernel_build_detail(run,
				    "tree %s at %s%s%.12s: %zu of %zu files "
				    "written, %zu removed",
				    p->request->tree, rev ? rev : "",
				    rev ? ", " : "", at->commit, at->n_written,
				    at->n_files, at->n_removed);
	if (edited)
		kernel_build_note(run, "using the .config saved by %s", edited);
	free(edited);
	note_config_variables(run);
	for (size_t i = 0; i < notes->n; i++)
		kernel_build_note(run, "%s", notes->v[i]);
	notes = &p->compiler.notes;
	for (size_t i = 0; i < notes->n; i++)
		kernel_build_note(run, "%s", notes->v[i]);
	if (p->compiler.no_masquerade_reason)
		kernel_build_note(run, "compiling everything locally: %s",
				  p->compiler.no_masquerade_reason);
}

/* Return true if one of the targets makes a configuration. */
static bool is_config_build(const struct strv *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		if (str_ends(targets->v[i], "config"))
			return true;
	}
	return false;
}

static int configure_and_build(struct kernel_build_state *run,
			       struct kernel_artifacts *artifacts,
			       struct err *err)
{
	uint64_t began = clock_ms();
	int ret = kernel_build_choose_jobs(run), late;
	char *from, *to;
	struct err ignored;

	if (!ret)
		ret = kernel_baseline_find(run, report_start(run), err);
	if (ret)
		return ret;
	kernel_source_start_dirty_check(&run->dirty_check, run->base,
					run->plan);
	ret = kernel_config_apply(run, err);
	run->config.failed = ret &&
			     !is_config_build(&run->plan->request->targets);
	if (!ret)
		ret = kernel_module_prepare(run, err);
	if (!ret)
		ret = kernel_target_outputs_resolve(run, err);
	run->times.prepare_ms = clock_ms() - began;
	if (!ret)
		ret = compile(run, artifacts, err);
	if (ret >= 0)
		kernel_config_update_stamp(run);
	if (ret < 0)
		return ret;
	if (ret > 0 && !kernel_goals_has_passed(&run->goals)) {
		/* The .config is useful even if the build failed. */
		from = kernel_plan_path(run->plan, ".config");
		to = kernel_outdir_path(&run->outdir, "config");
		fs_copy(from, to, &ignored);
		free(to);
		free(from);
		return ret;
	}
	late = collect_artifacts(run, artifacts, err);
	return ret > 0 && late >= 0 ? ret : late;
}

static int write_script(struct kernel_build_state *run, struct err *err)
{
	char *path = kernel_outdir_path(&run->outdir, "reproducer.sh");
	struct buf script = { 0 };
	int ret;

	buf_add_str(
		&script,
		"#!/bin/sh\n# Repeats the build without kfarm, or with it if "
		"called with --kfarm.\n");
	kernel_reproducer_script(&script, run->plan, run->offload.local_slots);
	ret = fs_write(path, buf_bytes(&script), 0777, err);
	buf_release(&script);
	free(path);
	return ret;
}

/* Fill the members whose values are available throughout the build. */
static void fill_metadata(struct kernel_metadata *m,
			  const struct kernel_build_state *run)
{
	*m = (struct kernel_metadata){
		.plan = run->plan,
		.jobs = run->jobs,
		.wall_ms = events_hub_elapsed_ms(run->offload.hub),
		.run = run,
		.totals = &run->offload.totals,
		.has_totals = run->offload.coord != NULL,
		.rejected = &run->config.stamp.rejected,
	};
}

static int write_metadata(struct kernel_build_state *run,
			  const struct kernel_artifacts *artifacts, bool passed,
			  struct err *err)
{
	char *path = kernel_outdir_path(&run->outdir, "metadata.json");
	struct kernel_metadata m;
	int ret;

	fill_metadata(&m, run);
	m.passed = passed;
	m.artifacts = artifacts;
	ret = kernel_metadata_write(path, &m, err);
	free(path);
	return ret;
}

static bool is_one_file(const struct strv *targets)
{
	return targets->n == 1 && kernel_targets_are_single_files(targets);
}

/* Return the path of a file that make has built.  The caller frees it. */
static char *made_path(const struct kernel_plan *p, const char *name)
{
	const struct kernel_module *m = &p->module;

	return m->dir ?
		       xasprintf("%s/%s",
				 m->output_dir ? m->output_dir : m->dir, name) :
		       kernel_plan_path(p, name);
}

static char *summarize(struct kernel_build_state *run,
		       const struct kernel_artifacts *artifacts,
		       const char *verb)
{
	char *output = kernel_outdir_display_path(&run->outdir);
	bool built = !strcmp(verb, "built");
	bool cleaned = !strcmp(verb, "cleaned");
	struct kernel_metadata m;
	struct buf text = { 0 };
	char *numbered;

	/* The path of a default directory already contains the number. */
	if (run->plan->request->output_dir && kernel_build_number(run)) {
		numbered = xasprintf("%s (build %lld)", output,
				     (long long)kernel_build_number(run));
		free(output);
		output = numbered;
	}
	/*
	 * After `clean`, print the output directory only if the user named it.
	 * Do not print it in a nightly run, which renames the directory
	 * afterwards.
	 */
	if (run->plan->request->nightly ||
	    (cleaned && !run->plan->request->output_dir)) {
		free(output);
		output = NULL;
	}
	fill_metadata(&m, run);
	m.artifacts = artifacts;
	if (run->plan->request->brief) {
		struct buf where = { 0 };

		if (built && is_one_file(&run->targets)) {
			char *path = made_path(run->plan, run->targets.v[0]);

			fs_add_display_path(&where, path);
			free(path);
		} else if (output) {
			buf_printf(&where, "output %s", output);
		}
		kernel_summary_line(&text, verb, &m,
				    where.len ? buf_str(&where) : NULL);
		buf_release(&where);
		free(output);
		return buf_steal(&text);
	}
	kernel_summary_text(&text, verb, &m, output);
	/* List goals that are files and are not in the output directory. */
	for (size_t i = 0; built && i < run->targets.n; i++) {
		const char *name = run->targets.v[i];
		char *path = made_path(run->plan, name);
		char *copy = kernel_outdir_path(&run->outdir, str_base(name));

		if (strpbrk(name, "./") && fs_exists(path) &&
		    (str_ends(name, "/") || !fs_exists(copy))) {
			buf_add_str(&text, "made ");
			fs_add_display_path(&text, path);
			buf_add_str(&text, "\n");
		}
		free(copy);
		free(path);
	}
	free(output);
	return buf_steal(&text);
}

/*
 * Return the exit status (enum kernel_status) for `ret`, the result of the
 * build's steps.  If kfarm has a more precise cause or advice, store it in
 * `err`.
 */
static int build_status(struct kernel_build_state *run, int ret,
			struct err *err)
{
	char *text;

	if (!ret && kernel_summary_is_remote_low(
			    &run->offload.totals,
			    run->plan->request->min_remote_percent, err))
		return KERNEL_STATUS_OFFLOAD;
	if (!ret)
		return KERNEL_STATUS_OK;
	/*
	 * If the disk with the log is full, the log may lack make's error
	 * message, so check the disk.
	 */
	if (ret > 0 && !run->disk_full_err.text[0] &&
	    kernel_disk_space_check(run->outdir.dir, KERNEL_NO_SPACE_BYTES,
				    &run->disk_full_err) == -ENOSPC)
		err_wrap(&run->disk_full_err, "output directory");
	if (ret == -ENOSPC || ret == -EDQUOT)
		err_set(&run->disk_full_err, -ret,
			"%s; free some space, then run the same command again "
			"to continue",
			err->text);
	if (run->disk_full_err.text[0]) {
		*err = run->disk_full_err;
		return KERNEL_STATUS_FAILED;
	}
	if (ret < 0)
		return KERNEL_STATUS_SETUP;
	if (run->reported.unknown_target &&
	    strv_has(&run->targets, run->reported.unknown_target)) {
		text = kernel_unknown_target_text(run->plan,
						  run->reported.unknown_target);
		err_set(err, EINVAL, "%s", text);
		free(text);
	}
	return KERNEL_STATUS_FAILED;
}

/* Return the tables requested by --sizes and --bloat, or NULL. */
static char *make_tables(struct kernel_build_state *run,
			 const struct kernel_artifacts *artifacts)
{
	const struct kconfig_request *r = run->plan->request;
	struct buf out = { 0 };

	if (!artifacts->n_sizes)
		return NULL;
	if (r->print_sizes) {
		kernel_summary_sizes(&out, artifacts);
		kernel_summary_size_changes(&out, artifacts, &run->baseline);
	}
	if (r->print_bloat)
		kernel_baseline_put_bloat(run, &out);
	return out.len ? buf_steal(&out) : NULL;
}

/* Publish the end of the build and its comparison with the baseline. */
static void report_build_done(struct kernel_result *out,
			      struct kernel_build_state *run, int status,
			      const char *cause)
{
	const struct diag_change *c = &run->baseline.change;
	char *report = kernel_outdir_path(&run->outdir, "report.html");
	struct events_event done = events_event_make(EVENTS_KIND_DONE);

	done.status = status;
	done.reason = cause;
	done.dirty = run->dirty_check.result.valid &&
		     run->dirty_check.result.n_files;
	if (run->baseline.build_number) {
		done.n_new_warnings = c->n_new[DIAG_SEV_WARNING];
		done.n_new_errors = c->n_new[DIAG_SEV_ERROR];
		done.n_removed_diags = c->n_removed[DIAG_SEV_WARNING] +
				       c->n_removed[DIAG_SEV_ERROR];
	}
	kernel_offload_report_end(&run->offload, &done,
				  run->disk_full_err.text[0] ? NULL : report);
	out->build_number = kernel_build_number(run);
	free(report);
}

/* Wait until the dirty check ends or a signal cancels it. */
static void wait_for_dirty_check(struct kernel_build_state *run)
{
	struct kernel_source_dirty_check *d = &run->dirty_check;
	int ret;

	/*
	 * Stop the periodic check of the disk space: its purpose is to stop
	 * make, which has ended.
	 */
	event_del(run->tick_event);
	while (d->task && !run->supervisor.stop_signal &&
	       event_base_loop(run->base, EVLOOP_ONCE) >= 0)
		;
	ret = kernel_source_end_dirty_check(d, run->supervisor.stop_signal);
	if (ret)
		kernel_build_note(
			run, "cannot determine local changes of the tree: %s",
			ret == -ECANCELED ? "interrupted" : d->err.text);
}

static void finish_build(struct kernel_result *out,
			 struct kernel_build_state *run,
			 const struct kernel_artifacts *artifacts, int ret,
			 struct err *err)
{
	const struct events_totals *t = &run->offload.totals;
	const struct diag_change *c = &run->baseline.change;
	struct err late = { 0 };

	kernel_progress_read(&run->progress);
	diag_log_end(&run->log);
	kernel_offload_report_load(&run->offload);
	out->signal = run->supervisor.stop_signal;
	if (!out->signal)
		wait_for_dirty_check(run);
	else
		kernel_source_end_dirty_check(&run->dirty_check, true);
	kernel_baseline_compare(run, !ret && !out->signal);
	out->output_dir = kernel_outdir_display_path(&run->outdir);
	out->wall_ms = events_hub_elapsed_ms(run->offload.hub);
	out->n_remote = t->n_remote;
	out->n_local = t->n_local;
	for (size_t i = 0; i < t->n_nodes; i++)
		out->connected |= !events_node_is_local(t->nodes[i]);
	out->n_warnings = t->n_warnings;
	out->n_errors = t->n_errors;
	out->n_new_warnings = c->n_new[DIAG_SEV_WARNING];
	out->n_new_errors = c->n_new[DIAG_SEV_ERROR];
	if (run->disk_full_err.text[0])
		out->cause = KERNEL_CAUSE_DISK_FULL;
	else if (run->config.failed)
		out->cause = KERNEL_CAUSE_CONFIG;
	if (out->signal) {
		out->summary = summarize(run, NULL, "interrupted");
		report_build_done(out, run, KERNEL_STATUS_INTERRUPTED, NULL);
		return;
	}
	out->status = build_status(run, ret, err);
	if (run->disk_full_err.text[0])
		out->cause = KERNEL_CAUSE_DISK_FULL;
	/* A full disk has no room for the cleaned log and for metadata.json. */
	if (out->status != KERNEL_STATUS_SETUP && !run->disk_full_err.text[0]) {
		ret = kernel_outdir_clean_log(&run->outdir, &late);
		if (!ret)
			ret = write_metadata(
				run, artifacts,
				out->status != KERNEL_STATUS_FAILED, &late);
		/*
		 * The link to the last build is not set in a nightly run, which
		 * moves its output directory afterwards.
		 */
		if (!ret && run->plan->source.dir &&
		    !run->plan->request->nightly)
			ret = kernel_source_set_last_build(
				&run->plan->source, run->outdir.dir, &late);
		if (ret && out->status == KERNEL_STATUS_OK) {
			*err = late;
			out->status = KERNEL_STATUS_SETUP;
		}
		out->summary = summarize(
			run, artifacts,
			out->status == KERNEL_STATUS_FAILED        ? "failed" :
			kernel_target_is_clean_only(&run->targets) ? "cleaned" :
								     "built");
	}
	kernel_baseline_report_sizes(run, artifacts);
	out->tables = make_tables(run, artifacts);
	if (out->status == KERNEL_STATUS_OK && out->n_new_warnings &&
	    run->plan->request->fail_on_new_warnings)
		out->status = KERNEL_STATUS_WARNED;
	report_build_done(out, run, out->status,
			  out->status != KERNEL_STATUS_OK && err->text[0] ?
				  err->text :
				  NULL);
}

/*
 * Fail early if the checker of C=1 or C=2 does not exist: make would print an
 * error of the shell for each unit.
 */
static int check_checker(const struct kernel_plan *p, struct err *err)
{
	char *const *variables = strv_list(&p->request->variables);
	const char *mode = kernel_environ_value(variables, "C");
	const char *check = kernel_environ_value(variables, "CHECK");
	char *name, *path, *file;

	if (!mode || (strcmp(mode, "1") && strcmp(mode, "2")))
		return 0;
	check = check ? check : "sparse";
	/*
	 * Check only a plain name.  A path can be relative to the tree or
	 * contain variables of make, and assignments of shell variables can
	 * precede a name.
	 */
	if (check[strcspn(check, "/$")] || check[strcspn(check, "= ")] == '=')
		return 0;
	name = xstrndup(check, strcspn(check, " "));
	path = kernel_environ_path(&p->compiler.path_dirs, p->env);
	file = which(name, path);
	if (!file)
		err_set(err, ENOENT, "C=%s: %s not found in PATH%s", mode, name,
			strcmp(name, "sparse") ?
				"" :
				"; install the package sparse");
	free(path);
	free(name);
	if (!file)
		return -ENOENT;
	free(file);
	return 0;
}

int kernel_build_check(struct kernel_plan *p, struct err *err)
{
	int ret = kernel_module_check(&p->module, err);

	if (!ret)
		ret = check_checker(p, err);
	if (ret)
		return ret;
	ret = kernel_unknown_target_check(p, err);
	if (!ret)
		ret = kernel_config_check_symbols(p, err);
	p->revision_unsupported = ret != 0;
	return ret;
}

/*
 * Remove the build directory of a nightly build that failed because too few of
 * its jobs ran on nodes.  Otherwise, the next run would find the objects that
 * the build host has compiled, request no job and succeed.  Keep a directory
 * that the user has named.  Also keep the directory of a build with M=, because
 * it does not contain the objects.
 */
static void discard_local_objects(const struct kernel_plan *p)
{
	struct err err;

	if (p->request->nightly && !p->module.dir &&
	    p->builddir.kind == KERNEL_BUILDDIR_DEFAULT &&
	    fs_remove(p->builddir.dir, &err))
		log_warning("cannot remove locally compiled objects: %s",
			    err.text);
}

void kernel_build(struct kernel_result *out, const struct kernel_plan *plan,
		  const struct node_roster *roster,
		  const struct kernel_hooks *hooks, struct err *err)
{
	const struct strv *targets = &plan->request->targets;
	struct kernel_artifacts artifacts = { 0 };
	struct kernel_build_state run;
	int ret = 0;

	*out = (struct kernel_result){ .status = KERNEL_STATUS_SETUP };
	for (size_t i = 0; !ret && i < targets->n; i++) {
		const struct kernel_goal_recipe *r = kernel_goal_find_recipe(
			targets->v[i]);
		char *skip = r ? kernel_goal_skip_reason(r, plan, NULL) : NULL;

		if (r && !skip)
			ret = kernel_goal_check_recipe(r, plan, err);
		free(skip);
	}
	if (ret)
		return;
	if (plan->compiler.no_masquerade_reason &&
	    plan->request->min_remote_percent > 0) {
		err_set(err, EREMOTE,
			"no job can run on nodes (%s), but %d %% are required",
			plan->compiler.no_masquerade_reason,
			plan->request->min_remote_percent);
		out->status = KERNEL_STATUS_OFFLOAD;
		return;
	}
	ret = kernel_build_start(&run, plan, roster, hooks, err);
	if (!ret) {
		kernel_offload_report_load(&run.offload);
		ret = write_metadata(&run, NULL, false, err);
	}
	if (!ret)
		ret = write_script(&run, err);
	if (!ret) {
		publish_notes(&run);
		ret = configure_and_build(&run, &artifacts, err);
		finish_build(out, &run, &artifacts, ret, err);
		if (out->status == KERNEL_STATUS_OFFLOAD)
			discard_local_objects(plan);
	}
	out->stop_signal = kernel_build_end(&run);
	kernel_baseline_release(&run.baseline);
	kernel_artifacts_release(&artifacts);
}

void kernel_result_release(struct kernel_result *r)
{
	free(r->summary);
	free(r->tables);
	free(r->output_dir);
	*r = (struct kernel_result){ 0 };
}
