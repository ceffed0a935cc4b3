/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/pool.h"

#include "base/clock.h"
#include "base/format.h"
#include "base/str.h"
#include "coord/dispatch.h"
#include "coord/node.h"
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

/*
 * Estimate how many of the units that make has not requested yet must be
 * compiled.  With the result cache, the share of cached units so far is assumed
 * to continue, and the estimate is 0 until 2 * n_slots units were requested.
 */
static uint64_t count_future_units(const struct coord *c, unsigned n_slots)
{
	const struct coord_unit_table *units = &c->units;

	if (units->n_expected <= units->n)
		return 0;
	if (!c->setup.cache)
		return units->n_expected - units->n;
	return units->n < 2 * (size_t)n_slots ?
		       0 :
		       (units->n_expected - units->n) * units->n_dispatched /
			       units->n;
}

/*
 * Determine the work that is left.  If the number of units is unknown and all
 * local slots are in use, the build is assumed to be half done.
 */
static void find_work(const struct coord *c, struct node_pool_work *out)
{
	unsigned n_slots = c->stats.local_slots;
	struct sched_counts counts;
	uint64_t n;

	sched_counts(c->sched, &counts);
	n = counts.n_running + counts.n_queued;
	if (!c->units.n_expected && n >= n_slots)
		n = c->units.n_dispatched;
	n += count_future_units(c, n_slots);
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

/* Return true if the node is up and waits until it has a toolchain. */
static bool is_preparing(const struct coord_node *n)
{
	const struct peer_shared *shared = &n->coord->shared;

	for (size_t i = 0; i < shared->n_toolchains; i++) {
		if (peer_toolchain_state(n->peer, shared->toolchains[i]) ==
		    PEER_TOOLCHAIN_PENDING)
			return true;
	}
	return peer_state(n->peer) == PEER_GREETING;
}

/* Return true if the member has failed and waits for another attempt. */
static bool is_down(enum sched_node_state state)
{
	return state != SCHED_NODE_CONNECTING && state != SCHED_NODE_UP &&
	       state != SCHED_NODE_DRAINING && state != SCHED_NODE_DRAINED;
}

/* Count the members that were not removed, and those that are down. */
static unsigned count_members(const struct coord *c, const struct node_pool *p,
			      unsigned *n_down)
{
	unsigned count = 0;

	*n_down = 0;
	for (size_t i = 0; i < c->nodes.n; i++) {
		const struct coord_node *n = c->nodes.v[i];
		struct sched_node_counts counts;

		if (!is_member(n, p) || n->removed)
			continue;
		sched_node_counts(c->sched, n->number, &counts);
		*n_down += is_down(counts.state);
		count++;
	}
	return count;
}

/*
 * Remove members that have had no job for longer than p->idle_ms, until there
 * are `wanted`.
 */
static void end_idle_members(struct coord *c, const struct node_pool *p,
			     unsigned wanted)
{
	unsigned n_down, count = count_members(c, p, &n_down);
	uint64_t now_ms = clock_ms();

	for (size_t i = c->nodes.n; i--;) {
		struct coord_node *n = c->nodes.v[i];
		struct sched_node_counts counts;
		struct buf words = { 0 };

		if (!is_member(n, p) || n->removed)
			continue;
		sched_node_counts(c->sched, n->number, &counts);
		if (counts.n_running || is_preparing(n))
			n->busy_ms = now_ms;
		if (count <= wanted || now_ms - n->busy_ms < p->idle_ms)
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
	unsigned *wanted, *n_down;

	if (!r->n_pools || c->demand.roster)
		return;
	wanted = xcalloc(r->n_pools, sizeof(*wanted));
	n_down = xcalloc(r->n_pools, sizeof(*n_down));
	for (size_t i = 0; i < r->n_pools; i++)
		count_members(c, &r->pools[i], &n_down[i]);
	find_work(c, &work);
	node_pool_distribute(r->pools, r->n_pools, &work, n_down, wanted);
	for (size_t i = 0; i < r->n_pools; i++)
		end_idle_members(c, &r->pools[i], wanted[i]);
	for (size_t i = 0; i < r->n_pools; i++)
		start_members(c, &r->pools[i], wanted[i]);
	free(wanted);
	free(n_down);
	coord_dispatch(c);
}
