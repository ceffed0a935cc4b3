/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched/internal.h"

#include "base/str.h"
#include "base/vec.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_GROW_AFTER 4u
#define SHRINKS_MAX       6
#define RELAPSES_MAX      6 /* at this number the backoff reaches its maximum */

void sched_add_action(struct sched *s, const struct sched_action *a)
{
	s->actions = vec_reserve(s->actions, &s->cap_actions, s->n_actions,
				 sizeof(*s->actions));
	s->actions[s->n_actions] = *a;
	if (a->text)
		s->actions[s->n_actions].text = xstrdup(a->text);
	s->n_actions++;
}

void sched_abort_impossible(const char *what, const char *state,
			    uint32_t number)
{
	fprintf(stderr,
		"BUG: sched: unexpected event \"%s\" in state \"%s\" (unit or "
		"node %u)\n",
		what, state, number);
	abort();
}

/* ---- CPU share ---- */

static uint64_t unit_ms_until(const struct sched_cpu_share *s, uint64_t now_ms)
{
	return s->unit_ms + s->n_units * (now_ms - s->since_ms);
}

void sched_share_add_units(struct sched_cpu_share *s, uint64_t now_ms,
			   int change)
{
	s->unit_ms = unit_ms_until(s, now_ms);
	s->since_ms = now_ms;
	s->n_units += (unsigned)change;
}

static unsigned ratio_milli(uint64_t cpu_ms, uint64_t ms)
{
	uint64_t share = ms ? cpu_ms * 1000 / ms : UINT_MAX;

	return share < UINT_MAX ? (unsigned)share : UINT_MAX;
}

unsigned sched_share_total_milli(const struct sched_cpu_share *s,
				 const struct sched_cpu_share *from,
				 uint64_t now_ms)
{
	return ratio_milli(s->cpu_ms - from->cpu_ms, now_ms - from->since_ms);
}

unsigned sched_share_per_unit_milli(const struct sched_cpu_share *s,
				    const struct sched_cpu_share *from,
				    uint64_t now_ms)
{
	return ratio_milli(s->cpu_ms - from->cpu_ms,
			   unit_ms_until(s, now_ms) - from->unit_ms);
}

/* ---- slot window ---- */

unsigned sched_window_limit(const struct sched_window *w, unsigned slots)
{
	return w->max_units && w->max_units < slots ? w->max_units : slots;
}

bool sched_window_shrink(struct sched_window *w, unsigned slots,
			 unsigned max_units)
{
	w->n_successes = 0;
	if (max_units < 1)
		max_units = 1;
	if (max_units >= sched_window_limit(w, slots))
		return false;
	w->max_units = max_units;
	w->n_shrinks += w->n_shrinks < SHRINKS_MAX;
	return true;
}

void sched_window_add_probe(struct sched_window *w)
{
	w->n_relapses += w->n_relapses < RELAPSES_MAX;
	w->n_successes = 0;
}

bool sched_window_add_success(struct sched_window *w, unsigned slots)
{
	unsigned enough = w->n_shrinks ?
				  WINDOW_GROW_AFTER << (w->n_shrinks - 1) :
				  WINDOW_GROW_AFTER;

	w->n_successes++;
	if (w->n_successes >= WINDOW_GROW_AFTER)
		w->n_relapses = 0;
	if (w->n_successes % enough)
		return false;
	if (!w->max_units) {
		w->n_shrinks -= w->n_shrinks > 0;
		return false;
	}
	w->max_units = w->max_units * 2 < slots ? w->max_units * 2 : 0;
	return !w->max_units;
}

bool sched_window_is_trial(const struct sched_window *w, unsigned slots)
{
	return w->n_relapses && !w->n_successes &&
	       sched_window_limit(w, slots) == 1;
}
