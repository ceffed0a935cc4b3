/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/build.h"

#include "base/clock.h"
#include "base/fs.h"
#include "coord/coord.h"
#include "kernel/artifact.h"
#include "kernel/commands.h"
#include "kernel/config.h"
#include "kernel/key.h"
#include "kernel/metadata.h"
#include "kernel/phase.h"
#include "kernel/space.h"
#include "kernel/step.h"
#include "kernel/suggest.h"
#include "kernel/summary.h"
#include "kernel/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * With nodes kfarm is make's jobserver.  Then make gets no -j, with which it
 * would start one itself.
 */
static int start_jobserver(struct kernel_run *run, struct err *err)
{
	const struct kernel_plan *p = run->plan;

	if (!run->farm.coord || !run->farm.has_nodes)
		return 0;
	if (!kernel_jobserver_fits(p->make, run->env.v)) {
		kernel_run_note(run,
				"%s takes no jobserver (GNU make 4.2 does)",
				p->make);
		return 0;
	}
	return kernel_farm_tokens(&run->farm, p->request->jobs, err);
}

/* The make that all targets share. */
static int make_targets(struct kernel_run *run, struct err *err)
{
	char *jobs = xasprintf("-j%u", run->jobs);
	char sync[] = "-Otarget", keep[] = "-k";
	char *options[4] = { sync };
	uint64_t began = clock_ms();
	int n = 1, ret;

	kernel_run_phase(run, KERNEL_PHASE_PREPARE);
	run->making = true;
	if (!run->farm.jobserver.broker)
		options[n++] = jobs;
	if (!run->plan->request->fail_fast)
		options[n++] = keep;
	ret = kernel_run_make(run, options, run->targets.v, err);
	run->making = false;
	run->compile_ms = clock_ms() - began;
	free(jobs);
	return ret;
}

/* What became of the targets by that make; those after it wait for it. */
static void judge_goals(struct kernel_run *run, int ret)
{
	for (size_t i = 0; i < run->goals.n; i++) {
		struct kernel_goal *g = &run->goals.v[i];

		if (g->status != KERNEL_GOAL_OPEN)
			continue;
		if (!kernel_goal_is_step(g)) {
			g->status = ret ? KERNEL_GOAL_FAIL : KERNEL_GOAL_PASS;
			g->ms = run->compile_ms;
		} else if (ret) {
			kernel_goal_skip(g, "make failed before it");
		}
	}
}

static int compile(struct kernel_run *run, struct kernel_artifacts *artifacts,
		   struct err *err)
{
	bool asked = run->plan->request->targets.n;
	int ret = start_jobserver(run, err);

	/* All that was asked for may be skipped, or steps of their own. */
	if (!ret && (run->targets.n || !asked))
		ret = make_targets(run, err);
	judge_goals(run, ret);
	if (!ret)
		ret = kernel_step_run_all(run, artifacts, err);
	kernel_jobserver_stop(&run->farm.jobserver);
	return ret;
}

static int collect_artifacts(struct kernel_run *run,
			     struct kernel_artifacts *artifacts,
			     struct err *err)
{
	struct kernel_wants wants = { 0 };
	struct strv made = { 0 };
	char *image = NULL;
	int ret = 0;

	kernel_goals_words(&run->goals, false, &made);
	if (made.n || !run->goals.n) {
		if (kernel_target_is_default(&made))
			ret = kernel_target_image(run, &image, err);
		if (ret >= 0)
			kernel_target_wants(&wants, run->plan, &made, image);
	}
	if (ret >= 0)
		ret = kernel_artifact_collect(artifacts, run, &wants, err);
	kernel_wants_release(&wants);
	strv_release(&made);
	free(image);
	return ret;
}

/* The .config is worth having even if the build failed. */
static void copy_config(struct kernel_run *run)
{
	char *from = kernel_plan_path(run->plan, ".config");
	char *to = kernel_output_path(&run->output, "config");
	struct err ignored;

	fs_copy(from, to, &ignored);
	free(to);
	free(from);
}

static const char *config_name(const struct kernel_plan *p)
{
	const char *given = p->request->kconfig;
	bool keeps = p->kconfig.base == KERNEL_CONFIG_KEEP;

	/* One of several keeps what an earlier command made of its name. */
	return given                    ? given :
	       keeps && !p->request->of ? ".config" :
					  "defconfig";
}

