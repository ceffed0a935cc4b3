/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/remote.h"

#include "base/log.h"
#include "coord/job.h"

#define RESCANS 2

static void on_found(void *ctx, struct inputs_result *result)
{
	struct coord_job *job = ctx;
	const struct inputs_manifest *m;

	job->search = NULL;
	if (!coord_job_back(job))
		return;
	job->inputs = *result;
	*result = (struct inputs_result){ 0 };
	m = &job->inputs.manifest;
	job->coord->scan_us += m->scan_us + m->list_us;
	if (job->inputs.why) {
		log_debug("%s: not for a node: %s%s%s", job->compile.source,
			  reason_words(job->inputs.why), m->detail ? ": " : "",
			  m->detail ? m->detail : "");
		coord_job_local(job, reason_words(job->inputs.why));
		return;
	}
	job->state = JOB_READY;
	coord_kick(job->coord);
}

void coord_remote_scan(struct coord_job *job)
{
	struct inputs_request q = {
		.inputs = &job->coord->inputs,
		.pool = job->coord->pool,
		.cwd = job->ask.cwd,
		.compiler = job->ask.compiler,
		.command = &job->compile,
		.env = coord_job_env(job),
		.toolchain = job->toolchain,
	};

	inputs_result_release(&job->inputs);
	job->state = JOB_SCAN;
	job->working = true;
	job->search = inputs_find(&q, on_found, job);
	coord_emit_job(job, EVENT_SCAN, NULL, NULL);
}

void coord_remote_again(struct coord_job *job, const char *why)
{
	coord_job_leave_node(job);
	if (job->rescans++ >= RESCANS) {
		coord_job_local(job, why);
		return;
	}
	job->coord->retried++;
	job->n_tried = 0;
	job->state = JOB_WAIT_SCAN;
	coord_kick(job->coord);
}
