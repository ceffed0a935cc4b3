/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/failure.h - Programs that fail on nodes but not on the build host.
 *
 * A result with an error is repeated on the build host.  If the local execution
 * succeeds, the failure is reported: the first one of each program with its
 * message, the others as a reason of their units.  The dispatcher decides
 * whether to disable the program on nodes (sched/disable.h).
 */
#ifndef COORD_FAILURE_H
#define COORD_FAILURE_H

#include "coord/unit.h"

/*
 * Record that `program` (SCHED_STEP_*, SCHED_COMPILER) failed on the unit's
 * node.  `text` is the cause; if it is NULL, the cause is in u->result.
 */
void coord_failure_record(struct coord_unit *u, unsigned program,
			  const char *text);
/* The wrapper will compile the unit: remember the present object. */
void coord_failure_watch_object(struct coord_unit *u);
/*
 * The wrapper has closed the connection.  Return true if a local execution of
 * the unit is known to have succeeded: by the coordinator, or by the wrapper if
 * it has made another object.  Also reports a failure on the node.
 */
bool coord_failure_is_compiled(struct coord_unit *u);
/* Report a SCHED_ACT_REPORT_DISABLED. */
void coord_failure_report_disabled(struct coord *c,
				   const struct sched_action *a);
#endif
