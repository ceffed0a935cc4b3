/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/slots.h - how many jobs this node takes, and in what order they run.
 *
 *	limit	cores + ceil(cores / 4), or what --slots says: the jobs that
 *		clients are told to send, running ones and those queued ahead
 *	run	the compilers at once: cores, or the limit where that is less
 *	most	4 * limit: jobs beyond this are refused
 *
 * Clients know the limit, so `most` only stops one that does not care, or
 * several that came at once.  Jobs of all clients wait in one queue.
 */
#ifndef AGENT_SLOTS_H
#define AGENT_SLOTS_H

#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A job's place; part of the job. */
struct agent_place {
	TAILQ_ENTRY(agent_place) link;
	enum {
		AGENT_PLACE_NONE,
		AGENT_PLACE_HELD, /* its text comes, or its answer goes */
		AGENT_PLACE_WAITING,
		AGENT_PLACE_RUNNING,
	} state;
	uint32_t bytes; /* of its text */
	void (*start)(void *ctx); /* its turn came */
	void *ctx;
};

struct agent_slots {
	unsigned limit;
	unsigned run;
	unsigned most;
	uint64_t budget; /* bytes of all texts together */
	unsigned held; /* jobs in any state */
	unsigned running;
	uint64_t bytes;
	bool starting;
	TAILQ_HEAD(, agent_place) queue;
};

/* `given`: --slots, 0 for none.  `budget` as above. */
void agent_slots_init(struct agent_slots *s, unsigned cores, unsigned given,
		      uint64_t budget);
/*
 * A job with `bytes` of text comes; p->start and p->ctx are set.  -EBUSY with
 * `err` saying what there is too much of.
 */
int agent_slots_enter(struct agent_slots *s, struct agent_place *p,
		      uint32_t bytes, struct err *err);
/* It is ready to run: p->start is called, at once or when others end. */
void agent_slots_wait(struct agent_slots *s, struct agent_place *p);
/* It ran, or will not; it still holds its place. */
void agent_slots_rest(struct agent_slots *s, struct agent_place *p);
/* It is gone, from whatever state. */
void agent_slots_leave(struct agent_slots *s, struct agent_place *p);

#endif
