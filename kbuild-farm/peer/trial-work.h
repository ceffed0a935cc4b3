/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/trial-work.h - known units on a node of a trial: sent, and judged when
 * they come back.
 */
#ifndef PEER_TRIAL_WORK_H
#define PEER_TRIAL_WORK_H

#include "peer/trial-state.h"

/*
 * Send units of `set` until `most` jobs are out: each once, or where
 * `again`, from the first one on again.  False when all were sent and have
 * come back.
 */
bool trial_work_send(struct trial_node *n, const struct peer_canary *set,
		     unsigned most, bool again);
/*
 * Whose cores the next job is for; -1: all classes have theirs, and some more
 * ahead.
 */
int trial_work_next_class(const struct trial_node *n);
/* Releases what `answer` holds. */
void trial_work_answered(struct trial_node *n, uint32_t number,
			 struct peer_answer *answer);
void trial_work_failed(struct trial_node *n, uint32_t number,
		       enum wire_fail_class class, const char *why);
/* Of those that are out nothing is heard any more: leave them. */
void trial_work_drop(struct trial_node *n, bool cancel);
/* The same, and each has failed for `why`. */
void trial_work_give_up(struct trial_node *n, const char *why);
/* One that is not right: the first one's words are kept. */
void trial_work_note(struct trial_node *n, struct peer_trial_count *c,
		     const char *unit, const char *what);

#endif
