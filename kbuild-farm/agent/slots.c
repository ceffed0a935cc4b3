/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/slots.h"

#include <errno.h>

void agent_slots_init(struct agent_slots *s, unsigned cores, unsigned given)
{
	*s = (struct agent_slots){
		.limit = given ? given : cores + (cores + 3) / 4,
	};
	s->run = s->limit < cores ? s->limit : cores;
	s->most = 4 * s->limit;
	TAILQ_INIT(&s->queue);
}

int agent_slots_enter(struct agent_slots *s, struct agent_place *p,
		      struct err *err)
{
	if (s->held >= s->most)
		return err_set(err, EBUSY, "%u jobs are here already", s->held);
	s->held++;
	p->state = AGENT_PLACE_HELD;
	return 0;
}

/* The first that may run. */
static struct agent_place *next_place(const struct agent_slots *s)
{
	struct agent_place *p;

	list_for_each(p, &s->queue, link) {
		if (!p->share || p->share->running < p->share->most)
			return p;
	}
	return NULL;
}

static void count_running(struct agent_slots *s, struct agent_place *p, int by)
{
	s->running = (unsigned)((int)s->running + by);
	if (p->share)
		p->share->running = (unsigned)((int)p->share->running + by);
}

/* A job may fail as it starts and leave, which calls this again. */
static void start_some(struct agent_slots *s)
{
	struct agent_place *p;

	if (s->starting)
		return;
	s->starting = true;
	while (s->running < s->run && (p = next_place(s))) {
		TAILQ_REMOVE(&s->queue, p, link);
		p->state = AGENT_PLACE_RUNNING;
		count_running(s, p, 1);
		p->start(p->ctx);
	}
	s->starting = false;
}

void agent_slots_wait(struct agent_slots *s, struct agent_place *p)
{
	p->state = AGENT_PLACE_WAITING;
	TAILQ_INSERT_TAIL(&s->queue, p, link);
	start_some(s);
}

void agent_slots_rest(struct agent_slots *s, struct agent_place *p)
{
	if (p->state == AGENT_PLACE_WAITING)
		TAILQ_REMOVE(&s->queue, p, link);
	if (p->state == AGENT_PLACE_RUNNING)
		count_running(s, p, -1);
	if (p->state != AGENT_PLACE_NONE)
		p->state = AGENT_PLACE_HELD;
	start_some(s);
}

void agent_slots_leave(struct agent_slots *s, struct agent_place *p)
{
	if (p->state == AGENT_PLACE_NONE)
		return;
	s->held--;
	agent_slots_rest(s, p);
	p->state = AGENT_PLACE_NONE;
}
