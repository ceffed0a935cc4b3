/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/slots.h"

#include "base/str.h"
#include "node/limits.h"
#include "peer/peer.h"

#include <stdlib.h>
#include <sys/resource.h>

#define MILLI             1000
#define SAMPLE_MAX_AGE_MS 5000 /* five heartbeats */

/* Add a sample: `cpu_ms` is the total CPU time until `now_ms`. */
static void update_load_sample(struct coord_own_load *u, uint64_t now_ms,
			       uint64_t cpu_ms)
{
	bool known = u->read_ms && now_ms > u->read_ms &&
		     now_ms - u->read_ms <= SAMPLE_MAX_AGE_MS &&
		     cpu_ms > u->cpu_ms;

	u->milli = known ? (cpu_ms - u->cpu_ms) * MILLI /
				   (now_ms - u->read_ms) :
			   0;
	u->read_ms = now_ms;
	u->cpu_ms = cpu_ms;
}

static uint64_t current_milli(const struct coord_own_load *u, uint64_t now_ms)
{
	return u->read_ms && now_ms - u->read_ms <= SAMPLE_MAX_AGE_MS ?
		       u->milli :
		       0;
}

static uint64_t timeval_ms(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * MILLI + (uint64_t)tv->tv_usec / 1000;
}

void coord_slots_sample_local(struct coord *c, uint64_t now_ms)
{
	struct rusage own;

	if (!getrusage(RUSAGE_SELF, &own))
		update_load_sample(&c->stats.own_load, now_ms,
				   timeval_ms(&own.ru_utime) +
					   timeval_ms(&own.ru_stime));
}

/*
 * Other nodes and the build host can share the machine of `n`.  Return the load
 * that this build causes on the machine through them.
 */
static uint64_t other_load_milli_of(const struct coord_node *n, uint64_t now_ms)
{
	const struct coord *c = n->coord;
	const char *boot_id = peer_boot_id(n->peer);
	struct sched_counts figures;
	uint64_t sum = 0;

	if (!boot_id || !*boot_id)
		return 0;
	if (str_equal(boot_id, c->boot_id)) {
		sched_counts(c->sched, &figures);
		sum = (uint64_t)figures.n_local_slots_used * MILLI +
		      current_milli(&c->stats.own_load, now_ms);
	}
	for (size_t i = 0; i < c->nodes.n; i++) {
		const struct coord_node *other = c->nodes.v[i];
		uint64_t milli = current_milli(&other->own_load, now_ms);

		if (milli && other != n && !other->removed &&
		    str_equal(boot_id, peer_boot_id(other->peer)))
			sum += milli;
	}
	return sum;
}

void coord_slots_sample_node(struct coord_node *n, uint64_t now_ms)
{
	struct peer_stats figures;

	peer_stats(n->peer, &figures);
	update_load_sample(&n->own_load, now_ms,
			   figures.cpu_ms + n->beat_cpu_ms);
	n->beat_cpu_ms = 0;
	n->other_load_milli = other_load_milli_of(n, now_ms);
}

void coord_slots_adjust_health(const struct coord_node *n,
			       struct wire_health *out)
{
	struct peer_stats figures;

	peer_stats(n->peer, &figures);
	*out = *figures.health;
	if (out->foreign_milli == WIRE_HEALTH_UNKNOWN)
		return;
	out->foreign_milli = n->other_load_milli < out->foreign_milli ?
				     out->foreign_milli -
					     (uint32_t)n->other_load_milli :
				     0;
}

/*
 * Minimum of the limit on waiting recipes.  Their number is limited because
 * each recipe occupies a shell and a wrapper, and sometimes a make.
 */
#define WAITING_RECIPES_MIN 64u

/*
 * Return the maximum number of slots that the user can request, or 0 if it is
 * not known yet.
 */
static unsigned max_requestable_slots(const struct coord_node *n)
{
	struct peer_stats figures;

	peer_stats(n->peer, &figures);
	return figures.inventory ? node_limit_max(figures.inventory) : 0;
}

/*
 * Return the number of slots that the node has without the current restriction.
 */
static unsigned unlimited_slots(const struct coord_node *n)
{
	unsigned most = n->requested_slots ? max_requestable_slots(n) : 0;

	if (!most)
		return peer_slots(n->peer);
	/* A reconnect may have changed the maximum. */
	return n->requested_slots < most ? n->requested_slots : most;
}

unsigned coord_slots(const struct coord_node *n)
{
	return node_slot_limit_apply(&n->slot_limit, unlimited_slots(n));
}

bool coord_slots_adjust(struct coord_node *n, bool more)
{
	unsigned slots = unlimited_slots(n), most = max_requestable_slots(n);

	if (!most || (more ? slots >= most : slots <= 1))
		return false;
	n->requested_slots = more ? slots + 1 : slots - 1;
	return true;
}

bool coord_slots_update(struct coord_node *n, uint64_t now_ms,
			unsigned own_jobs)
{
	unsigned slots = unlimited_slots(n), now;
	struct peer_stats figures;
	struct wire_health health;
	char *why;
	bool changed;

	peer_stats(n->peer, &figures);
	if (!figures.inventory || !slots)
		return false;
	coord_slots_adjust_health(n, &health);
	now = node_limit_now(slots, figures.inventory, &health, own_jobs, &why);
	changed = node_slot_limit_update(&n->slot_limit, now_ms, slots, now,
					 why);
	free(why);
	return changed;
}

char *coord_slots_describe(const struct coord_node *n)
{
	unsigned slots = unlimited_slots(n), now = coord_slots(n);

	if (now == slots)
		return xasprintf("back to %u slot%s", slots,
				 slots == 1 ? "" : "s");
	return xasprintf("%u of %u slots: %s", now, slots,
			 n->slot_limit.reason ? n->slot_limit.reason :
						"recovering");
}

unsigned coord_slots_extra_recipes(const struct sched_counts *f, unsigned local)
{
	unsigned most = f->n_slots > WAITING_RECIPES_MIN ? f->n_slots :
							   WAITING_RECIPES_MIN;
	unsigned waiting = f->n_waiting_local < most ? f->n_waiting_local :
						       most;

	if (!f->n_slots)
		return f->n_remote;
	return f->n_remote + waiting +
	       (f->n_local < local ? 0 : f->n_local - local + 1);
}

unsigned coord_slots_local(const struct coord *c)
{
	unsigned fed = 0;

	for (size_t i = 0; i < c->nodes.n; i++) {
		const struct coord_node *n = c->nodes.v[i];
		struct sched_node_counts sched;
		struct peer_stats figures;

		sched_node_counts(c->sched, n->number, &sched);
		if (sched.state != SCHED_NODE_UP)
			continue;
		peer_stats(n->peer, &figures);
		fed += node_limit_counted_cores(c->setup.local_slots,
						figures.inventory->cores);
	}
	return node_limit_local_slots(c->setup.local_slots, fed);
}
