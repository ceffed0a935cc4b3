/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/estimate.h"

static int64_t cost_of_all(const struct history_costs *c)
{
	int64_t cost = 0;

	for (size_t i = 0; i < c->n_done; i++)
		cost += c->done[i].cpu_ms;
	return cost;
}

/* A point for each fiftieth of the cost, and the end. */
static void tell_course(const struct history_costs *c, int64_t all,
			struct events_hub *hub)
{
	struct events_event ev = events_new(EVENTS_ESTIMATE);
	int64_t cost = 0, next = 1;

	ev.jobs = c->last.make_jobs;
	for (size_t i = 0; i < c->n_done; i++) {
		cost += c->done[i].cpu_ms;
		if (next == KERNEL_ESTIMATE_POINTS)
			break;
		if (cost * KERNEL_ESTIMATE_POINTS < all * next)
			continue;
		ev.total = (int64_t)i + 1;
		ev.cost_ms = cost;
		ev.wall_ms = c->done[i].done_ms;
		events_hub_tell(hub, &ev);
		next = cost * KERNEL_ESTIMATE_POINTS / all + 1;
		if (next > KERNEL_ESTIMATE_POINTS)
			next = KERNEL_ESTIMATE_POINTS;
	}
	ev.total = c->last.jobs;
	ev.cost_ms = all;
	ev.wall_ms = c->last.wall_ms;
	events_hub_tell(hub, &ev);
}

void kernel_estimate_tell(struct kernel_estimate *e, struct history *h,
			  const struct events_event *build,
			  struct events_hub *hub)
{
	struct err ignored;
	int64_t all;

	if (!h || !build->key || !build->fresh ||
	    history_costs_load(h, build->key, &e->costs, &ignored))
		return;
	all = cost_of_all(&e->costs);
	if (e->costs.last.number && all >= KERNEL_ESTIMATE_POINTS)
		tell_course(&e->costs, all, hub);
}

int64_t kernel_estimate_cost(void *estimate, const char *object)
{
	const struct kernel_estimate *e = estimate;
	const struct history_cost *c = e->costs.n ? history_cost_find(&e->costs,
								      object) :
						    NULL;

	return c && c->cpu_ms >= 0 ? c->cpu_ms : EVENTS_UNKNOWN;
}

void kernel_estimate_release(struct kernel_estimate *e)
{
	history_costs_release(&e->costs);
}
