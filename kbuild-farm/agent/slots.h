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
 * several that came at once.  Jobs of all clients wait in one queue; one whose
 * share is used up lets others past.
 */
#ifndef AGENT_SLOTS_H
#define AGENT_SLOTS_H

#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What some jobs have together of `run`. */
struct agent_share {
	unsigned most; /* of them at once */
	unsigned running;
};

/* A job's place; part of the job. */
struct agent_place {
	TAILQ_ENTRY(agent_place) link;
	enum {
		AGENT_PLACE_NONE,
		AGENT_PLACE_HELD, /* its files come, or its answer goes */
		AGENT_PLACE_WAITING,
		AGENT_PLACE_RUNNING,
	} state;
	struct agent_share *share; /* NULL: none of its own */
	void (*start)(void *ctx); /* its turn came */
	void *ctx;
};

struct agent_slots {
	unsigned limit;
	unsigned run;
	unsigned most;
	unsigned held; /* jobs in any state */
	unsigned running;
	bool starting;
	TAILQ_HEAD(, agent_place) queue;
};

/* `given`: --slots, 0 for none. */
void agent_slots_init(struct agent_slots *s, unsigned cores, unsigned given);
/*
 * A job comes; p->start and p->ctx are set.  -EBUSY with `err` saying that
 * there are too many.
 */
int agent_slots_enter(struct agent_slots *s, struct agent_place *p,
		      struct err *err);
/* It is ready to run: p->start is called, at once or when others end. */
void agent_slots_wait(struct agent_slots *s, struct agent_place *p);
/* It ran, or will not; it still holds its place. */
void agent_slots_rest(struct agent_slots *s, struct agent_place *p);
/* It is gone, from whatever state. */
void agent_slots_leave(struct agent_slots *s, struct agent_place *p);

#endif
