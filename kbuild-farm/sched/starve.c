/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched/starve.h"

#include "base/str.h"
#include "sched/node.h"
#include "sched/unit.h"

#include <stdlib.h>

#define STARVING 250 /* thousandths of a core */
#define LEAST_MS 5000 /* that it had the unit */
#define TRIAL_MS 1500

/* Too short to tell: its inputs may have been on their way. */
static bool is_short(const struct sched *s, const struct sched_unit *u)
{
	const struct sched_node *n = u->node;
	bool trial = sched_window_is_trial(&n->window, n->slots);

	return s->now_ms - u->since.since_ms < (trial ? TRIAL_MS : LEAST_MS);
}

/* Where a hedge runs, the first of the two is used. */
static void take_units_away(struct sched *s, struct sched_node *n)
{
	enum sched_event_kind by = s->by;
	struct sched_unit *u, *next;

	s->by = SCHED_LOST;
	list_for_each_safe(u, &n->units, link, next) {
		if (u->hedged)
			continue;
		sched_unit_cancel(s, u);
		sched_unit_retry(s, u, REASON_NODE_SLOW);
		n->retries++;
	}
	s->by = by;
}

void sched_starve(struct sched *s, struct sched_unit *u, const char *words)
{
	struct sched_node *n = u->node;
	unsigned all = sched_share_all(&n->share, &u->since, s->now_ms);
	unsigned each = sched_share_each(&n->share, &u->since, s->now_ms);
	char *text;

	if (n->state != SCHED_NODE_UP || each >= STARVING || is_short(s, u))
		return;
	text = all ? xasprintf("%s: jobs there get %u %% of a core", words,
			       (each + 5) / 10) :
		     xstrdup(words);
	if (all < STARVING) {
		sched_window_narrow(&n->window, n->slots, 1);
		sched_node_fault(s, n, false, text);
		take_units_away(s, n);
	} else {
		sched_node_narrow(s, n, (all + 500) / 1000, text);
	}
	free(text);
}
