/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/job.h - one compile, offered to the coordinator.
 */
#ifndef CC_JOB_H
#define CC_JOB_H

#include "options/command.h"

/* Without a frame for so long, the coordinator counts as dead. */
#define CC_SILENCE_MS 5000

struct wire_cc_step;

/* What is to be done beside a compile, or behind a -E in its place. */
struct cc_step {
	const struct wire_cc_step *message;
	const char *object; /* the compile's; NULL: that is a -E */
};

/* Is it beside a compile?  Else behind a -E. */
bool cc_step_compiles(const struct cc_step *step);

struct cc_job {
	const char *socket; /* the coordinator's Unix socket */
	const char *compiler; /* the real one, absolute */
	char *const *argv; /* as make gave it */
	char *const *env; /* what the compiler is to get */
	const struct options_command *compile;
	const struct wire_cc_step *step; /* NULL: none */
	int kept; /* after CC_ANSWER_LOCAL the socket, else -1 */
};

enum cc_answer {
	CC_ANSWER_DONE, /* the outputs are in place: exit with the status */
	CC_ANSWER_LOCAL, /* compile it; the socket stays open over exec */
	CC_ANSWER_NONE, /* no coordinator, or a bad one: compile it */
	/* A signal came that the caller does not let end it. */
	CC_ANSWER_ENDED,
};

/*
 * Send the job and wait for its end, never longer than CC_SILENCE_MS without
 * a word.  After CC_ANSWER_NONE the socket is closed and this process's
 * temporaries are removed; so they are when SIGHUP, SIGINT or SIGTERM comes
 * meanwhile, which then does what the caller has it do.
 */
enum cc_answer cc_job_offer(struct cc_job *job, int *status);

#endif
