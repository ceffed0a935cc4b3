/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/job-state.h - a job, for the two files that it lives in: job.c takes
 * it and answers; job-run.c has its compiler, from the start to the answer.
 *
 * A job at which a thread works (`task`) cannot go before that is done; one
 * that was dropped meanwhile ends there.  `tell` always comes through the
 * `telling` event, so that no call into a job can free it under its caller.
 */
#ifndef AGENT_JOB_STATE_H
#define AGENT_JOB_STATE_H

#include "agent/agent.h"
#include "agent/answer.h"
#include "agent/argv.h"
#include "agent/cell.h"
#include "agent/run.h"
#include "base/task.h"

struct event;

struct agent_job {
	struct agent *agent;
	struct wire_job m;
	struct agent_place place;
	struct agent_cell_user user; /* of its cell */
	void (*tell)(void *ctx, struct agent_job *job); /* NULL: dropped */
	void *ctx;
	struct event *telling;
	bool has_answer;

	struct agent_compile compile;
	struct wire_flag *flags;
	char *cwd;
	struct strv argv;
	struct strv env;

	struct digest key;

	struct agent_run *run; /* of the compile, perhaps done */
	struct bytes map[WIRE_STREAMS]; /* files that it made */
	struct agent_answer answer;

	struct task *task; /* on a thread */
	void (*after)(struct agent_job *job);

	int fail_class; /* enum wire_fail_class, -1: none */
	char *fail_reason;
};

void agent_job_free(struct agent_job *job);
/* Its turn came: start its compiler. */
void agent_job_start(struct agent_job *job);

/* It has an answer now: the one that was sealed, or this failure. */
void agent_job_done(struct agent_job *job);
void agent_job_fail(struct agent_job *job, enum wire_fail_class class,
		    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* fn(job), on a thread if `large`, then after(job). */
void agent_job_aside(struct agent_job *job, bool large, void (*fn)(void *arg),
		     void (*after)(struct agent_job *job));

#endif
