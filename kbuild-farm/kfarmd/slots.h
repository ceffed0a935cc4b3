/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/slots.h - Job slots of a node and the order of execution.
 *
 *	n_advertised	cores + ceil(cores / 4), or --slots: the number of jobs,
 *			running or queued on the node, that each client may send
 *	max_running	concurrent compilers: cores, or n_advertised if that is
 *			smaller
 *	max_jobs	4 * n_advertised: further jobs are rejected
 *
 * Clients limit their jobs to n_advertised, so max_jobs only stops a client
 * that ignores this limit, or several clients that start at the same time.
 * Jobs of all clients wait in one FIFO queue.  A share (struct
 * kfarmd_slot_share) additionally limits the running jobs of a group.  A job
 * that waits because of this limit does not block the jobs behind it.
 */
#ifndef KFARMD_SLOTS_H
#define KFARMD_SLOTS_H

#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A limit on the running jobs of a group, in addition to max_running. */
struct kfarmd_slot_share {
	unsigned max_running; /* concurrent jobs of the group */
	unsigned n_running;
};

/* The slot of a job; embedded in the job. */
struct kfarmd_slot {
	TAILQ_ENTRY(kfarmd_slot) entry;
	enum {
		KFARMD_SLOT_NONE,
		/* the job receives its inputs or sends its result */
		KFARMD_SLOT_HELD,
		KFARMD_SLOT_QUEUED,
		KFARMD_SLOT_RUNNING,
	} state;
	/* limit of the job's group; NULL: only max_running applies */
	struct kfarmd_slot_share *share;
	void (*on_granted)(void *ctx); /* called when the job can start */
	void *ctx;
};

struct kfarmd_slots {
	unsigned n_advertised;
	unsigned max_running;
	unsigned max_jobs;
	unsigned n_jobs; /* jobs in any state */
	unsigned n_running;
	bool starting; /* queued jobs are being started */
	TAILQ_HEAD(, kfarmd_slot) queue;
};

/* Initialize; `configured` is the value of --slots, or 0 if not given. */
void kfarmd_slots_init(struct kfarmd_slots *s, unsigned cores,
		       unsigned configured);
/*
 * Add a new job to n_jobs; on_granted and ctx of `p` must be set.  Returns 0,
 * or -EBUSY with `err` set if max_jobs is reached.
 */
int kfarmd_slots_add_job(struct kfarmd_slots *s, struct kfarmd_slot *p,
			 struct err *err);
/*
 * Queue a job that is ready to run.  on_granted() is called immediately or when
 * another job ends.
 */
void kfarmd_slots_queue_job(struct kfarmd_slots *s, struct kfarmd_slot *p);
/*
 * End the run of a job, or remove the job from the queue.  Then start the
 * queued jobs that the limits permit.  The ended job still counts in n_jobs.
 */
void kfarmd_slots_end_run(struct kfarmd_slots *s, struct kfarmd_slot *p);
/* Remove a job in any state. */
void kfarmd_slots_remove_job(struct kfarmd_slots *s, struct kfarmd_slot *p);

#endif
