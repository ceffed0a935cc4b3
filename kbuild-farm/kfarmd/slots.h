/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/slots.h - Slots of a node: admission and order of jobs.
 *
 *	n_advertised	cores + ceil(cores / 4), or --slots: the number of jobs,
 *			running or queued on the node, that a client sends while
 *			it is the only client
 *	max_running	concurrent compilers: cores, or n_advertised if that is
 *			smaller
 *	max_jobs	4 * n_advertised: limit on the accepted jobs of all
 *			clients
 *
 * Order: when a compiler can start, the next job comes from the client with the
 * lowest virtual time, which is the run time of its jobs divided by its weight.
 * Clients that have jobs all the time thus get run time in proportion to their
 * weights.  When a client without queued jobs queues a job, kfarmd raises the
 * virtual time of the client to the higher of two values: the virtual time of
 * the client that was served last (start-time fair queueing: Goyal, Vin, Cheng
 * 1996), and the lowest virtual time of the other clients less a credit.  The
 * client can thus claim at most 10 s of the run time that it did not use.  The
 * jobs of one client run in the order of arrival.
 *
 * Pause: kfarmd stops the processes of a job of client B in favor of a job of
 * client A that has waited for a second.  It does so only if A runs fewer jobs
 * than its share, B runs more jobs than its share, the weight of B is at most
 * half of the weight of A, and B has the higher virtual time.  A paused job
 * continues before the queued jobs of its client.
 *
 * Lease: the number of slots that a client may use now.  The slots are divided
 * among the clients with jobs in proportion to their weights.  Unused slots are
 * divided among the other clients.  A lease is at least one slot.
 *
 * A struct kfarmd_slot_share additionally limits the running jobs of a group,
 * such as the jobs of one client that are pinned to one CPU class
 * (kfarmd/client.h).  A job that waits because of this limit does not block
 * other jobs.
 */
#ifndef KFARMD_SLOTS_H
#define KFARMD_SLOTS_H

#include "base/err.h"
#include "base/list.h"
#include "wire/msg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory that must be available for each job that is paused, in MiB. */
#define KFARMD_SLOTS_PAUSE_MIB 512
/* time after which a shorter lease takes effect */
#define KFARMD_SLOTS_GRACE_MS 3000

/* An additional limit on the running jobs of a group. */
struct kfarmd_slot_share {
	unsigned max_running; /* concurrent jobs of the group */
	unsigned n_running;
};

/* Slot accounting of one session; embedded in struct kfarmd_client. */
struct kfarmd_slot_client {
	double weight; /* above 0; set before kfarmd_slots_add_client() */

	/* The session's version of the protocol has no LEASE. */
	bool ignores_leases;

	/* slots that the client may use now, or WIRE_LEASE_UNLIMITED */
	unsigned n_leased;
	unsigned n_jobs; /* jobs in any state */
	unsigned n_running;

	/* The remaining members are private to kfarmd/slots.c. */
	TAILQ_ENTRY(kfarmd_slot_client) entry;
	unsigned n_queued; /* queued or paused jobs */
	unsigned max_jobs; /* largest number of jobs since the last update */
	uint64_t shortened_ms; /* clock_ms() when n_leased last decreased */
	bool has_run; /* a job of the client has run */
	/* the enforced lease; one job more than this is accepted */
	unsigned n_accepted;
	bool satisfied; /* the demand is at most the client's share */
	double virtual_ms; /* virtual time of the ended runs */
	uint64_t sum_start_ms; /* sum of the start times of the running jobs */
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
		KFARMD_SLOT_PAUSED, /* in the queue again */
	} state;
	struct kfarmd_slot_client *client; /* owner of the job */
	/* limit of the job's group; NULL: the job has no group */
	struct kfarmd_slot_share *share;
	/* called when the job can start, and when it can continue */
	void (*on_granted)(void *ctx);
	void (*on_paused)(void *ctx);
	void *ctx;
	uint64_t since_ms; /* clock_ms() of the last change of the state */
};

struct kfarmd_slots {
	unsigned n_advertised;
	unsigned max_running;
	unsigned max_jobs;
	unsigned n_jobs; /* jobs in any state */
	unsigned n_running;
	bool starting; /* queued jobs are being started */
	bool draining; /* set by the daemon: reject further jobs */
	double virtual_ms; /* virtual time of the client that was served last */
	uint64_t updated_ms; /* clock_ms() of the last update */
	TAILQ_HEAD(, kfarmd_slot) queue;
	TAILQ_HEAD(, kfarmd_slot) running;
	TAILQ_HEAD(kfarmd_slot_clients, kfarmd_slot_client) clients;
};

/* Initialize; `configured` is the value of --slots, or 0 if not given. */
void kfarmd_slots_init(struct kfarmd_slots *s, unsigned cores,
		       unsigned configured);
/* Add a client. */
void kfarmd_slots_add_client(struct kfarmd_slots *s,
			     struct kfarmd_slot_client *c);
/* Remove a client whose jobs have been removed. */
void kfarmd_slots_remove_client(struct kfarmd_slots *s,
				struct kfarmd_slot_client *c);
/*
 * Change the weight of a client.  The order of jobs changes immediately; the
 * leases change at the next update.
 */
void kfarmd_slots_set_weight(struct kfarmd_slot_client *c, double weight);
/*
 * Renew all leases, and pause as many jobs as necessary (see "Pause" above), as
 * far as the available memory permits.  Call this at least once a second; the
 * function does nothing if the last update was less than 0.9 s ago.
 */
void kfarmd_slots_update(struct kfarmd_slots *s, uint32_t available_mib);

/*
 * Add a new job to n_jobs; client, on_granted, on_paused and ctx of `p` must be
 * set.  Returns 0, or -EBUSY with `err` set if
 *
 * - the daemon is draining,
 * - the client has jobs and max_jobs is reached,
 * - the client has 3 * n_advertised jobs and is not the only client, or
 * - the client has more jobs than its lease, and its session supports LEASE.
 *
 * Thus one job more than the lease is accepted, so that a client can test the
 * node while its build uses all slots.  A shorter lease takes effect after
 * KFARMD_SLOTS_GRACE_MS, because jobs can be in transit when the client
 * receives the new lease.
 */
int kfarmd_slots_add_job(struct kfarmd_slots *s, struct kfarmd_slot *p,
			 struct err *err);
/*
 * Queue a job that is ready to run.  on_granted() is called immediately, or
 * when another job has ended or is paused.
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
