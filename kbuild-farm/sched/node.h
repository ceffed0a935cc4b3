/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/node.h - the health of the nodes, what can be expected of them, and
 * when they are dialed.
 *
 *	DOWN -> GREETING -> UP <-> RESTING -> PROVING -> UP
 *		       \-> UNFIT
 *
 * Whatever it is, it may be drained besides: then it gets no units and is not
 * probed, but is dialed as ever, so that it can go on at once when it is
 * resumed.
 *
 * A node that failed is RESTING (the circuit breaker is open) for 1, 2, 4 ...
 * 60 s, a fifth more or less so that nodes do not march in step; then it gets
 * a unit whose answer is known, and is UP again when that is right, or when
 * one of the units that still run there is, with fewer units at once than
 * before (sched/window.h).  One that was lost is dialed again
 * after the same time.  With its third wrong answer it is OUT, and when it was
 * removed, as soon as its units have ended.  From anywhere a conversation may
 * be lost, and a worn one is renewed when nothing runs.
 */
#ifndef SCHED_NODE_H
#define SCHED_NODE_H

#include "sched/state.h"

/* One more, with the next number. */
void sched_node_add(struct sched *s);
/* Of a toolchain: a cell for each node. */
void sched_node_add_cells(struct sched *s, struct sched_toolchain *tc);
/* What falls due by time, of all nodes; sets s->due_ms anew. */
void sched_node_time(struct sched *s);
/* What its availability, or its free slots, depends on has changed. */
void sched_node_refresh(struct sched *s, struct sched_node *n);

/* Its state for people: as it is, or drained. */
enum sched_node_state sched_node_shown(const struct sched_node *n);

/* So many slots more, or fewer, are in use. */
void sched_node_use(struct sched *s, struct sched_node *n, int change);

/*
 * SCHED_FIT, _UNFIT, _LOST, _SLOTS, _PROBED, _WORN, _DRAIN, _RESUME, _REMOVED,
 * _RETRY; see sched/sched.h.  The units of a node that is DOWN or OUT then are
 * for the caller to take away.
 */
void sched_node_event(struct sched *s, struct sched_node *n,
		      const struct sched_event *ev);
/* SCHED_CELL and SCHED_WORN of one that is not connected change nothing. */
void sched_node_cell(struct sched *s, struct sched_node *n,
		     struct sched_toolchain *tc, enum sched_cell cell,
		     unsigned steps);
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
/*
 * At most so many units at once, until it has done some right
 * (sched/window.h), and why.
 */
void sched_node_narrow(struct sched *s, struct sched_node *n, unsigned most,
		       const char *words);
/* It did a unit right. */
void sched_node_success(struct sched *s, struct sched_node *n);

#endif
