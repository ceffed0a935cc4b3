/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/slots.h - Number of concurrent jobs per node and on the build host.
 *
 * The slots of a node shrink while other processes use its machine.  A node
 * reports this load, but it cannot tell how much of the load the same build
 * causes: several nodes, or a node and the build host, can share a machine.
 * Equal boot ids show that they do.  The build's own load is subtracted: on a
 * node, the CPU time of its jobs between two heartbeats; on the build host, one
 * core per local slot in use plus the CPU time of kfarm.  Other processes of
 * make (linkers, host programs, scripts) still count as foreign load.
 */
#ifndef COORD_SLOTS_H
#define COORD_SLOTS_H

#include "coord/internal.h"
#include "wire/msg.h"

/*
 * Finish a heartbeat: update the load of the node's jobs from their CPU time,
 * which the caller has added to n->beat_cpu_ms.
 */
void coord_slots_sample_node(struct coord_node *n, uint64_t now_ms);
/* Sample the CPU time of kfarm.  Call it once a second. */
void coord_slots_sample_local(struct coord *c, uint64_t now_ms);
/* Return the node's health without the load of this build. */
void coord_slots_adjust_health(const struct coord_node *n,
			       struct wire_health *out);

/*
 * Return the node's slots: its limit (node/limits.h) or the user's request,
 * reduced by the current restriction (node/slot-limit.h).  Returns 0 before
 * HELLO.
 */
unsigned coord_slots(const struct coord_node *n);
/*
 * Update the restriction of the node's slots after a heartbeat.  `own_jobs` is
 * the number of jobs on the node that belong to this build.  Returns true if
 * the restriction or its reason changed.
 */
bool coord_slots_update(struct coord_node *n, uint64_t now_ms,
			unsigned own_jobs);
/*
 * Describe the slots: "5 of 8 slots: REASON" or "back to 8 slots".  The caller
 * frees the text.
 */
char *coord_slots_describe(const struct coord_node *n);
/*
 * Return the number of recipes that make can run in addition to the local
 * slots.  `local` is the number of local slots that the build host has when it
 * serves no nodes.
 *
 * A recipe whose compile is on a node costs the build host nothing, so it does
 * not occupy one of make's local slots.  Neither does a recipe that waits for a
 * local slot; otherwise a few slow compiles would keep make from starting
 * compiles for nodes.  Each waiting recipe consists of processes.  So the
 * number of waiting recipes that are counted is limited to the number of remote
 * slots or to 64, whichever is larger.  Without remote slots, none are counted.
 * If local compiles occupy all local slots, one more recipe can start, so that
 * its compile is scheduled.
 */
unsigned coord_slots_extra_recipes(const struct sched_counts *f,
				   unsigned local);
/*
 * Compute the number of local slots that remain while the build host serves the
 * nodes that are up.
 */
unsigned coord_slots_local(const struct coord *c);
/*
 * Change the slots by one at the user's request.  Returns false before HELLO,
 * or if the number is already node_limit_max() or 1.
 */
bool coord_slots_adjust(struct coord_node *n, bool more);

#endif
