/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/slots.h"

#include <errno.h>

void kfarmd_slots_init(struct kfarmd_slots *s, unsigned cores,
		       unsigned configured)
{
	*s = (struct kfarmd_slots){
		.n_advertised = configured ? configured :
					     cores + (cores + 3) / 4,
	};
	s->max_running = s->n_advertised < cores ? s->n_advertised : cores;
	s->max_jobs = 4 * s->n_advertised;
	TAILQ_INIT(&s->queue);
}

int kfarmd_slots_add_job(struct kfarmd_slots *s, struct kfarmd_slot *p,
			 struct err *err)
{
	if (s->n_jobs >= s->max_jobs)
		return err_set(err, EBUSY, "too many jobs: %u accepted already",
			       s->n_jobs);
	s->n_jobs++;
	p->state = KFARMD_SLOT_HELD;
	return 0;
}

/* Return the first queued job that the limit of its share permits, or NULL. */
static struct kfarmd_slot *next_runnable(const struct kfarmd_slots *s)
{
	struct kfarmd_slot *p;

	list_for_each(p, &s->queue, entry) {
		if (!p->share || p->share->n_running < p->share->max_running)
			return p;
	}
	return NULL;
}

static void count_running(struct kfarmd_slots *s, struct kfarmd_slot *p, int by)
{
	s->n_running = (unsigned)((int)s->n_running + by);
	if (p->share)
		p->share->n_running = (unsigned)((int)p->share->n_running + by);
}

/*
 * Start queued jobs.  A job that fails in on_granted() ends its run, which
 * calls this function again; `starting` prevents the recursion.
 */
static void start_runnable(struct kfarmd_slots *s)
{
	struct kfarmd_slot *p;

	if (s->starting)
		return;
	s->starting = true;
	while (s->n_running < s->max_running && (p = next_runnable(s))) {
		TAILQ_REMOVE(&s->queue, p, entry);
		p->state = KFARMD_SLOT_RUNNING;
		count_running(s, p, 1);
		p->on_granted(p->ctx);
	}
	s->starting = false;
}

void kfarmd_slots_queue_job(struct kfarmd_slots *s, struct kfarmd_slot *p)
{
	p->state = KFARMD_SLOT_QUEUED;
	TAILQ_INSERT_TAIL(&s->queue, p, entry);
	start_runnable(s);
}

void kfarmd_slots_end_run(struct kfarmd_slots *s, struct kfarmd_slot *p)
{
	if (p->state == KFARMD_SLOT_QUEUED)
		TAILQ_REMOVE(&s->queue, p, entry);
	if (p->state == KFARMD_SLOT_RUNNING)
		count_running(s, p, -1);
	if (p->state != KFARMD_SLOT_NONE)
		p->state = KFARMD_SLOT_HELD;
	start_runnable(s);
}

void kfarmd_slots_remove_job(struct kfarmd_slots *s, struct kfarmd_slot *p)
{
	if (p->state == KFARMD_SLOT_NONE)
		return;
	s->n_jobs--;
	kfarmd_slots_end_run(s, p);
	p->state = KFARMD_SLOT_NONE;
}
