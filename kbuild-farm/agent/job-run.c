/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/job-state.h"

#include "agent/as-deps.h"
#include "agent/diagnostics.h"
#include "agent/indent.h"
#include "base/spawn.h"
#include "base/str.h"
#include "options/depcut.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define DEADLINE_MOST 600000 /* ms */
#define LARGE         (1u << 18) /* bytes to be gone through on a thread */

/* ----------------------------------------------------------- the answer */

static void seal_answer(void *arg)
{
	struct agent_job *job = arg;

	agent_answer_seal(&job->answer, &job->key);
}

static void after_seal(struct agent_job *job)
{
	if (job->answer.tells)
		agent_job_fail(job, WIRE_FAIL_VOID,
			       "the answer names a directory of the node");
	else
		agent_job_done(job);
}

/* The last step to a result. */
static void seal(struct agent_job *job)
{
	struct agent_run *said = job->check ? job->check : job->run;

	for (int i = 0; i < 2; i++)
		job->said[i] = buf_bytes(agent_run_said(said, i));
	/* In text mode any word makes the unit local, whatever it is. */
	if (!agent_job_is_text(job)) {
		job->answer.out[WIRE_STDOUT] = job->said[0];
		job->answer.out[WIRE_STDERR] = job->said[1];
	}
	agent_job_aside(job, agent_answer_size(&job->answer) > LARGE,
			seal_answer, after_seal);
}

/* Does clang, which says nothing of what it assembles, make this one? */
static bool has_no(const struct agent_job *job, enum wire_output stream)
{
	if (stream == WIRE_ASREAD)
		return job->compile.is_clang;
	return stream == WIRE_DEPS && agent_job_is_text(job) &&
	       job->m.lang == WIRE_LANG_ASM;
}

/* A file that it made; false when the job failed over it. */
static bool map_file(struct agent_job *job, enum wire_output stream,
		     const char *name)
{
	int ret;

	if (has_no(job, stream))
		return true;
	ret = agent_run_map(job->run, name, wire_output_max(stream),
			    &job->map[stream]);
	if (ret == -EFBIG)
		agent_job_fail(job, WIRE_FAIL_VOID, "%s: too large", name);
	else if (ret == -ENOENT)
		agent_job_fail(job, WIRE_FAIL_NODE, "exit status 0, but no %s",
			       name);
	else if (ret)
		agent_job_fail(job, WIRE_FAIL_NODE, "%s: %s", name,
			       strerror(-ret));
	return !ret;
}

static bool map_files(struct agent_job *job)
{
	if (!map_file(job, WIRE_OBJECT, AGENT_OBJECT) ||
	    !map_file(job, WIRE_DEPS, AGENT_DEPS) ||
	    !map_file(job, WIRE_ASREAD, AGENT_READ))
		return false;
	if (!job->map[WIRE_OBJECT].len) {
		agent_job_fail(job, WIRE_FAIL_VOID, "an object of 0 bytes");
		return false;
	}
	return true;
}

/* What else than its text was read in text mode, in words; or NULL. */
static char *foreign_reads(const struct agent_job *job)
{
	bool is_asm = job->m.lang == WIRE_LANG_ASM;
	const char *text = agent_argv_text(&job->m);
	struct strv read = { 0 };
	char *found = NULL;

	if (!is_asm && (options_depcut_list(&read, job->map[WIRE_DEPS]) ||
			read.n != 1 || strcmp(read.v[0], text)))
		found = xstrdup("the text includes files");
	strv_release(&read);
	if (found)
		return found;
	return agent_as_deps_check(job->map[WIRE_ASREAD], is_asm ? text : NULL);
}

/* ---------------------------------------------------------------- runs */

static uint32_t deadline(const struct agent_job *job)
{
	uint32_t most = job->m.deadline_ms;

	if (!most || most > DEADLINE_MOST)
		most = DEADLINE_MOST;
	return most > job->wall_ms ? most - job->wall_ms : 1;
}

/* A command in the job's cell, until its deadline. */
static void start_run(struct agent_job *job, struct agent_run **out,
		      const struct cell_job *what, void (*done)(void *ctx))
{
	struct cell_job plan = *what;
	struct err err = { 0 };
	int ret;

	plan.argv = job->argv.v;
	plan.env = job->env.v;
	plan.deadline_ms = deadline(job);
	plan.stdin_fd = -1;
	ret = agent_run_start(out, job->agent->base,
			      agent_cell_of(job->user.cell), &plan, done, job,
			      &err);
	if (ret == -EPIPE)
		agent_job_fail(job, WIRE_FAIL_TOOLCHAIN, "its cell is gone");
	else if (ret)
		agent_job_fail(job, WIRE_FAIL_NODE, "%s", err.text);
}

static void add_figures(struct agent_job *job, const struct cell_end *end)
{
	job->cpu_ms += end->cpu_ms;
	job->wall_ms += end->wall_ms;
	if (end->peak_kib > job->peak_kib)
		job->peak_kib = end->peak_kib;
}