/* True: nothing was compiled in the build directory yet. */
static bool emit_start(struct kernel_run *run)
{
	const struct kernel_plan *p = run->plan;
	struct events_event ev = events_new(EVENTS_BUILD);
	char *targets = strv_join(&p->request->targets, " ");
	char *compiler = kernel_plan_compiler_text(p);
	char *id = kernel_plan_toolchain_id(p), key[DIGEST_HEX];
	bool fresh = kernel_plan_is_fresh(p);

	kernel_plan_key(p, key);
	ev.key = key;
	ev.toolchain_id = id;
	ev.commit = p->rev.commit;
	ev.release = p->version;
	ev.tree_name = p->request->tree;
	ev.fresh = fresh;
	ev.what = *targets ? targets : "all";
	ev.arch = p->arch.arch;
	ev.config = config_name(p);
	if (p->request->of) {
		ev.number = p->request->number;
		ev.of = p->request->of;
	}
	ev.toolchain = compiler;
	ev.tree = p->tree;
	ev.dir = p->place.dir;
	ev.output = run->output.dir;
	ev.jobs = run->jobs;
	ev.local_slots = kernel_farm_local(&run->farm);
	kernel_farm_tell_build(&run->farm, &ev);
	free(id);
	free(compiler);
	free(targets);
	return fresh;
}

static void note_source(struct kernel_run *run)
{
	const struct kernel_request *r = run->plan->request;
	const struct tree_worktree *at = &run->plan->source.at;

	kernel_run_note(run,
			"tree %s at %s%s%.12s: %zu of %zu files written, "
			"%zu removed",
			r->tree, r->rev ? r->rev : "", r->rev ? ", " : "",
			at->commit, at->written, at->files, at->removed);
}

/* What the user should know of how it is built. */
static void tell_notes(struct kernel_run *run)
{
	const struct kernel_compiler *c = &run->plan->compiler;
	const struct strv *notes = &run->plan->kconfig.notes;
	char *edited = kernel_config_edited(run->plan);

	if (run->plan->source.dir)
		note_source(run);
	if (edited)
		kernel_run_note(run, "its .config is as %s left it", edited);
	free(edited);
	for (size_t i = 0; i < notes->n; i++)
		kernel_run_note(run, "%s", notes->v[i]);
	for (size_t i = 0; i < c->notes.n; i++)
		kernel_run_note(run, "%s", c->notes.v[i]);
	if (c->unlinked)
		kernel_run_note(run, "everything is compiled locally: %s",
				c->unlinked);
}

/* To make one may be all that the build is for. */
static bool is_for_config(const struct strv *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		if (str_ends(targets->v[i], "config"))
			return true;
	}
	return false;
}

static int run_steps(struct kernel_run *run, struct kernel_artifacts *artifacts,
		     struct err *err)
{
	uint64_t began = clock_ms();
	int ret = kernel_run_jobs(run), late;

	if (!ret)
		ret = kernel_earlier_find(run, emit_start(run), err);
	if (ret)
		return ret;
	kernel_dirty_begin(&run->dirty, run->plan);
	ret = kernel_config_apply(run, err);
	run->unconfigured = ret && !is_for_config(&run->plan->request->targets);
	if (!ret)
		ret = kernel_target_resolve(run, err);
	run->prepare_ms = clock_ms() - began;
	if (!ret)
		ret = compile(run, artifacts, err);
	if (ret >= 0)
		kernel_config_settle(run);
	if (ret < 0)
		return ret;
	if (ret > 0 && !kernel_goals_passed(&run->goals)) {
		copy_config(run);
		return ret;
	}
	late = collect_artifacts(run, artifacts, err);
	return ret > 0 && late >= 0 ? ret : late;
}

static int write_script(struct kernel_run *run, struct err *err)
{
	char *path = kernel_output_path(&run->output, "reproducer.sh");
	struct buf script = { 0 };
	int ret;

	buf_add_str(&script, "#!/bin/sh\n# Builds the same without kfarm; as "
			     "`reproducer.sh --kfarm` with it.\n");
	kernel_commands_script(&script, run->plan, run->farm.local_slots);
	ret = fs_write(path, buf_bytes(&script), 0777, err);
	buf_release(&script);
	free(path);
	return ret;
}

/* All that is known of the build now. */
static void fill_metadata(struct kernel_metadata *m,
			  const struct kernel_run *run)
{
	*m = (struct kernel_metadata){
		.plan = run->plan,
		.jobs = run->jobs,
		.wall_ms = clock_ms() - run->farm.began_ms,
		.run = run,
		.tally = &run->farm.tally,
		.has_farm = run->farm.coord != NULL,
		.mismatch = &run->config.missed,
	};
}

