/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched/window.h"

#define GOOD         4u
#define NARROWED_MAX 6
#define RELAPSES_MAX 6 /* with these a rest is the longest there is */

unsigned sched_window_slots(const struct sched_window *w, unsigned slots)
{
	return w->most && w->most < slots ? w->most : slots;
}

bool sched_window_narrow(struct sched_window *w, unsigned slots, unsigned most)
{
	w->good = 0;
	if (most < 1)
		most = 1;
	if (most >= sched_window_slots(w, slots))
		return false;
	w->most = most;
	w->narrowed += w->narrowed < NARROWED_MAX;
	return true;
}

void sched_window_probed(struct sched_window *w)
{
	w->relapses += w->relapses < RELAPSES_MAX;
	w->good = 0;
}

bool sched_window_good(struct sched_window *w, unsigned slots)
{
	unsigned enough = w->narrowed ? GOOD << (w->narrowed - 1) : GOOD;

	w->good++;
	if (w->good >= GOOD)
		w->relapses = 0;
	if (w->good % enough)
		return false;
	if (!w->most) {
		w->narrowed -= w->narrowed > 0;
		return false;
	}
	w->most = w->most * 2 < slots ? w->most * 2 : 0;
	return !w->most;
}

bool sched_window_is_trial(const struct sched_window *w, unsigned slots)
{
	return w->relapses && !w->good && sched_window_slots(w, slots) == 1;
}
