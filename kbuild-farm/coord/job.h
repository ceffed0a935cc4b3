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
/* Nothing of it is on its node any more; it may be given to another. */
void coord_job_leave_node(struct coord_job *job);
/* Done by somebody else than the wrapper: let it rename and end. */
void coord_job_deliver(struct coord_job *job, struct bytes out,
		       struct bytes err);
/* A thread has ended with it: false when its wrapper has gone meanwhile. */
bool coord_job_back(struct coord_job *job);

/* A path of the job as we see it: cwd in front unless it is absolute. */
char *coord_job_path(const struct coord_job *job, const char *path);
/* The environment for compilers that run here for it; borrowed. */
char *const *coord_job_env(const struct coord_job *job);

#endif
