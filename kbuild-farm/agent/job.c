/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/job.h"

#include "agent/client.h"
#include "agent/job-state.h"
#include "base/str.h"
#include "wire/key.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

static void on_telling(evutil_socket_t fd, short what, void *arg)
{
	struct agent_job *job = arg;

	(void)fd;
	(void)what;
	job->tell(job->ctx, job);
}

/* ------------------------------------------------------ until it starts */

static void start(void *ctx)
{
	agent_job_start(ctx);
}

/* Its cell is ready, or gone. */
static void go(void *ctx, const char *why)
{
	struct agent_job *job = ctx;

	if (why)
		agent_job_fail(job, WIRE_FAIL_TOOLCHAIN, "%s", why);
	else
		agent_slots_wait(&job->agent->slots, &job->place);
}

/* What the job's numbers stand for.  -EPROTO where they stand for nothing. */
static int resolve(struct agent_job *job, const struct agent_client *client,
		   const struct agent_cell *cell, struct err *err)
{
	const struct wire_cell *setup = agent_cell_setup(cell);
	const char *cwd = agent_client_path(client, job->m.cwd);

	if (!cwd)
		return err_set(err, EPROTO, "job %u: path %u has no name",
			       job->m.job, job->m.cwd);
	if (job->m.view > agent_cell_last_view(cell))
		return err_set(err, EPROTO, "job %u: view %u did not come",
			       job->m.job, job->m.view);
	if (agent_client_flags(client, &job->m, &job->flags,
			       &job->compile.n_flags))
		return err_set(err, EPROTO, "job %u: flags without names",
			       job->m.job);
	job->cwd = xstrdup(cwd);
	job->compile.flags = job->flags;
	job->compile.m = &job->m;
	job->compile.driver = setup->driver;
	job->compile.is_clang = setup->is_clang;
	return 0;
}

/* The cell, the command line and a place, or why not. */
static int prepare(struct agent_job *job, struct agent_client *client,
		   int *class, struct err *err)
{
	struct agent_cell *cell = agent_client_cell(client, job->m.cell);
	int ret;

	*class = WIRE_FAIL_NODE;
	if (!job->agent->check.fit)
		return err_set(err, EPERM, "%s", job->agent->check.why);
	*class = WIRE_FAIL_TOOLCHAIN;
	if (!cell)
		return err_set(err, ENOENT, "no such cell here");
	*class = -1;
	ret = resolve(job, client, cell, err);
	if (ret)
		return ret;
	*class = WIRE_FAIL_UNSUPPORTED;
	ret = agent_argv_build(&job->argv, &job->compile, err);
	if (!ret)
		ret = agent_argv_env(&job->env, &job->m, err);
	if (ret)
		return ret;
	*class = WIRE_FAIL_BUSY;
	ret = agent_slots_enter(&job->agent->slots, &job->place, err);
	if (!ret)
		agent_cell_join(cell, &job->user);
	return ret;
}

struct agent_job *agent_job_new(struct agent *a, struct agent_client *client,
				struct wire_job *m,
				void (*tell)(void *ctx, struct agent_job *job),
				void *ctx, int *class, struct err *err)
{
	struct agent_job *job = xcalloc(1, sizeof(*job));

	*job = (struct agent_job){
		.agent = a,
		.m = *m,
		.place = { .start = start, .ctx = job },
		.user = { .view = m->view, .go = go, .ctx = job },
		.tell = tell,
		.ctx = ctx,
		.fail_class = -1,
	};
	if (prepare(job, client, class, err)) {
		job->m = (struct wire_job){ 0 };
		agent_job_free(job);
		return NULL;
	}
	*m = (struct wire_job){ 0 };
	job->telling = event_new(a->base, -1, 0, on_telling, job);
	if (!job->telling)
		str_out_of_memory();
	wire_job_key(&job->m, job->flags, job->compile.n_flags,
		     &agent_cell_setup(job->user.cell)->toolchain, &job->key);
	agent_cell_await(&job->user);
	return job;
}

uint32_t agent_job_number(const struct agent_job *job)
{
	return job->m.job;
}

bool agent_job_runs(const struct agent_job *job, uint32_t *cpu_ms)
{
	if (!job->run || job->has_answer)
		return false;
	*cpu_ms = agent_run_cpu_ms(job->run);
	return true;
}

bool agent_job_answered(const struct agent_job *job)
{
	return job->has_answer;
}

bool agent_job_failed(const struct agent_job *job, struct wire_fail *out)
{
	if (job->fail_class < 0)
		return false;
	*out = (struct wire_fail){
		.job = job->m.job,
		.class = (uint8_t)job->fail_class,
		.reason = job->fail_reason,
	};
	return true;
}

bool agent_job_piece(struct agent_job *job, struct wire_piece *out)
{
	if (!agent_answer_piece(&job->answer, out))
		return false;
	out->job = job->m.job;
	return true;
}

void agent_job_result(const struct agent_job *job, struct wire_result *out)
{
	const struct cell_end *end = agent_run_end(job->run);

	*out = (struct wire_result){
		.job = job->m.job,
		.wait_status = (uint32_t)end->status,
		.cpu_ms = end->cpu_ms,
		.wall_ms = end->wall_ms,
		.peak_kib = end->peak_kib,
		.toolchain = agent_cell_setup(job->user.cell)->toolchain,
		.answer = job->answer.digest,
	};
	for (int i = 0; i < WIRE_STREAMS; i++)
		out->len[i] = (uint32_t)job->answer.out[i].len;
}

void agent_job_drop(struct agent_job *job)
{
	job->tell = NULL;
	if (!job->task)
		agent_job_free(job);
}
