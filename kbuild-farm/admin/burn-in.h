/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin/burn-in.h - Jobs that test a node, and records of its heat. */
#ifndef ADMIN_BURN_IN_H
#define ADMIN_BURN_IN_H

#include "admin/test-state.h"

/*
 * Set up the core classes after HELLO.  Each burn-in job of the session is then
 * pinned to one class, if the node supports pinning and has the same classes as
 * in its first session.
 */
void admin_burn_heat_init_classes(struct admin_test_state_node *n,
				  const struct peer_stats *now);
/*
 * Record heat and throttling from a heartbeat.  Outside the burn-in, record
 * only the time of the heartbeat, `now_ms`.
 */
void admin_burn_heat_record(struct admin_test_state_node *n,
			    const struct peer_stats *now, uint64_t now_ms);

/*
 * Send units of `set` until `max_jobs` are in flight.  If `repeat` is set,
 * start again after the last unit; otherwise send each unit once.  Returns
 * false after all units were sent and no job is in flight any more.
 */
bool admin_burn_in_send_units(struct admin_test_state_node *n,
			      const struct peer_canary *set, unsigned max_jobs,
			      bool repeat);
/*
 * Return the index of the core class for the next job, or -1 if each class has
 * at least 1.25 jobs per core in flight.
 */
int admin_burn_in_next_class(const struct admin_test_state_node *n);
/* Check the result of job `number`, and release the contents of `answer`. */
void admin_burn_in_handle_result(struct admin_test_state_node *n,
				 uint32_t number,
				 struct peer_job_result *answer);
/*
 * Count a job that failed on the node.  If the node reports that it is busy and
 * other jobs of the test are in flight, the job is not counted, and a canary
 * unit is sent again later.
 */
void admin_burn_in_handle_failure(struct admin_test_state_node *n,
				  uint32_t number, enum wire_fail_class class,
				  const char *why);
/*
 * Count unit n->next_unit of `set` as failed because it cannot be sent.  If a
 * further attempt to send this unit fails, too, the unit is not counted again.
 */
void admin_burn_in_handle_unsent(struct admin_test_state_node *n,
				 const struct peer_canary *set);
/* Remove all jobs in flight, and cancel them if `cancel` is set. */
void admin_burn_in_drop_jobs(struct admin_test_state_node *n, bool cancel);
/* Cancel all jobs in flight, and count each of them as failed for `why`. */
void admin_burn_in_fail_jobs(struct admin_test_state_node *n, const char *why);
/*
 * Record the text and the time of an error, unless `c` already has an error.
 * `unit` is the name of the unit, or NULL.
 */
void admin_burn_in_record_error(struct admin_test_state_node *n,
				struct admin_node_test_count *c,
				const char *unit, const char *what);

#endif
