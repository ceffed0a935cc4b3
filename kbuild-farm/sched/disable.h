/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/disable.h - Programs disabled on nodes because they fail only there.
 *
 * A program is a compiler or the tool of a step, as it runs in the sandboxes of
 * one toolchain.  If a unit fails on a node, the build host executes the unit.
 * The failure counts if the unit then succeeds, so an error in the user's
 * source never counts.  One success of the program on the node ends the row of
 * consecutive failures.
 *
 * A program is disabled on a node after three consecutive failures on this
 * node.  It is disabled on all nodes after three failures on at least two nodes
 * if no node has executed it successfully.  While a tool is disabled, the node
 * gets no units with this step; while a compiler is disabled, it gets no units
 * of the toolchain.  A unit that was in flight can still succeed, which enables
 * the program again.
 */
#ifndef SCHED_DISABLE_H
#define SCHED_DISABLE_H

#include "sched/internal.h"

/*
 * Record that the program `u->failed` failed on `u->node`, and that the build
 * host then executed the unit successfully.
 */
void sched_disable_add_failure(struct sched *s, const struct sched_unit *u);
/* Record that `u->node` executed the unit and its step successfully. */
void sched_disable_add_success(struct sched *s, const struct sched_unit *u);
/* Forget all executions on a node, which may be another machine now. */
void sched_disable_forget(struct sched *s, const struct sched_node *n);

#endif
