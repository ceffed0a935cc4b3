/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/job.h - One compile offered to the coordinator.
 */
#ifndef CC_JOB_H
#define CC_JOB_H

#include "options/command.h"

/*
 * Working time (base/work-timer.h) in ms after which a coordinator that sends
 * no frame counts as dead.
 */
#define CC_COORD_TIMEOUT_MS 5000

struct wire_cc_step;

/*
 * A tool step that belongs to a compile, or that reads the output of a compiler
 * call with -E.
 */
struct cc_tool_step {
	const struct wire_cc_step *message;
	/*
	 * output file of the compiler call; NULL if the call writes to a pipe
	 */
	const char *object;
};

/*
 * Return true if the step belongs to a compile, and false if it reads the
 * output of a compiler call with -E.
 */
bool cc_tool_step_has_compile(const struct cc_tool_step *step);
/* Return true if the step can be executed with the compiler call. */
bool cc_tool_step_fits(const struct cc_tool_step *step,
		       const struct options_command *command);

struct cc_job {
	const char *socket; /* Unix socket of the coordinator */
	const char *compiler; /* absolute path of the real compiler */
	char *const *argv; /* arguments as make passed them */
	char *const *env; /* environment of the compiler */
	bool launched; /* see struct wire_cc_job */
	const struct options_command *compile;
	const struct wire_cc_step *step; /* NULL if there is no tool step */
	int coord_fd; /* the coordinator's socket after CC_JOB_LOCAL, else -1 */
	/* set by cc_job_submit_program() */
	bool linked; /* see struct wire_cc_job */
	int object_fd; /* descriptor of the object, already unlinked; or -1 */
	unsigned source_at; /* index of the source file in argv */
};

enum cc_job_outcome {
	CC_JOB_DONE, /* the outputs are in place; exit with the status */
	CC_JOB_LOCAL, /* compile locally; the socket stays open across exec */
	/*
	 * no coordinator, a protocol error, outputs that cannot be placed, or
	 * messages without a reader: compile locally
	 */
	CC_JOB_UNAVAILABLE,
	/* a signal arrived, and the caller handles or blocks it */
	CC_JOB_SIGNALLED,
};

/*
 * Send the job and wait for its result.  Gives up if no frame arrives while the
 * coordinator works for CC_COORD_TIMEOUT_MS.  After CC_JOB_UNAVAILABLE the
 * socket is closed and the temporary files of this process are removed.  If
 * SIGHUP, SIGINT or SIGTERM arrives during the wait, the function also closes
 * the socket and removes the files, and then raises the signal again under the
 * caller's signal disposition and mask.  *status is set for CC_JOB_DONE and
 * CC_JOB_SIGNALLED.
 */
enum cc_job_outcome cc_job_submit(struct cc_job *job, int *status);
/*
 * Submit the compile of a command that options_command_divide() can divide;
 * `job->compile` is the parsed command.  If the compile succeeds, returns
 * CC_JOB_UNAVAILABLE, because the caller must still link.  To do so, the caller
 * executes the command with the object in place of the source, and then closes
 * job->object_fd, the descriptor of the object.  exec does not close this
 * descriptor.  The other outcomes are those of cc_job_submit(), for the whole
 * command.
 */
enum cc_job_outcome cc_job_submit_program(struct cc_job *job, int *status);

#endif
