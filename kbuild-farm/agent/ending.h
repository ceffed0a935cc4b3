/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/ending.h - what the end of a job's programs says of the job.
 */
#ifndef AGENT_ENDING_H
#define AGENT_ENDING_H

#include "agent/run.h"
#include "wire/msg.h"

#include <stdbool.h>

struct agent_ending {
	const char *cwd; /* of the job */
	const char *tool; /* NULL: it has none */
	enum wire_fail_class class; /* after a failure, with */
	char *reason; /* which is the caller's then */
};

/*
 * The run is over.  True: there is a RESULT, with the status that it has.
 * False: it has failed, and why is in `e`.  A compiler that a signal ended is
 * the node's fault; how a tool ends is its own affair, and a status like any.
 */
bool agent_ending_judge(struct agent_ending *e, const struct agent_run *run);

#endif
