/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/unit.h - State changes of a unit, from its request to its end.
 *
 * Only these functions change the state of a unit.
 */
#ifndef SCHED_UNIT_H
#define SCHED_UNIT_H

#include "sched/internal.h"

/* Create a unit in SCHED_UNIT_NONE; the caller sets its toolchain. */
struct sched_unit *sched_unit_new(struct sched *s, uint32_t number);
/* Return the unit, or NULL if the number is not in use. */
struct sched_unit *sched_unit_find(const struct sched *s, uint32_t number);
/* Return the unit of event s->cause.  Aborts if the event cannot occur. */
struct sched_unit *sched_unit_get_or_abort(const struct sched *s,
					   uint32_t number);
/* Free a unit, for sched_free(). */
void sched_unit_free(struct sched *s, struct sched_unit *u);

/*
 * Queue the unit until its toolchain is available (SCHED_UNIT_NEW), for
 * scanning (SCHED_UNIT_TO_SCAN), for a node (SCHED_UNIT_READY), or, after
 * verification, until its toolchain is rechecked (SCHED_UNIT_HELD).
 */
void sched_unit_queue(struct sched *s, struct sched_unit *u,
		      enum sched_unit_state state);
/* Hand the unit to a worker, or take it back from the worker. */
void sched_unit_scan(struct sched *s, struct sched_unit *u);
void sched_unit_verify(struct sched *s, struct sched_unit *u, uint32_t cpu_ms);
void sched_unit_finish_work(struct sched *s, struct sched_unit *u);
/* Send the unit to a node, or cancel it there. */
void sched_unit_send(struct sched *s, struct sched_unit *u,
		     struct sched_node *n);
void sched_unit_cancel(struct sched *s, struct sched_unit *u);
/*
 * Add the CPU time reported by the node.  Returns false if it did not increase.
 */
bool sched_unit_add_cpu_time(struct sched_unit *u, uint32_t cpu_ms);
/* Try another node, or compile locally for the reason `why`. */
void sched_unit_retry(struct sched *s, struct sched_unit *u, enum reason why);
/*
 * Scan the unit again because an input was missing or changed, or compile it
 * locally.
 */
void sched_unit_rescan(struct sched *s, struct sched_unit *u, enum reason why);
/*
 * Queue the unit for a local compile for the reason `why`, or start this
 * compile.
 */
void sched_unit_queue_local(struct sched *s, struct sched_unit *u,
			    enum reason why);
void sched_unit_start_local(struct sched *s, struct sched_unit *u);

/* Start a hedge (a concurrent local compile), which takes a local slot. */
void sched_unit_hedge(struct sched *s, struct sched_unit *u);
/* The hedge ended or failed to start. */
void sched_unit_end_hedge(struct sched *s, struct sched_unit *u);
/*
 * Deliver the outputs of the node, or those of the hedge for the reason `why`.
 */
void sched_unit_deliver(struct sched *s, struct sched_unit *u, enum reason why);
/* The wrapper has exited: stop everything that runs for the unit. */
void sched_unit_remove(struct sched *s, struct sched_unit *u);

#endif
