/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/unit.h - one unit, from its command line to the list of its files.
 */
#ifndef SCAN_UNIT_H
#define SCAN_UNIT_H

#include "scan/worker.h"

/*
 * All of it; w->lists and `walk` hold the result.  The first look passes over
 * text; where that may matter, a second one reads all of it.
 */
void scan_walk_unit(struct scan_walk *walk, struct scan_worker *w,
		    const struct scan_unit *unit);
void scan_walk_release(struct scan_walk *walk);

#endif
