/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/unanswered.h - Local compiles of wrappers without a response.
 *
 * If the coordinator does not respond, for example because it is stopped,
 * wrappers compile locally and append a line to a file
 * (wire_cc_unanswered_path()).  Each line is reported as a local job with the
 * reason REASON_NO_ANSWER.  A unit may already exist for the same compile; it
 * must not be reported as a local job, too.
 */
#ifndef COORD_UNANSWERED_H
#define COORD_UNANSWERED_H

#include <stdbool.h>
#include <stdint.h>

struct coord;
struct coord_unanswered;

/*
 * Create the file next to the socket of the coordinator's set-up.  If this
 * fails, logs a warning, and no such compiles are reported.
 */
struct coord_unanswered *coord_unanswered_new(struct coord *c);
/* Remove the file and free `u`. */
void coord_unanswered_free(struct coord_unanswered *u);

/* Report the compiles that were added to the file since the last call. */
void coord_unanswered_report(struct coord_unanswered *u);
/*
 * Return true if the process `pid`, which has closed a connection, gave up
 * waiting for a response.  Each request of a process is returned once.
 */
bool coord_unanswered_take(struct coord_unanswered *u, uint32_t pid);

#endif
