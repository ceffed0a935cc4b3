/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/class.h - The core classes of a node, and when a unit would finish.
 *
 * A node has one or more classes of equal cores, such as the big and the little
 * cores of a board.  Each class has a queue of the units that were sent to it:
 * the first n_cores of them run, the others wait on the node.
 *
 * The slowness of a class is the time that its cores need for a second of
 * predicted cost.  It is expected to be 1024 / capacity (kfarm-protocol(7),
 * MACHINE) and then learned from the units that the class completes: the sum of
 * their times on a core divided by the sum of their costs, where a sample loses
 * half of its weight in 20 s.  A board that throttles therefore loses its share
 * within a minute, and regains it afterwards.  The values are rounded to eight
 * steps per power of two, so that equal nodes stay equal.
 *
 * The earliest finish time of a unit on a class is the time at which a core
 * becomes free plus the predicted cost times the slowness.  A unit that runs
 * longer than predicted is expected to need half of its elapsed time again.
 */
#ifndef SCHED_CLASS_H
#define SCHED_CLASS_H

#include "sched/internal.h"

/*
 * Set the classes of a node, which has no units.  If `n` is 0, the node gets
 * one class of `n_slots` cores.  A node that reports the same classes as before
 * keeps their learned slowness.
 */
void sched_class_set_all(struct sched *s, struct sched_node *n,
			 const struct sched_core_class *classes,
			 unsigned n_classes, unsigned n_slots);
/* Free the classes of a node. */
void sched_class_free_all(struct sched *s, struct sched_node *n);

/* Append a unit, which u->node and u->class name, to the queue of its class. */
void sched_class_add_unit(struct sched *s, struct sched_unit *u);
/*
 * Remove a unit from its class.  If `completed` is set, learn from the time
 * that it took.
 */
void sched_class_remove_unit(struct sched *s, struct sched_unit *u,
			     bool completed);

/*
 * Return the predicted CPU time of a unit in ms: that of SCHED_EV_UNIT_ADDED,
 * or else the bytes of its inputs at the mean cost of this build.  Returns 0 if
 * neither is known yet.
 */
uint64_t sched_class_cost_ms(const struct sched *s, const struct sched_unit *u);
/* Return the predicted duration of a unit on a core of the class, in ms. */
uint64_t sched_class_duration_ms(const struct sched *s,
				 const struct sched_class *c,
				 const struct sched_unit *u);
/*
 * Return the class on which the unit finishes first, among those of nodes that
 * have the unit's toolchain and tool steps and on which the unit was not tried;
 * among equals, that of the node with the lowest share of slots in use.  The
 * node can be without a free slot.  Returns NULL if no node qualifies.
 *
 * For each slowness, the classes are in a heap by the time at which a core is
 * free, so that a choice usually looks at one class per slowness.
 */
struct sched_class *sched_class_choose(struct sched *s,
				       const struct sched_unit *u);
/*
 * Like sched_class_choose(), but consider only classes that can take the unit
 * now, and on which it finishes at `until_ms` or earlier.
 */
struct sched_class *sched_class_choose_free(struct sched *s,
					    const struct sched_unit *u,
					    uint64_t until_ms);
/* Return true if the unit can be sent to the class now. */
bool sched_class_can_take(const struct sched_class *c,
			  const struct sched_unit *u);
/*
 * Make a READY unit wait for the class: the choices for other units take it
 * into account until it is released.
 */
void sched_class_reserve(struct sched *s, struct sched_class *c,
			 struct sched_unit *u);
/* End the wait of a unit, if it waits for a class. */
void sched_class_release(struct sched *s, struct sched_unit *u);
/* Forget old samples of the slowness of all classes. */
void sched_class_update_slowness(struct sched *s);
/* Adapt to the state and the load of the node. */
void sched_class_refresh_all(struct sched *s, struct sched_node *n);

#endif
