/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/slots.h - how many jobs a node gets at once in this build.
 */
#ifndef COORD_SLOTS_H
#define COORD_SLOTS_H

#include "coord/state.h"

/*
 * Its limit (node/limits.h), or what a person asked for, as far as nothing is
 * in the way (node/live.h); 0 before it said hello.
 */
unsigned coord_slots(const struct coord_node *n);
/*
 * It said how it does: true where its limit is another one now, or has another
 * reason.  `ours` of its jobs are of this build.
 */
bool coord_slots_beat(struct coord_node *n, uint64_t now_ms, unsigned ours);
/* "5 of 8 slots: 2.1 cores busy with other things", "8 slots again"; the
   caller frees it. */
char *coord_slots_words(const struct coord_node *n);
/*
 * How many recipes make may run beside as many as this machine has slots
 * (`local`, with no nodes to feed).  Those whose compiles are on nodes cost it
 * nothing.  Neither do those that wait until it can compile them itself; were
 * they not counted, a few slow ones in front would keep make from what nodes
 * could do.  They are processes, so there are bounds: as many as the nodes have
 * slots, at least 64, and none where no node is up.  And where all slots
 * compile, one more recipe may find out where its compile is to be done.
 */
unsigned coord_slots_waiting(const struct sched_figures *f, unsigned local);
/* Compiles at once on this machine, beside the nodes that are up. */
unsigned coord_slots_local(const struct coord *c);
/*
 * A person wants one more, or one less; false: it never said hello, or has as
 * many as it may (node_limit_most()), or one.
 */
bool coord_slots_ask(struct coord_node *n, bool more);

#endif
