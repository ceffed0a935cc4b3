/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/walk.h - through the directives of a file and of all that it includes.
 */
#ifndef SCAN_WALK_H
#define SCAN_WALK_H

#include "scan/worker.h"

/* Directives and tokens in one unit: a bomb of includes ends here. */
#define SCAN_WALK_STEPS_MAX (UINT64_C(1) << 27)

/* What pragmas say. */
void scan_walk_once(struct scan_walk *walk, struct scan_frame *f);
void scan_walk_push_macro(struct scan_walk *walk, uint32_t name);
void scan_walk_pop_macro(struct scan_walk *walk, uint32_t name);
/* Go on in the file at hand: up to text, another file or its end. */
void scan_walk_step(struct scan_walk *walk, struct scan_frame *f);
/* The directives of the file that was entered, and of all that it includes. */
void scan_walk_read(struct scan_walk *walk);
/* Apply definitions that are no file's. */
void scan_walk_text(struct scan_walk *walk, struct scan_text *text);

#endif
