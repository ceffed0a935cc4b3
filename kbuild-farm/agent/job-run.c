/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/job-state.h"

#include "agent/diagnostics.h"
#include "base/spawn.h"
#include "base/str.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define DEADLINE_MOST 600000 /* ms */
#define LARGE         (1u << 18) /* bytes to be gone through on a thread */

void agent_job_free(struct agent_job *job)
{
	agent_slots_leave(&job->agent->slots, &job->place);
	for (int i = 0; i < WIRE_STREAMS; i++)
		agent_run_unmap(&job->map[i]);
	if (job->run)
		agent_run_free(job->run);
	agent_cell_leave(&job->user);
	if (job->telling)
		event_free(job->telling);
	strv_release(&job->argv);
	strv_release(&job->env);
	wire_job_release(&job->m);
	free(job->fail_reason);
	free(job->flags);
	free(job->cwd);
	free(job);
}

void agent_job_done(struct agent_job *job)
{
	agent_slots_rest(&job->agent->slots, &job->place);
	job->has_answer = true;
	event_active(job->telling, EV_TIMEOUT, 0);
}

void agent_job_fail(struct agent_job *job, enum wire_fail_class class,
		    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	job->fail_class = (int)class;
	job->fail_reason = xvasprintf(fmt, ap);
	va_end(ap);
	agent_job_done(job);
}

static void on_task(void *arg)
{
	struct agent_job *job = arg;

	job->task = NULL;
	if (job->tell)
		job->after(job);
	else
		agent_job_free(job);
}

void agent_job_aside(struct agent_job *job, bool large, void (*fn)(void *arg),
		     void (*after)(struct agent_job *job))
{
	job->after = after;
	if (large)
		job->task = task_start_then(job->agent->base, fn, on_task, job);
	if (!job->task) {
		fn(job);
		after(job);
	}
}

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
	for (int i = 0; i < 2; i++)
		job->answer.out[WIRE_STDOUT + i] = buf_bytes(
			agent_run_said(job->run, i));
	agent_job_aside(job, agent_answer_size(&job->answer) > LARGE,
			seal_answer, after_seal);
}

/* A file that it made; false when the job failed over it. */
static bool map_file(struct agent_job *job, enum wire_output stream,
		     const char *name)
{
	int ret;

	/* clang says nothing of what it assembles. */
	if (stream == WIRE_ASREAD && job->compile.is_clang)
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

/* ---------------------------------------------------------------- runs */

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
static bool ended_well(struct agent_job *job)
{
	const struct cell_end *end = agent_run_end(job->run);
	char *text;

	if (agent_run_talked(job->run)) {
		agent_job_fail(job, WIRE_FAIL_VOID,
			       "more than %u MiB of diagnostics",
			       WIRE_DIAG_MAX >> 20);
	} else if (end->why == CELL_END_DEADLINE) {
		agent_job_fail(job, WIRE_FAIL_DEADLINE, "killed after %u ms",
			       end->wall_ms);
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

static void finish_success(struct agent_job *job)
{
	if (!map_files(job))
		return;
	job->answer.out[WIRE_OBJECT] = job->map[WIRE_OBJECT];
	job->answer.out[WIRE_DEPS] = job->map[WIRE_DEPS];
	job->answer.out[WIRE_ASREAD] = job->map[WIRE_ASREAD];
	seal(job);
}

static void finish_failure(struct agent_job *job)
{
	struct bytes said = buf_bytes(agent_run_said(job->run, 1));
	char *missing = agent_diagnostics_missing(said);

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

	if (!ended_well(job))
		return;
	if (agent_run_end(job->run)->status)
		finish_failure(job);
	else
		finish_success(job);
}

void agent_job_start(struct agent_job *job)
{
	uint32_t deadline = job->m.deadline_ms;
	struct cell_job what = {
		.argv = job->argv.v,
		.env = job->env.v,
		.cwd = job->cwd,
		.stdin_fd = -1,
		.deadline_ms = deadline && deadline < DEADLINE_MOST ?
				       deadline :
				       DEADLINE_MOST,
	};
	struct err err = { 0 };
	int ret = agent_run_start(&job->run, job->agent->base,
				  agent_cell_of(job->user.cell), &what,
				  on_run_done, job, &err);

	if (ret == -EPIPE)
		agent_job_fail(job, WIRE_FAIL_TOOLCHAIN, "its cell is gone");
	else if (ret)
		agent_job_fail(job, WIRE_FAIL_NODE, "%s", err.text);
}
