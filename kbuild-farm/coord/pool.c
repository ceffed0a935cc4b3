/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/pool.h"

#include "base/clock.h"
#include "base/format.h"
#include "base/str.h"
#include "coord/dispatch.h"
#include "coord/node.h"
#include "coord/report-events.h"
#include "node/pool.h"
#include "peer/peer.h"

#include <stdlib.h>
#include <string.h>

static bool is_member(const struct coord_node *n, const struct node_pool *p)
{
	return str_equal(n->entry->pool, p->name);
}

/* Return the number K of member NAME/K. */
static unsigned member_number(const struct coord_node *n)
{
	return (unsigned)strtoul(strrchr(n->entry->name, '/') + 1, NULL, 10);
}

/* Return true while the process of a member exists or can be started again. */
static bool is_alive(const struct coord_node *n)
{
	return !n->removed || peer_state(n->peer) != PEER_DOWN ||
	       peer_is_ending(n->peer);
}

void coord_pool_handle_start(const struct coord_node *n)
{
	struct node_pool *p = node_roster_get_pool(n->coord->nodes.roster,
						   n->entry->pool);

	if (p)
		node_pool_learn(p, clock_ms() - n->dialed_ms,
				coord_report_slots_unrestricted(n));
}

/*
 * Determine the work that is left.  Of the units that make has not requested
 * yet, as many are assumed to be cached as of those that it has requested.  If
 * the number of units is unknown and all local slots are in use, the build is
 * assumed to be half done.
 */
static void find_work(const struct coord *c, struct node_pool_work *out)
{
	const struct coord_unit_table *units = &c->units;
	unsigned n_slots = coord_local_slots(c);
	struct sched_counts counts;
	uint64_t n;

	sched_counts(c->sched, &counts);
	n = counts.n_running + counts.n_queued;
	if (units->n_expected > units->n)
		n += units->n ? (units->n_expected - units->n) *
					units->n_dispatched / units->n :
				0;
	else if (!units->n_expected && n >= n_slots)
		n = units->n_dispatched;
	for (size_t i = 0; i < c->nodes.n; i++) {
		struct sched_node_counts node;

		sched_node_counts(c->sched, c->nodes.v[i]->number, &node);
		if (!c->nodes.v[i]->entry->pool && node.state == SCHED_NODE_UP)
			n_slots += node.n_slots;
	}
	*out = (struct node_pool_work){
		.cost_ms = n * sched_mean_cost_ms(c->sched),
		.n_units = (unsigned)n,
		.n_slots = n_slots,
	};
}

/* Return the number of members that were not removed. */
static unsigned count_members(const struct coord *c, const struct node_pool *p)
{
	unsigned count = 0;

	for (size_t i = 0; i < c->nodes.n; i++)
		count += is_member(c->nodes.v[i], p) && !c->nodes.v[i]->removed;
	return count;
}

/* Remove the members that have had no job for longer than p->idle_ms. */
static void end_idle_members(struct coord *c, const struct node_pool *p)
{
	unsigned count = count_members(c, p), min = p->drained ? 0 : p->min;
	uint64_t now_ms = clock_ms();

	for (size_t i = c->nodes.n; i-- && count > min;) {
		struct coord_node *n = c->nodes.v[i];
		struct sched_node_counts counts;
		struct buf words = { 0 };

		if (!is_member(n, p) || n->removed)
			continue;
		sched_node_counts(c->sched, n->number, &counts);
		if (counts.n_running || peer_state(n->peer) == PEER_GREETING)
			n->busy_ms = now_ms;
		if (now_ms - n->busy_ms < p->idle_ms)
			continue;
		buf_add_str(&words, "idle for ");
		format_duration(&words, p->idle_ms);
		coord_node_remove(n, buf_str(&words));
		buf_release(&words);
		count--;
	}
}

/* Start members until there are `wanted`. */
static void start_members(struct coord *c, const struct node_pool *p,
			  unsigned wanted)
{
	bool *used = xcalloc(p->max, sizeof(*used));
	unsigned count = 0;

	for (size_t i = 0; i < c->nodes.n; i++) {
		const struct coord_node *n = c->nodes.v[i];

		if (!is_member(n, p) || !is_alive(n))
			continue;
		count++;
		if (member_number(n) <= p->max)
			used[member_number(n) - 1] = true;
	}
	for (unsigned i = 0; i < p->max && count < wanted; i++) {
		if (used[i])
			continue;
		coord_node_add(c, &p->members[i]);
		count++;
	}
	free(used);
}

void coord_pool_update_all(struct coord *c)
{
	const struct node_roster *r = c->nodes.roster;
	struct node_pool_work work;
	unsigned *wanted;

	if (!r->n_pools || c->demand.roster)
		return;
	for (size_t i = 0; i < r->n_pools; i++)
		end_idle_members(c, &r->pools[i]);
	wanted = xcalloc(r->n_pools, sizeof(*wanted));
	find_work(c, &work);
	node_pool_distribute(r->pools, r->n_pools, &work, wanted);
	for (size_t i = 0; i < r->n_pools; i++)
		start_members(c, &r->pools[i], wanted[i]);
	free(wanted);
	coord_dispatch(c);
}
