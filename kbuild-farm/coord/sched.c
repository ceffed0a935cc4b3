/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/sched.h"

#include "base/clock.h"
#include "coord/away.h"
#include "coord/job.h"
#include "coord/remote.h"
#include "inputs/toolchain.h"
#include "peer/cell.h"
#include "peer/peer.h"

static bool was_tried(const struct coord_job *job, const struct peer *p)
{
	for (unsigned i = 0; i < job->n_tried; i++) {
		if (job->tried[i] == p)
			return true;
	}
	return false;
}

/* a's share of slots in use is smaller than b's. */
static bool less_loaded(const struct peer *a, const struct peer *b)
{
	return (uint64_t)a->running * peer_slots(b) <
	       (uint64_t)b->running * peer_slots(a);
}

static struct peer_cell *pick(const struct coord_job *job)
{
	struct coord *c = job->coord;
	struct peer *best = NULL;
	struct peer_cell *best_cell = NULL;

	for (size_t i = 0; i < c->n_peers; i++) {
		struct peer *p = c->peers[i];
		struct peer_cell *cell = peer_ready_cell(p, job->toolchain);

		if (!cell || was_tried(job, p) || p->running >= peer_slots(p))
			continue;
		if (!best || less_loaded(p, best)) {
			best = p;
			best_cell = cell;
		}
	}
	return best_cell;
}

/* The best that can be expected of any node. */
static enum peer_availability hope(const struct coord_job *job, uint64_t now)
{
	struct coord *c = job->coord;
	enum peer_availability best = PEER_NEVER;

	for (size_t i = 0; i < c->n_peers; i++) {
		enum peer_availability one = peer_availability(
			c->peers[i], job->toolchain, now);

		if (one > best && !was_tried(job, c->peers[i]))
			best = one;
	}
	return best;
}

static const char *hopeless(const struct coord_job *job)
{
	struct coord *c = job->coord;
	bool unfit = false;

	if (job->n_tried)
		return job->why;
	for (size_t i = 0; i < c->n_peers; i++) {
		if (c->peers[i]->state == PEER_UP)
			return "no node has the toolchain";
		unfit = unfit || c->peers[i]->state == PEER_UNFIT;
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
	enum peer_availability best;

	if (job->toolchain->state == INPUTS_BAD) {
		coord_job_local(job, reason_words(job->toolchain->why));
		return true;
	}
	best = hope(job, now);
	if (best == PEER_SHIPPING)
		return use_meanwhile(job);
	if (best != PEER_NEVER)
		return false;
	coord_job_local(job, hopeless(job));
	return true;
}

/* Slots of nodes that are free, beyond the jobs that come to them. */
static int free_slots(const struct coord *c)
{
	const struct coord_job *job;
	int n = 0;

	for (size_t i = 0; i < c->n_peers; i++) {
		const struct peer *p = c->peers[i];

		if (p->state == PEER_UP && p->running < peer_slots(p))
			n += (int)(peer_slots(p) - p->running);
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
	struct peer_cell *cell = pick(job);

	if (cell && job->toolchain->state == INPUTS_READY)
		coord_away_send(job, cell);
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
