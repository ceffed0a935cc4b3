/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/class.h - Core classes of nodes, and predicted finish times of units.
 *
 * A node has one or more classes of equal cores, such as the big and the little
 * cores of a board.  Each class has a queue of the jobs that were sent to it:
 * the first n_cores of them run, the others wait on the node.
 *
 * The slowness of a class is the time that one of its cores needs for a second
 * of predicted cost.  The expected slowness is 1024 / capacity (see MACHINE in
 * kfarm-protocol(7)).  The actual slowness is learned from the units that the
 * class completes: the sum of their times on a core divided by the sum of their
 * costs.  In both sums, a sample loses half of its weight in 20 s.  A running
 * job that takes longer than predicted is a sample, too.  A board that
 * throttles therefore gets fewer units within a minute, and more units again
 * when it has recovered.  Slowness is rounded to eight steps per power of two,
 * so that nodes of equal speed have equal slowness.
 *
 * The history stores the cost of each completed unit.  The cost is the CPU time
 * of the unit at full clock, divided by the relative CPU time of its class.
 * The relative CPU time is the ratio of CPU time to predicted cost on this
 * class, divided by the same ratio over all classes.  The cost is therefore
 * independent of the core, and the sum of all costs remains the sum of the CPU
 * times.
 *
 * The finish time of a unit on a class is the time at which a core becomes free
 * plus the predicted cost times the slowness.  A unit that runs longer than
 * predicted is expected to run for another half of its elapsed time.
 */
#ifndef SCHED_CLASS_H
#define SCHED_CLASS_H

#include "sched/internal.h"

/*
 * Set the classes of a node.  The node must have no units.  If `n_classes` is
 * 0, the node gets one class of `n_slots` cores.  If all classes equal those of
 * the previous connection, they keep their learned slowness.
 */
void sched_class_set_all(struct sched *s, struct sched_node *n,
			 const struct sched_core_class *classes,
			 unsigned n_classes, unsigned n_slots);
/*
 * Set the clocks of the node's classes; their slowness changes accordingly.
 * Does nothing if `classes` differs from the node's classes in more than the
 * clocks.
 */
void sched_class_set_clocks(struct sched *s, struct sched_node *n,
			    const struct sched_core_class *classes,
			    unsigned n_classes);
/* Free the classes of a node. */
void sched_class_free_all(struct sched *s, struct sched_node *n);

/* Append a job to the queue of its class, a->node->classes[a->class]. */
void sched_class_add_job(struct sched *s, struct sched_attempt *a);
/*
 * Remove a job from its class.  If `completed` is set, learn the slowness of
 * the class from the time that the job took, and set unit->measured_ms.
 */
void sched_class_remove_job(struct sched *s, struct sched_attempt *a,
			    bool completed);
/* Return the time at which a job is expected to end. */
uint64_t sched_class_expected_end_ms(const struct sched *s,
				     const struct sched_attempt *a);

/*
 * Return the predicted CPU time of a unit in ms, at most ten minutes.  This is
 * cost_ms of SCHED_EV_UNIT_ADDED or, if that is 0, the size of the inputs times
 * the CPU time per KiB of recent units.  Returns 0 if neither is known yet.
 */
uint64_t sched_class_cost_ms(const struct sched *s, const struct sched_unit *u);
/* Learn the CPU time per KiB of inputs from a unit with a valid result. */
void sched_class_learn_cost(struct sched *s, const struct sched_unit *u);
/* Return the predicted duration of a unit on a core of the class, in ms. */
uint64_t sched_class_duration_ms(const struct sched *s,
				 const struct sched_class *c,
				 const struct sched_unit *u);
/*
 * Return the class on which the unit finishes first.  If several classes have
 * the same finish time, return the class on which the unit starts first; if the
 * start times are equal, too, return the class of the node with the lowest
 * share of slots in use.  A class qualifies if its node has the unit's
 * toolchain, accepts the unit's tool steps, and has not been tried for the
 * unit.  The node need not have a free slot unless its slot window is reduced.
 * Returns NULL if no class qualifies.
 *
 * All classes of the same slowness form a heap, ordered by the time at which
 * another unit could start, so that a choice usually examines one class per
 * slowness.
 */
struct sched_class *sched_class_choose(struct sched *s,
				       const struct sched_unit *u);
/*
 * Like sched_class_choose(), but consider only classes that can take the unit
 * now, and on which the unit finishes by `until_ms`.  If the unit already has a
 * job, consider only classes with a free core, because the new job is a backup.
 */
struct sched_class *sched_class_choose_free(struct sched *s,
					    const struct sched_unit *u,
					    uint64_t until_ms);
/*
 * Return the time at which the unit finishes on the class if it starts as soon
 * as a core and a slot are free for it, after the units that already wait for
 * the class.  On the build host, the unit starts now.
 */
uint64_t sched_class_finish_ms(const struct sched *s,
			       const struct sched_class *c,
			       const struct sched_unit *u);
/*
 * Return the cost of a LOCAL unit that ends now, calculated from its duration
 * and the slowness of the build host.  Returns 0 if this slowness is unknown.
 */
uint32_t sched_class_local_cost_ms(const struct sched *s,
				   const struct sched_unit *u);
/* Learn the slowness of the build host from a LOCAL unit that ends. */
void sched_class_end_local(struct sched *s, const struct sched_unit *u);
/* Return true if the unit can be sent to the class now. */
bool sched_class_can_take(const struct sched_class *c,
			  const struct sched_unit *u);
/*
 * Make a READY unit wait for the class.  Until sched_class_release(), the
 * duration of this unit delays the time at which another unit could start on
 * the class.
 */
void sched_class_reserve(struct sched *s, struct sched_class *c,
			 struct sched_unit *u);
/* End the wait of a unit, if it waits for a class. */
void sched_class_release(struct sched *s, struct sched_unit *u);
/*
 * Reduce the weight of old samples in the slowness of all classes, and update
 * the times at which their cores are expected to be free.
 */
void sched_class_update_all(struct sched *s);
/* Update all classes of a node after its state or load has changed. */
void sched_class_refresh_all(struct sched *s, struct sched_node *n);

#endif
