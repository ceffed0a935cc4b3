/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/job.h - one compile, from the wrapper's question to its end.
 *
 * Each function moves the job to another state and tells the scheduler.
 */
#ifndef COORD_JOB_H
#define COORD_JOB_H

#include "coord/state.h"

/*
 * A wrapper asks for a compile; takes over what `ask` holds.  Returns NULL
 * when that is no job (a wrapper never sends one).
 */
struct coord_job *coord_job_new(struct coord *c, struct coord_client *client,
				struct wire_cc_job *ask);
/*
 * The wrapper's end of the socket closed: its local compile ended, it
 * renamed what it was given, or it gave up.  Frees the job and whatever
 * still runs for it, and removes temporaries.
 */
void coord_job_end(struct coord_job *job);

/* Stop all that runs for it, here and on a node; it waits for nothing. */
void coord_job_stop(struct coord_job *job);
/* To be compiled by its own wrapper, because of `why` (a literal). */
void coord_job_local(struct coord_job *job, const char *why);
/* A local slot is free for it. */
void coord_job_grant(struct coord_job *job);
/* Begin to preprocess it. */
void coord_job_preprocess(struct coord_job *job);
/* Give it to a node. */
void coord_job_send(struct coord_job *job, struct coord_peer *peer);
/* Its node did not do it (fault or loss): another one, or local. */
void coord_job_retry(struct coord_job *job, const char *why);
/* RESULT came, after all OUTPUT. */
void coord_job_result(struct coord_job *job, const struct wire_result *r);
/* FAIL came. */
void coord_job_fail(struct coord_job *job, const struct wire_fail *f);
/* Called every second: is it overdue or without progress? */
void coord_job_watch(struct coord_job *job, uint64_t now_ms);
/* Its hedge ended: `good`, and what it said, or it is of no use. */
void coord_job_hedged(struct coord_job *job, bool good, struct bytes out,
		      struct bytes err);
/* A path of the job as we see it: cwd in front unless it is absolute. */
char *coord_job_path(const struct coord_job *job, const char *path);
/* The environment for compilers that run here for it; borrowed. */
char *const *coord_job_env(const struct coord_job *job);
/* Expected CPU time on a node in ms, 0 when nothing is known yet. */
uint32_t coord_job_predict(const struct coord_job *job);

#endif