static int write_metadata(struct kernel_run *run,
			  const struct kernel_artifacts *artifacts, bool passed,
			  struct err *err)
{
	char *path = kernel_output_path(&run->output, "metadata.json");
	struct kernel_metadata m;
	int ret;

	fill_metadata(&m, run);
	m.passed = passed;
	m.artifacts = artifacts;
	ret = kernel_metadata_write(path, &m, err);
	free(path);
	return ret;
}

/* What was asked for by its name, and is not in the output directory. */
static void tell_left(const struct kernel_run *run, struct buf *out)
{
	for (size_t i = 0; i < run->targets.n; i++) {
		const char *name = run->targets.v[i];
		char *path = kernel_plan_path(run->plan, name);
		char *taken = kernel_output_path(&run->output, str_base(name));
		bool dir = str_ends(name, "/");

		if (strpbrk(name, "./") && fs_exists(path) &&
		    (dir || !fs_exists(taken)))
			buf_printf(out, "made %s\n", path);
		free(taken);
		free(path);
	}
}

static char *summarize(struct kernel_run *run,
		       const struct kernel_artifacts *artifacts,
		       const char *verb)
{
	char *output = kernel_output_text(&run->output);
	struct kernel_metadata m;
	struct buf text = { 0 };

	fill_metadata(&m, run);
	m.artifacts = artifacts;
	kernel_summary_text(&text, verb, &m, output);
	if (!strcmp(verb, "built"))
		tell_left(run, &text);
	free(output);
	return buf_steal(&text);
}

/* The exit status for what the steps returned; `err` is set for some. */
static int build_status(struct kernel_run *run, int ret, struct err *err)
{
	if (!ret &&
	    kernel_summary_too_few(&run->farm.tally,
				   run->plan->request->require_remote, err))
		return KERNEL_FARM;
	if (!ret)
		return KERNEL_OK;
	/* make cannot say so in a log on the full disk. */
	if (ret > 0 && !run->full.text[0] &&
	    kernel_space_check(run->output.dir, KERNEL_SPACE_MIN, &run->full) ==
		    -ENOSPC)
		err_wrap(&run->full, "output directory");
	if (ret == -ENOSPC || ret == -EDQUOT)
		err_set(&run->full, -ret,
			"%s; make room there, then the same command goes on "
			"where it was",
			err->text);
	if (run->full.text[0]) {
		*err = run->full;
		return KERNEL_FAILED;
	}
	if (ret < 0)
		return KERNEL_SETUP;
	if (run->unknown && strv_has(&run->targets, run->unknown))
		kernel_suggest_target(run->plan, run->unknown, err);
	return KERNEL_FAILED;
}

/* Of what was made, if it was asked for. */
static char *make_tables(struct kernel_run *run,
			 const struct kernel_artifacts *artifacts)
{
	const struct kernel_request *r = run->plan->request;
	struct buf out = { 0 };

	if (!artifacts->n_sizes)
		return NULL;
	if (r->sizes) {
		kernel_summary_sizes(&out, artifacts);
		kernel_summary_size_changes(&out, artifacts, &run->earlier);
	}
	if (r->bloat)
		kernel_earlier_bloat(run, &out);
	return out.len ? buf_steal(&out) : NULL;
}

static void keep_figures(struct kernel_result *out,
			 const struct kernel_run *run)
{
	const struct events_tally *t = &run->farm.tally;

	out->output = kernel_output_text(&run->output);
	out->wall_ms = clock_ms() - run->farm.began_ms;
	out->remote = t->remote;
	out->local = t->local;
	out->warnings = t->warnings;
	out->errors = t->errors;
	out->compared = run->earlier.number > 0;
	out->new_warnings = run->earlier.change.fresh[DIAG_WARNING];
	out->new_errors = run->earlier.change.fresh[DIAG_ERROR];
	if (run->full.text[0])
		out->cause = KERNEL_CAUSE_MACHINE;
	else if (run->unconfigured)
		out->cause = KERNEL_CAUSE_CONFIG;
}

