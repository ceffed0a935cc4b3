/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched/choose.h - which node gets a unit, and is it worth waiting for one? */
#ifndef SCHED_CHOOSE_H
#define SCHED_CHOOSE_H

#include "sched/state.h"

/*
 * The node for it: of those that have its toolchain and a free slot, and that
 * did not get it before, the one with the smallest share of its slots in use;
 * the first of equals.  NULL: none, now.
 */
struct sched_node *sched_choose(const struct sched *s,
				const struct sched_unit *u);
/* The best that can be expected of the nodes that did not get it before. */
enum sched_available sched_choose_available(const struct sched_unit *u);
/* Why no node will ever do it; REASON_NONE: one may. */
enum reason sched_choose_none(const struct sched *s,
			      const struct sched_unit *u);
/* Why a unit is compiled here that might yet get a node. */
enum reason sched_choose_meanwhile(const struct sched *s,
				   const struct sched_unit *u);

#endif
