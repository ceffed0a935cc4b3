/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/sched.h - who does what next.
 *
 * Least-loaded by slots: a job goes to the node with the smallest share of
 * its slots in use, never to one that is failing, and never twice to one.
 */
#ifndef COORD_SCHED_H
#define COORD_SCHED_H

#include "coord/state.h"

/* Move every job that can move.  Called from the loop after coord_kick(). */
void coord_sched_run(struct coord *c);

#endif
