/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/job.h - one job, from its message to the last piece of its answer.
 *
 *	its cell and views come -> it waits for its turn
 *		-> the compiler runs -> the answer
 *
 * and from each of these straight to the answer, which then says what failed,
 * or to the end, when it is dropped.
 */
#ifndef AGENT_JOB_H
#define AGENT_JOB_H

#include "base/err.h"
#include "wire/msg.h"

#include <jansson.h>
#include <stdbool.h>

struct agent;
struct agent_client;
struct agent_job;

/*
 * Take the job `m` of a client, whose content then is the job's.  `tell` is
 * called from the loop, once, when there is an answer.  Returns NULL with
 * `err` saying why the job is not taken, for *class; or -1 there when the
 * conversation is over.  `m` then is the caller's still.
 */
struct agent_job *agent_job_new(struct agent *a, struct agent_client *client,
				struct wire_job *m,
				void (*tell)(void *ctx, struct agent_job *job),
				void *ctx, int *class, struct err *err);
uint32_t agent_job_number(const struct agent_job *job);
/* Did it come with PIN? */
bool agent_job_is_pinned(const struct agent_job *job);
/* Does its compiler run?  Then its CPU time so far is in *cpu_ms. */
bool agent_job_runs(struct agent_job *job, uint32_t *cpu_ms);

/* Itself at clock_ms() `now`, for people; the caller's reference. */
json_t *agent_job_json(const struct agent_job *job, uint64_t now);

/* The CPU time of its compiler as it was asked for last. */
uint32_t agent_job_cpu_ms(const struct agent_job *job);

/* The answer, once there is one. */
bool agent_job_answered(const struct agent_job *job);
/* It is a failure: in *out, borrowed.  Else it is pieces and a result. */
bool agent_job_failed(const struct agent_job *job, struct wire_fail *out);
/* The next piece, borrowed; false when there is no more. */
bool agent_job_piece(struct agent_job *job, struct wire_piece *out);
void agent_job_result(const struct agent_job *job, struct wire_result *out);

/*
 * The job is the caller's no more, in whatever state: its compiler is killed,
 * its files go, its place is free.
 */
void agent_job_drop(struct agent_job *job);

#endif
