/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/node.h - the health of the nodes, what can be expected of them, and
 * when they are dialed.
 *
 *	DOWN -> GREETING -> UP <-> RESTING -> PROVING -> UP
 *		       \-> UNFIT
 *
 * A node that failed is RESTING (the circuit breaker is open) for 1, 2, 4 ...
 * 60 s, a fifth more or less so that nodes do not march in step; then it gets
 * a unit whose answer is known, and is UP again when that is right, or when
 * one of the units that still run there is.  One that was lost is dialed again
 * after the same time.  With its third wrong answer it is OUT.  From anywhere
 * a conversation may be lost, and a worn one is renewed when nothing runs.
 */
#ifndef SCHED_NODE_H
#define SCHED_NODE_H

#include "sched/state.h"

void sched_node_init(struct sched *s, struct sched_node *n, uint32_t number);
void sched_node_release(struct sched_node *n);
/* What falls due by time, of all nodes; sets s->due_ms anew. */
void sched_node_time(struct sched *s);
/* Something that its hopes, or its free slots, depend on has changed. */
void sched_node_refresh(struct sched *s, struct sched_node *n);

/* A unit begins to use a slot, or ends. */
void sched_node_take_slot(struct sched *s, struct sched_node *n);
void sched_node_give_slot(struct sched *s, struct sched_node *n);

/* Events; see sched/sched.h. */
void sched_node_fit(struct sched *s, struct sched_node *n, unsigned slots);
void sched_node_unfit(struct sched *s, struct sched_node *n, const char *words);
/* False: it had no conversation.  Its units are for the caller to take away. */
bool sched_node_lost(struct sched *s, struct sched_node *n,
		     const struct sched_event *ev);
void sched_node_slots(struct sched *s, struct sched_node *n, unsigned slots,
		      unsigned busy);
/* False: it is not connected. */
bool sched_node_cell(struct sched *s, struct sched_node *n,
		     struct sched_toolchain *tc, enum sched_cell cell);
void sched_node_probed(struct sched *s, struct sched_node *n,
		       enum sched_probe probe, const char *words);
void sched_node_worn(struct sched *s, struct sched_node *n);

/*
 * It failed: what went wrong, in words.  It rests, and units that still run
 * there may end.  `wrong`: it answered something false, which is a strike; a
 * node that is OUT by it has units that the caller takes away.
 */
void sched_node_fault(struct sched *s, struct sched_node *n, bool wrong,
		      const char *words);
/*
 * It could not do a unit.  That may be the unit's fault, whose compiler
 * crashes here too: a node that did others right rests only when the next one
 * fails as well.
 */
void sched_node_suspect(struct sched *s, struct sched_node *n,
			const char *words);
/* It did a unit right. */
void sched_node_success(struct sched *s, struct sched_node *n);

#endif
