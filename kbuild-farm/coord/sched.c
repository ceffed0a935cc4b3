/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/sched.h"

#include "base/clock.h"
#include "coord/away.h"
#include "coord/job.h"
#include "coord/node.h"
#include "coord/remote.h"
#include "inputs/toolchain.h"

enum availability {
	NEVER,
	SHIPPING, /* the toolchain's bytes are on their way */
	SOON, /* within a few seconds it is there, or it is not */
	NOW, /* it has the toolchain */
};

static bool was_tried(const struct coord_job *job, const struct coord_node *n)
{
	for (unsigned i = 0; i < job->n_tried; i++) {
		if (job->tried[i] == n)
			return true;
	}
	return false;
}

/* a's share of slots in use is smaller than b's. */
static bool less_loaded(const struct coord_node *a, const struct coord_node *b)
{
	return (uint64_t)peer_jobs(a->peer) * peer_slots(b->peer) <
	       (uint64_t)peer_jobs(b->peer) * peer_slots(a->peer);
}

static bool has_slot(const struct coord_node *n)
{
	return peer_health_up(n->health) &&
	       peer_jobs(n->peer) < peer_slots(n->peer);
}

static struct coord_node *pick(const struct coord_job *job)
{
	struct coord *c = job->coord;
	struct coord_node *best = NULL;

	for (size_t i = 0; i < c->n_nodes; i++) {
		struct coord_node *n = c->nodes[i];

		if (peer_health_usable(n->health) && has_slot(n) &&
		    peer_has(n->peer, job->toolchain) == PEER_HAS &&
		    !was_tried(job, n) && (!best || less_loaded(n, best)))
			best = n;
	}
	return best;
}

static enum availability availability_of(const struct coord_node *n,
					 const struct inputs_toolchain *tc,
					 uint64_t now)
{
	if (peer_health_undecided(n->health))
		return SOON;
	if (!peer_health_up(n->health))
		return NEVER;
	switch (peer_has(n->peer, tc)) {
	case PEER_HAS:
		return NOW;
	case PEER_HAS_PART:
		return SHIPPING;
	case PEER_HAS_ASKED:
		return now > n->asked_ms + n->coord->patience_ms ? SHIPPING :
								   SOON;
	default:
		return NEVER;
	}
}

/* The best that can be expected of any node. */
static enum availability best_availability(const struct coord_job *job,
					   uint64_t now)
{
	struct coord *c = job->coord;
	enum availability best = NEVER;

	for (size_t i = 0; i < c->n_nodes; i++) {
		enum availability one = availability_of(c->nodes[i],
							job->toolchain, now);

		if (one > best && !was_tried(job, c->nodes[i]))
			best = one;
	}
	return best;
}

static const char *reason_none(const struct coord_job *job)
{
	struct coord *c = job->coord;
	bool unfit = false;

	if (job->n_tried)
		return job->why;
	for (size_t i = 0; i < c->n_nodes; i++) {
		if (peer_health_up(c->nodes[i]->health))
			return "no node has the toolchain";
		unfit = unfit || peer_state(c->nodes[i]->peer) == PEER_UNFIT;
	}
	return unfit ? "no node is fit" : "no node is up";
}

/*
 * Local slots have nothing better to do while the toolchain travels: true
 * when the job was given to one.
 */
static bool use_meanwhile(struct coord_job *job)
{
	if (job->coord->locals >= job->coord->local_slots)
		return false;
	coord_job_local(job, "toolchain on its way to the nodes");
	return true;
}

/* It goes nowhere: true. */
static bool give_up(struct coord_job *job, uint64_t now)
{
	enum availability best;

	if (job->toolchain->state == INPUTS_BAD) {
		coord_job_local(job, reason_words(job->toolchain->why));
		return true;
	}
	best = best_availability(job, now);
	if (best == SHIPPING)
		return use_meanwhile(job);
	if (best != NEVER)
		return false;
	coord_job_local(job, reason_none(job));
	return true;
}

/* Slots of nodes that are free, beyond the jobs that come to them. */
static int free_slots(const struct coord *c)
{
	const struct coord_job *job;
	int n = 0;

	for (size_t i = 0; i < c->n_nodes; i++) {
		const struct peer *p = c->nodes[i]->peer;

		if (has_slot(c->nodes[i]))
			n += (int)(peer_slots(p) - peer_jobs(p));
	}
	list_for_each(job, &c->jobs, link)
		n -= job->state == JOB_READY || job->state == JOB_SCAN;
	return n;
}

static void step_toolchain(struct coord_job *job, uint64_t now)
{
	if (job->toolchain->state == INPUTS_BAD)
		coord_job_local(job, reason_words(job->toolchain->why));
	else if (job->reference->state == INPUTS_BAD)
		coord_job_local(job, "unknown kind of object");
	else if (job->toolchain->state == INPUTS_READY &&
		 job->reference->state == INPUTS_READY)
		job->state = JOB_WAIT_SCAN;
	else if (now > job->came_ms + job->coord->patience_ms)
		use_meanwhile(job);
}

/* Full nodes find a few jobs ready when a slot is free. */
static void step_scan(struct coord_job *job, int *room, uint64_t now)
{
	struct coord *c = job->coord;

	if (give_up(job, now))
		return;
	if (*room > 0 && pool_has_room(c->pool)) {
		(*room)--;
		coord_remote_scan(job);
	}
}

static void step_ready(struct coord_job *job, uint64_t now)
{
	struct coord_node *node = pick(job);

	if (node && job->toolchain->state == INPUTS_READY)
		coord_away_send(job, node);
	else if (!job->hedge)
		give_up(job, now);
}

void coord_sched_run(struct coord *c)
{
	uint64_t now = clock_ms();
	int room = free_slots(c) + (int)c->local_slots;
	struct coord_job *job, *next;

	list_for_each_safe(job, &c->jobs, link, next) {
		if (job->state == JOB_TOOLCHAIN)
			step_toolchain(job, now);
		if (job->state == JOB_WAIT_SCAN)
			step_scan(job, &room, now);
		if (job->state == JOB_READY)
			step_ready(job, now);
		if (job->state == JOB_WAIT_LOCAL && c->locals < c->local_slots)
			coord_job_grant(job);
	}
}
