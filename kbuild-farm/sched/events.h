/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/events.h - Application of events, and detection of starving nodes.
 *
 * A node starves its units if each of them got less than a quarter of a core
 * while it ran the unit (sched/model.h).  A node that is merely slow, or whose
 * cores are busy with other units, does not starve them.  If all units together
 * got at least a quarter of a core, the node gets as many units as that CPU
 * share can serve.  If they got less, it enters BACKOFF and its units are
 * retried elsewhere.
 */
#ifndef SCHED_EVENTS_H
#define SCHED_EVENTS_H

#include "sched/internal.h"

/* Apply an event, before units take their next steps. */
void sched_handle_event(struct sched *s, const struct sched_event *ev);

/*
 * Check whether the node of `u` starves its units.  `u` was just withdrawn from
 * the node without a result; `words` describes the problem.
 */
void sched_starvation_check(struct sched *s, struct sched_unit *u,
			    const char *words);

#endif
