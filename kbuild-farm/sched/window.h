/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/window.h - how many of its slots a node that failed gets.
 *
 * What it cannot bear with many units at once, out of memory or with a tenth
 * of a core, it may bear with fewer.  So a failure narrows its window, and
 * units that it does right open it again, to twice as many each time.  That
 * takes 4 of them in a row at first, and twice as many each time that it was
 * narrowed again: one that can bear two and no more is not given a third all
 * the time.
 *
 * A right answer to a probe proves less than units do.  A node that needed one
 * and fails again before it did 4 units had a relapse, and rests longer than
 * before.
 */
#ifndef SCHED_WINDOW_H
#define SCHED_WINDOW_H

#include <stdbool.h>

/* Zeroed: it never failed. */
struct sched_window {
	unsigned most; /* units; 0: as many as it has slots */
	unsigned narrowed; /* how often, as far as not made good */
	unsigned relapses;
	unsigned good; /* units in a row */
};

/* How many of these slots it may use. */
unsigned sched_window_slots(const struct sched_window *w, unsigned slots);
/* It failed: `most` of its slots, at least 1; true: these are fewer than it
   had. */
bool sched_window_narrow(struct sched_window *w, unsigned slots, unsigned most);
/* It answered a probe. */
void sched_window_probed(struct sched_window *w);
/* It did a unit right; true: it has all its slots again. */
bool sched_window_good(struct sched_window *w, unsigned slots);
/* Is it to do one unit at once, and has done none since it was probed? */
bool sched_window_is_trial(const struct sched_window *w, unsigned slots);

#endif
