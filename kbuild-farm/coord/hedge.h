/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/hedge.h - a unit compiled by the coordinator itself, beside the node
 * that has it: its outputs are put together in temporaries of their own.
 */
#ifndef COORD_HEDGE_H
#define COORD_HEDGE_H

#include "coord/unit.h"

struct coord_hedge;

/*
 * It ended: `good`, its outputs stand where the wrapper will look for them, and
 * u->diagnostics has its output; else they are of no use.
 */
typedef void coord_hedge_done(struct coord_unit *u, bool good);

/* 0; or it could not be started: a negative errno with `err`. */
int coord_hedge_start(struct coord_unit *u, coord_hedge_done *done,
		      struct err *err);
/* Kills it, and removes its temporaries; `done` is not called. */
void coord_hedge_stop(struct coord_unit *u);
/* When no child is left: remove what the killed ones have left behind. */
void coord_hedges_release(struct coord *c);

#endif