/* Its directory is the client's, and may not be in the view. */
static void could_not_start(struct agent_job *job, const struct cell_end *end)
{
	if ((end->error == ENOENT || end->error == ENOTDIR) &&
	    str_starts(end->detail, "cwd"))
		agent_job_fail(job, WIRE_FAIL_INPUT, "%s", job->cwd);
	else
		agent_job_fail(job, WIRE_FAIL_NODE, "%s", end->detail);
}

/* Did the compiler come to its own end?  Else the job has failed. */
static bool ended_well(struct agent_job *job, const struct agent_run *run)
{
	const struct cell_end *end = agent_run_end(run);
	char *text;

	add_figures(job, end);
	if (agent_run_talked(run)) {
		agent_job_fail(job, WIRE_FAIL_VOID,
			       "more than %u MiB of diagnostics",
			       WIRE_DIAG_MAX >> 20);
	} else if (end->why == CELL_END_DEADLINE) {
		agent_job_fail(job, WIRE_FAIL_DEADLINE, "killed after %u ms",
			       job->wall_ms);
	} else if (end->why == CELL_END_LOST) {
		agent_job_fail(job, WIRE_FAIL_TOOLCHAIN, "its cell is gone");
	} else if (end->why == CELL_END_FAILED) {
		could_not_start(job, end);
	} else if (end->why != CELL_END_ITSELF || WIFSIGNALED(end->status)) {
		text = spawn_status_text(end->status);
		agent_job_fail(job, WIRE_FAIL_NODE, "the compiler was %s",
			       text);
		free(text);
	} else {
		return true;
	}
	return false;
}

/* Its words count, and an end with none is put into some. */
static void on_check_done(void *arg)
{
	struct agent_job *job = arg;
	struct buf *said = agent_run_said(job->check, 1);

	if (!ended_well(job, job->check))
		return;
	if (agent_run_end(job->check)->status && !said->len)
		buf_add_str(said, "the check of its indentation failed\n");
	seal(job);
}

static void prepare_check(void *arg)
{
	struct agent_job *job = arg;

	agent_indent_prepare(agent_text_fd(job->text), &job->check_fd,
			     &job->why);
}

static void start_check(struct agent_job *job)
{
	struct cell_job what = { .cwd = CELL_OUT,
				 .input_name = AGENT_INDENT_FILE,
				 .input_fd = job->check_fd };

	strv_release(&job->argv);
	if (job->check_fd < 0 ||
	    agent_indent_argv(&job->argv, &job->compile, &job->why)) {
		agent_job_fail(job, WIRE_FAIL_NODE, "%s", job->why.text);
		return;
	}
	start_run(job, &job->check, &what, on_check_done);
}

static void finish_text(struct agent_job *job)
{
	char *found = foreign_reads(job);
	bool quiet = !agent_run_said(job->run, 0)->len &&
		     !agent_run_said(job->run, 1)->len;

	if (found)
		agent_job_fail(job, WIRE_FAIL_VOID, "%s", found);
	else if (quiet && agent_indent_wanted(&job->compile))
		agent_job_aside(job, job->m.text_len > LARGE, prepare_check,
				start_check);
	else
		seal(job);
	free(found);
}

static void finish_success(struct agent_job *job)
{
	if (!map_files(job))
		return;
	job->answer.out[WIRE_OBJECT] = job->map[WIRE_OBJECT];
	if (agent_job_is_text(job)) {
		finish_text(job);
		return;
	}
	job->answer.out[WIRE_DEPS] = job->map[WIRE_DEPS];
	job->answer.out[WIRE_ASREAD] = job->map[WIRE_ASREAD];
	seal(job);
}

static void finish_failure(struct agent_job *job)
{
	struct bytes said = buf_bytes(agent_run_said(job->run, 1));
	char *missing = agent_job_is_text(job) ?
				NULL :
				agent_diagnostics_missing(said);

	if (missing)
		agent_job_fail(job, WIRE_FAIL_INPUT, "%s", missing);
	else if (agent_diagnostics_signal(said))
		agent_job_fail(job, WIRE_FAIL_NODE,
			       "a signal ended a part of the compiler");
	else
		seal(job);
	free(missing);
}

static void on_run_done(void *arg)
{
	struct agent_job *job = arg;

	if (!ended_well(job, job->run))
		return;
	if (agent_run_end(job->run)->status)
		finish_failure(job);
	else
		finish_success(job);
}

void agent_job_start(struct agent_job *job)
{
	struct cell_job what = { .cwd = job->cwd };

	if (agent_job_is_text(job)) {
		what.cwd = CELL_OUT;
		what.input_name = agent_argv_text(&job->m);
		what.input_fd = agent_text_fd(job->text);
	}
	start_run(job, &job->run, &what, on_run_done);
}
