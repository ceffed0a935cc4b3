/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/job.h - One job, from its JOB message to its RESULT or FAIL.
 *
 *	receive inputs -> wait for a slot -> run the compiler -> send the result
 *
 * Each stage can end in a failure, which is sent instead of a result.  The
 * client can drop the job at any stage.
 */
#ifndef KFARMD_JOB_H
#define KFARMD_JOB_H

#include "base/err.h"
#include "wire/msg.h"

#include <jansson.h>
#include <stdbool.h>

struct kfarmd;
struct kfarmd_client;
struct kfarmd_job;

/*
 * Accept the job `m` of a client and take ownership of its content.  on_done()
 * runs once, from the event loop, when the result is complete or the job has
 * failed.
 *
 * Returns NULL with the reason in `err` if the job is rejected; the caller
 * still owns `m` then. *fail_class is the failure class to send, or -1 if the
 * session must end.
 */
struct kfarmd_job *kfarmd_job_new(
	struct kfarmd *a, struct kfarmd_client *client, struct wire_job *m,
	void (*on_done)(void *ctx, struct kfarmd_job *job), void *ctx,
	int *fail_class, struct err *err);
/* Return the client's number of the job. */
uint32_t kfarmd_job_number(const struct kfarmd_job *job);
/* Return true if a PIN preceded the job. */
bool kfarmd_job_is_pinned(const struct kfarmd_job *job);
/*
 * Return true if the compiler runs, and store its CPU time so far in *cpu_ms.
 */
bool kfarmd_job_is_running(struct kfarmd_job *job, uint32_t *cpu_ms);

/*
 * Return a description of the job for --status, at clock_ms() `now`.  The
 * caller owns the reference.
 */
json_t *kfarmd_job_to_json(const struct kfarmd_job *job, uint64_t now);

/*
 * Return the CPU time of the compiler: the final time if the job is done,
 * otherwise the time at the last call of kfarmd_job_is_running().
 */
uint32_t kfarmd_job_cpu_ms(const struct kfarmd_job *job);

/* Return true if the result, or a failure, can be sent. */
bool kfarmd_job_is_done(const struct kfarmd_job *job);
/*
 * Return true and fill *out, which is borrowed, if the finished job failed.
 * Otherwise the result is sent as pieces followed by RESULT.
 */
bool kfarmd_job_get_failure(const struct kfarmd_job *job,
			    struct wire_fail *out);
/*
 * Store the next piece of the result in *out; its data is borrowed.  Returns
 * false after the last piece.
 */
bool kfarmd_job_next_piece(struct kfarmd_job *job, struct wire_piece *out);
/* Fill the RESULT of a finished job that did not fail. */
void kfarmd_job_get_result(const struct kfarmd_job *job,
			   struct wire_result *out);

/*
 * End the job in any state: kill its compiler, delete its files and free its
 * slot.  The caller must not use `job` afterwards.
 */
void kfarmd_job_drop(struct kfarmd_job *job);

#endif
