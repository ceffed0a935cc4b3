/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/dispatch.h - Event queue and actions around the pure dispatcher.
 *
 * Events of nodes, wrappers and worker threads enter a queue.  coord_dispatch()
 * passes them to the dispatcher (sched/sched.h) and executes its actions.
 */
#ifndef COORD_DISPATCH_H
#define COORD_DISPATCH_H

#include "coord/internal.h"
#include "coord/unit.h"
#include "coord/wrapper-conn.h"

/* Queue an event for the dispatcher.  Its text is copied. */
void coord_dispatch_event(struct coord *c, const struct sched_event *event);
/*
 * Pass on the deferred units that no longer have to wait for a cross-built
 * tool: queue a SCHED_EV_UNIT_ADDED for each of them.
 */
void coord_dispatch_deferred(struct coord *c);
/* Callbacks for the compile requests of wrappers. */
extern const struct coord_wrapper_conn_ops coord_dispatch_wrapper_ops;
/*
 * Tell the dispatcher that the node `n` has reported `event` about its job for
 * the unit, and report the unit's progress.  After a result or failure, further
 * messages about the job are ignored.
 */
void coord_dispatch_job_event(struct coord_unit *u, const struct coord_node *n,
			      struct sched_event *event);
/*
 * Forget all jobs on a node whose connection has ended, so that their units can
 * be sent to the node again.
 */
void coord_dispatch_forget_jobs(const struct coord_node *n);
/*
 * Return a toolchain's number in the dispatcher, and assign one if necessary.
 */
uint32_t coord_dispatch_get_toolchain_number(struct coord *c,
					     struct inputs_toolchain *tc);
/* Queue the new state of a toolchain. */
void coord_dispatch_toolchain(struct coord *c, struct inputs_toolchain *tc);
/*
 * Queue the new state of a reference object.  This is a callback; `ctx` is the
 * coordinator.
 */
void coord_dispatch_on_reference(void *ctx,
				 struct inputs_reference_object *ref);
/* Pass all queued events to the dispatcher and execute its actions. */
void coord_dispatch(struct coord *c);
/*
 * Drop all queued events, and stop all hedges and all compilers and tools that
 * coord_compile_start() started.  Further events are ignored.
 */
void coord_dispatch_stop(struct coord *c);
/*
 * Free all remaining units, and remove their temporary files.  Call this
 * function after coord_dispatch_stop(), when all nodes, worker threads and
 * wrapper connections have been freed.
 */
void coord_dispatch_free_units(struct coord *c);

/*
 * Dial a node.  If the command of a pool member's previous session still runs,
 * the member is dialed after this command has exited.  Does nothing if the node
 * is excluded.
 */
void coord_dispatch_dial(struct coord_node *n);

#endif
