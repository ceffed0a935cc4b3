/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/job.h - One job, from its JOB message to its RESULT or FAIL.
 *
 *	receive inputs -> wait for a slot -> run the compiler -> send the result
 *
 * Each stage can end in a failure; kfarmd then sends FAIL instead of a result.
 * The client can drop the job at any stage.
 */
#ifndef KFARMD_JOB_H
#define KFARMD_JOB_H

#include "base/err.h"
#include "kfarmd/argv.h"
#include "kfarmd/client.h"
#include "kfarmd/input-sink.h"
#include "kfarmd/run.h"
#include "kfarmd/slots.h"
#include "wire/msg.h"

#include <jansson.h>
#include <stdbool.h>

struct kfarmd;

struct kfarmd_job {
	/* The session reads these members. */
	struct wire_job m; /* m.job is the client's number of the job */
	/* CPUs of the job's PIN, owned by the client; NULL: no PIN */
	struct kfarmd_pin *pin;
	bool done; /* the result, or a failure, can be sent */
	/*
	 * CPU time of the run: the final time if the job is done, otherwise the
	 * time at the last call of kfarmd_job_is_running()
	 */
	uint32_t cpu_ms;

	/* The remaining members are private to kfarmd/job.c. */
	struct kfarmd *daemon;
	struct wire_step *step; /* NULL: the job has no STEP */
	struct kfarmd_slot slot;
	struct kfarmd_sandbox_user sandbox_user;
	/* NULL: the job was dropped */
	void (*on_done)(void *ctx, struct kfarmd_job *job);
	void *ctx;
	struct event *done_event;
	/* clock_ms() of the receipt and of the last state change */
	uint64_t received_ms, state_since_ms;

	struct kfarmd_compile compile;
	struct wire_flag *flags;
	char *cwd;
	struct strv argv;
	struct strv env;
	struct strv tool_argv; /* command line of the step's tool */
	/* CPUs of the job's pin when the job started, if it has a pin */
	struct machine_cpus cpus;
	int version; /* of the session's protocol */
	struct digest job_digest;

	struct kfarmd_run *run; /* NULL until the compiler is started */
	struct bytes output_maps[WIRE_N_OUTPUTS]; /* mapped output files */
	struct kfarmd_run_output output;
	struct task *task; /* thread that checks the output, or NULL */

	int fail_class; /* enum wire_fail_class; -1: the job did not fail */
	char *fail_reason;
};

/*
 * Accept the job `m` of a client and take ownership of its content.  on_done()
 * runs once, from the event loop, when the result is complete or the job has
 * failed.
 *
 * Returns NULL with the reason in `err` if the job is rejected; the caller
 * still owns `m` then.  *fail_class is the failure class to send, or -1 if the
 * session must end.
 */
struct kfarmd_job *kfarmd_job_new(struct kfarmd_client *client,
				  struct wire_job *m,
				  void (*on_done)(void *ctx,
						  struct kfarmd_job *job),
				  void *ctx, int *fail_class, struct err *err);
/*
 * If the compiler was started and the job is not done, return true and store
 * the CPU time of the run so far in *cpu_ms.  A paused job also counts as
 * running.
 */
bool kfarmd_job_is_running(struct kfarmd_job *job, uint32_t *cpu_ms);

/* Kill the programs of the job if its deadline has passed. */
void kfarmd_job_check_deadline(struct kfarmd_job *job);

/*
 * Return a description of the job for --status, at clock_ms() `now`.  The
 * caller owns the reference.
 */
json_t *kfarmd_job_to_json(const struct kfarmd_job *job, uint64_t now);

/*
 * Encode the next message about a job that is done: FAIL if the job has failed,
 * otherwise OUTPUT for each piece of the result and then RESULT.  Appends the
 * body to `body`.  Returns true if this is the last message.
 */
bool kfarmd_job_encode_next(struct kfarmd_job *job, enum wire_type *type,
			    struct buf *body);

/*
 * End the job in any state: kill its compiler, delete its files and free its
 * slot.  The caller must not use `job` afterwards.
 */
void kfarmd_job_drop(struct kfarmd_job *job);

#endif
