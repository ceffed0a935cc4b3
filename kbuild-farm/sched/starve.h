/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/starve.h - a node on which a unit was in vain: does it let its units
 * starve?
 *
 * It does when each of them got less than a quarter of a core while it had the
 * unit (sched/share.h).  A node that is merely slow, or whose cores all work at
 * other units, does not.  One that gives a quarter of a core at least to all of
 * them together gets as many units as that is cores, and each is done in the
 * time that it should take.  One that gives less rests, and its units go
 * elsewhere.
 */
#ifndef SCHED_STARVE_H
#define SCHED_STARVE_H

#include "sched/state.h"

/* `u`, just taken from its node, was there in vain; how, in words. */
void sched_starve(struct sched *s, struct sched_unit *u, const char *words);

#endif
