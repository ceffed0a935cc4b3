/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/sched.h"

#include "base/clock.h"
#include "coord/job.h"
#include "coord/peer.h"
#include "coord/toolchain.h"

static bool was_tried(const struct coord_job *job, const struct coord_peer *p)
{
	for (unsigned i = 0; i < job->n_tried; i++) {
		if (job->tried[i] == p)
			return true;
	}
	return false;
}

/* a's share of slots in use is smaller than b's. */
static bool less_loaded(const struct coord_peer *a, const struct coord_peer *b)
{
	return (uint64_t)a->running * coord_peer_slots(b) <
	       (uint64_t)b->running * coord_peer_slots(a);
}

static struct coord_peer *pick(const struct coord_job *job)
{
	struct coord *c = job->coord;
	struct coord_peer *best = NULL;

	for (size_t i = 0; i < c->n_peers; i++) {
		struct coord_peer *p = c->peers[i];

		if (!coord_peer_can(p, job->toolchain) || was_tried(job, p) ||
		    p->running >= coord_peer_slots(p))
			continue;
		if (!best || less_loaded(p, best))
			best = p;
	}
	return best;
}

/* Is there a node worth waiting for? */
static bool hope(const struct coord_job *job, uint64_t now)
{
	struct coord *c = job->coord;

	for (size_t i = 0; i < c->n_peers; i++) {
		if (coord_peer_may(c->peers[i], job->toolchain, now) &&
		    !was_tried(job, c->peers[i]))
			return true;
	}
	return false;
}

static const char *hopeless(const struct coord_job *job)
{
	struct coord *c = job->coord;

	if (job->n_tried)
		return job->why;
	for (size_t i = 0; i < c->n_peers; i++) {
		if (c->peers[i]->state == PEER_UP)
			return "no node has the toolchain";
	}
	return "no node is up";
}

enum wire_codec coord_sched_codec(const struct coord *c)
{
	const struct coord_peer *best = NULL;

	for (size_t i = 0; i < c->n_peers; i++) {
		const struct coord_peer *p = c->peers[i];

		if (p->state == PEER_UP && (!best || less_loaded(p, best)))
			best = p;
	}
	return best ? best->entry->codec : WIRE_LZO;
}

/* Slots of nodes that are free, beyond the texts that are on their way. */
static int free_slots(const struct coord *c)
{
	const struct coord_job *job;
	int n = 0;

	for (size_t i = 0; i < c->n_peers; i++) {
		const struct coord_peer *p = c->peers[i];

		if (p->state == PEER_UP && p->running < coord_peer_slots(p))
			n += (int)(coord_peer_slots(p) - p->running);
	}
	list_for_each(job, &c->jobs, link)
		n -= job->state == JOB_READY || job->state == JOB_TEXT;
	return n;
}

static void step_toolchain(struct coord_job *job)
{
	if (job->toolchain->state == COORD_BAD)
		coord_job_local(job, job->toolchain->why);
	else if (job->reference->state == COORD_BAD)
		coord_job_local(job, "unknown kind of object");
	else if (job->toolchain->state == COORD_READY &&
		 job->reference->state == COORD_READY)
		job->state = JOB_WAIT_TEXT;
}

static void step_text(struct coord_job *job, int *room, uint64_t now)
{
	struct coord *c = job->coord;

	if (job->toolchain->state == COORD_BAD)
		coord_job_local(job, job->toolchain->why);
	else if (!hope(job, now))
		coord_job_local(job, hopeless(job));
	else if (*room > 0 && c->texts < c->local_slots) {
		(*room)--;
		coord_job_preprocess(job);
	}
}

static void step_ready(struct coord_job *job, uint64_t now)
{
	struct coord_peer *p;

	if (job->toolchain->state == COORD_BAD) {
		coord_job_local(job, job->toolchain->why);
		return;
	}
	p = pick(job);
	if (p)
		coord_job_send(job, p);
	else if (!hope(job, now) && !job->hedge)
		coord_job_local(job, hopeless(job));
}

void coord_sched_run(struct coord *c)
{
	uint64_t now = clock_ms();
	/* Full nodes find a few texts ready when a slot is free. */
	int room = free_slots(c) + (int)c->local_slots;
	struct coord_job *job, *next;

	list_for_each_safe(job, &c->jobs, link, next) {
		if (job->state == JOB_TOOLCHAIN)
			step_toolchain(job);
		if (job->state == JOB_WAIT_TEXT)
			step_text(job, &room, now);
		if (job->state == JOB_READY)
			step_ready(job, now);
		if (job->state == JOB_WAIT_LOCAL && c->locals < c->local_slots)
			coord_job_grant(job);
	}
}