/* That it ended, and how it stands to an earlier build. */
static void tell_done(struct kernel_result *out, struct kernel_run *run,
		      int status)
{
	const struct diag_change *c = &run->earlier.change;
	char *report = kernel_output_path(&run->output, "report.html");
	struct events_event done = events_new(EVENTS_DONE);

	done.status = status;
	done.dirty = run->dirty.is.known && run->dirty.is.n;
	if (run->earlier.number) {
		done.new_warnings = c->fresh[DIAG_WARNING];
		done.new_errors = c->fresh[DIAG_ERROR];
		done.gone = c->gone[DIAG_WARNING] + c->gone[DIAG_ERROR];
	}
	out->number = kernel_farm_tell_done(&run->farm, &done,
					    run->full.text[0] ? NULL : report);
	free(report);
}

static void finish_build(struct kernel_result *out, struct kernel_run *run,
			 const struct kernel_artifacts *artifacts, int ret,
			 struct err *err)
{
	struct err late = { 0 };

	kernel_follow_read(&run->follow);
	diag_log_end(&run->joblog);
	kernel_farm_tell_figures(&run->farm);
	out->signal = run->maker.stopped_by;
	kernel_earlier_compare(run, !ret && !out->signal);
	keep_figures(out, run);
	if (out->signal) {
		out->summary = summarize(run, NULL, "interrupted");
		tell_done(out, run, KERNEL_INTERRUPTED);
		return;
	}
	if (kernel_dirty_end(&run->dirty, false))
		kernel_run_note(run,
				"what was changed in the tree is not "
				"known: %s",
				run->dirty.err.text);
	out->status = build_status(run, ret, err);
	if (run->full.text[0])
		out->cause = KERNEL_CAUSE_MACHINE;
	/* A full disk is all that there is to say, and may hold no more. */
	if (out->status != KERNEL_SETUP && !run->full.text[0]) {
		ret = kernel_output_clean_log(&run->output, &late);
		if (!ret)
			ret = write_metadata(run, artifacts,
					     out->status != KERNEL_FAILED,
					     &late);
		/* A night's results are not where they stay. */
		if (!ret && run->plan->source.dir &&
		    !run->plan->request->nightly)
			ret = kernel_source_built(&run->plan->source,
						  run->output.dir, &late);
		if (ret && out->status == KERNEL_OK) {
			*err = late;
			out->status = KERNEL_SETUP;
		}
		out->summary = summarize(
			run, artifacts,
			out->status == KERNEL_FAILED ? "failed" : "built");
	}
	kernel_earlier_tell_sizes(run, artifacts);
	out->sizes = make_tables(run, artifacts);
	if (out->status == KERNEL_OK && out->new_warnings &&
	    run->plan->request->new_warnings)
		out->status = KERNEL_WARNED;
	tell_done(out, run, out->status);
}

/* What cannot end well on this machine is not begun. */
static int check_targets(const struct kernel_plan *plan, struct err *err)
{
	const struct strv *asked = &plan->request->targets;
	int ret = 0;

	for (size_t i = 0; !ret && i < asked->n; i++) {
		const struct kernel_recipe *r = kernel_recipe_find(asked->v[i]);
		char *skip = r ? kernel_recipe_skip(r, plan, NULL) : NULL;

		if (r && !skip)
			ret = kernel_recipe_check(r, plan, err);
		free(skip);
	}
	return ret;
}

void kernel_build(struct kernel_result *out, const struct kernel_plan *plan,
		  const struct node_roster *roster,
		  const struct kernel_hooks *hooks, struct err *err)
{
	struct kernel_artifacts artifacts = { 0 };
	struct kernel_run run;
	int ret = check_targets(plan, err);

	*out = (struct kernel_result){ .status = KERNEL_SETUP };
	if (ret)
		return;
	if (plan->compiler.unlinked && plan->request->require_remote > 0) {
		err_set(err, EREMOTE,
			"nothing can run on nodes, %d %% are required: %s",
			plan->request->require_remote, plan->compiler.unlinked);
		out->status = KERNEL_FARM;
		return;
	}
	ret = kernel_run_start(&run, plan, roster, hooks, err);
	if (!ret) {
		kernel_farm_tell_figures(&run.farm);
		ret = write_metadata(&run, NULL, false, err);
	}
	if (!ret)
		ret = write_script(&run, err);
	if (!ret) {
		tell_notes(&run);
		ret = run_steps(&run, &artifacts, err);
		finish_build(out, &run, &artifacts, ret, err);
	}
	kernel_run_end(&run);
	kernel_earlier_release(&run.earlier);
	kernel_artifacts_release(&artifacts);
}

void kernel_result_release(struct kernel_result *r)
{
	free(r->summary);
	free(r->sizes);
	free(r->output);
	*r = (struct kernel_result){ 0 };
}
