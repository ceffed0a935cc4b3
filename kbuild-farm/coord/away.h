/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/away.h - a job that is on a node: sent, answered, failed, late.
 *
 * Each function moves the job to another state and tells the scheduler.
 */
#ifndef COORD_AWAY_H
#define COORD_AWAY_H

#include "coord/state.h"

/* Give it to a node. */
void coord_away_send(struct coord_job *job, struct coord_node *node);
/* Its node did not do it (fault or loss): another one, or local. */
void coord_away_retry(struct coord_job *job, const char *why);
/* RESULT came, after all OUTPUT; takes over what `answer` holds. */
void coord_away_result(struct coord_job *job, struct peer_answer *answer);
/* Is its toolchain still what it was?  Answers wait for that to be known. */
void coord_away_judge(struct coord *c, struct inputs_toolchain *tc);
/* FAIL came. */
void coord_away_fail(struct coord_job *job, enum wire_fail_class class,
		     const char *reason);
/* Called every second: is it overdue or without progress? */
void coord_away_watch(struct coord_job *job, uint64_t now_ms);
/* Its hedge ended: `good`, and what it said, or it is of no use. */
void coord_away_hedged(struct coord_job *job, bool good, struct bytes out,
		       struct bytes err);

#endif
