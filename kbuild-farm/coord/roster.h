/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/roster.h - nodes that come and go while a build runs.
 */
#ifndef COORD_ROSTER_H
#define COORD_ROSTER_H

#include "coord/state.h"

/*
 * At the beginning: all of `roster`, which outlives the coordinator; sched/ has
 * been told how many these are.
 */
void coord_roster_begin(struct coord *c, const struct node_roster *roster);
/* Behind sched_free(). */
void coord_roster_release(struct coord *c);

#endif
