/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/remote.h"

#include "base/log.h"
#include "base/str.h"
#include "coord/job.h"
#include "inputs/toolchain.h"

#include <stdlib.h>
#include <string.h>

#define RESCANS 2

static void sum_inputs(struct coord_job *job)
{
	job->input_bytes = 0;
	for (size_t i = 0; i < job->manifest.closure.n_files; i++)
		job->input_bytes +=
			(uint64_t)job->manifest.closure.files[i].stamp.size;
}

/* On a worker thread. */
static void scan(struct pool_work *w)
{
	struct coord_job *job = (struct coord_job *)w;
	struct inputs_manifest *m = &job->manifest;
	struct scan_unit unit = {
		.cwd = job->ask.cwd,
		.compiler = job->ask.compiler,
		.toolchain = &job->toolchain->manifest.id,
		.command = &job->compile,
		.env = coord_job_env(job),
	};
	struct err err;

	inputs_manifest_release(m);
	options_flags_release(&job->flags);
	if (options_typed_from(&job->flags, &job->compile, &err)) {
		m->why = REASON_OPTION_NOT_REMOTE;
		m->detail = xstrdup(err.text);
		return;
	}
	inputs_manifest_make(m, &job->coord->inputs, &unit);
	if (m->why)
		return;
	job->language = inputs_toolchain_language(job->toolchain,
						  coord_job_env(job));
	if (m->closure.mentions & SCAN_MENTIONS_TIME)
		m->why = REASON_TIME_MACRO;
	else
		m->why = job->language->why;
	sum_inputs(job);
}

static void on_scanned(struct pool_work *w)
{
	struct coord_job *job = (struct coord_job *)w;
	const struct inputs_manifest *m = &job->manifest;

	job->coord->scan_us += m->scan_us + m->list_us;
	if (!coord_job_back(job))
		return;
	if (m->why) {
		log_debug("%s: not for a node: %s%s%s", job->compile.source,
			  reason_words(m->why), m->detail ? ": " : "",
			  m->detail ? m->detail : "");
		coord_job_local(job, reason_words(m->why));
		return;
	}
	job->state = JOB_READY;
	coord_kick(job->coord);
}

void coord_remote_scan(struct coord_job *job)
{
	job->state = JOB_SCAN;
	job->working = true;
	job->work.run = scan;
	job->work.done = on_scanned;
	pool_add(job->coord->pool, &job->work);
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
