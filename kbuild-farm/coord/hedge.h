/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/hedge.h - the same unit compiled here beside a node that is slow.
 *
 * Its outputs go to temporaries of their own, so that whichever result is
 * there first can be used and the other dropped.
 */
#ifndef COORD_HEDGE_H
#define COORD_HEDGE_H

#include "coord/state.h"

/* Start one if a local slot is free; it tries again a second later if not. */
void coord_hedge_start(struct coord_job *job);
/* End it, if there is one, and remove its temporaries. */
void coord_hedge_stop(struct coord_job *job);

#endif
