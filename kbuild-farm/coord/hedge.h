/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/hedge.h - Local compile of a unit that a node compiles concurrently.
 *
 * A hedge writes to temporary files that differ from those of the node's
 * result.
 */
#ifndef COORD_HEDGE_H
#define COORD_HEDGE_H

#include "coord/unit.h"

struct coord_hedge;

/*
 * Called when a hedge has ended.  If `good` is set, the outputs are where the
 * wrapper expects them and u->diagnostics contains the compiler's messages;
 * otherwise no output is usable.
 */
typedef void coord_hedge_done(struct coord_unit *u, bool good);

/* Start a hedge.  Returns 0 or -errno with `err` set. */
int coord_hedge_start(struct coord_unit *u, coord_hedge_done *done,
		      struct err *err);
/*
 * Stop the unit's hedge, if it has one, and remove the temporary files.  The
 * callback is not called.  A running hedge is killed, and the files that it
 * still writes are removed after it has exited.
 */
void coord_hedge_stop(struct coord_unit *u);
/*
 * Remove the remaining temporary files of the killed hedges, and free these
 * hedges.  All children must have exited.
 */
void coord_hedge_release_all(struct coord *c);

#endif
