/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sim/internal.h - State shared by the modules of the simulation. */
#ifndef SIM_INTERNAL_H
#define SIM_INTERNAL_H

#include "sched/sched.h"
#include "sim/jobs.h"
#include "sim/sim.h"

#define SIM_US          UINT64_C(1000) /* microseconds per ms */
#define SIM_BEAT_MS     1000 /* between two heartbeats of a job */
#define SIM_DISTCC_MS   1000 /* pause if all hosts are full */
#define SIM_ICE_SAMPLES 200
#define SIM_NONE        UINT32_MAX

enum sim_event_kind {
	SIM_PHASE, /* the serial time of a phase ends */
	SIM_SCANNED,
	SIM_ARRIVE, /* the inputs of a job are on its node */
	SIM_FINISH, /* a core has finished a job */
	SIM_RESULT, /* the outputs of a job are on the build host */
	SIM_VERIFIED,
	SIM_LOCAL_END, /* a local compile or hedge ends */
	SIM_BEAT,
	SIM_SPEED, /* the speed of a node changes */
	SIM_DIE,
	SIM_LOST,
	SIM_RETURN,
	SIM_POLL,
};

struct sim_event {
	uint64_t at_us;
	uint64_t seq; /* order of addition, for events of the same time */
	enum sim_event_kind kind;
	uint32_t job, node;
	/*
	 * epoch or local_epoch of the job when the event was added; the event
	 * is ignored if the job's value has changed
	 */
	unsigned epoch;
};

struct sim_core {
	unsigned class;
	uint32_t job; /* SIM_NONE: idle */
};

struct sim_node {
	const struct sim_node_setup *setup;
	struct sched_core_class classes[SIM_CLASSES_MAX];
	struct sim_core *cores;
	unsigned n_cores, n_slots;
	uint32_t *queue; /* jobs that wait for a core */
	size_t n_queue;
	unsigned n_used; /* jobs that were sent and have no result */
	bool up, lost; /* lost: the build host has detected the failure */
	uint64_t link_free_us;
	double factor; /* current speed relative to the full speed */
	double reported_factor; /* as in the last SCHED_EV_NODE_CLOCK */
	/* icecream: costs and times of the last jobs */
	double speed_cost[SIM_ICE_SAMPLES], speed_time[SIM_ICE_SAMPLES];
	unsigned n_samples;
};

enum sim_state {
	/* not yet offered by make, or a backup that is not on a node */
	SIM_JOB_HIDDEN,
	SIM_JOB_SCAN,
	SIM_JOB_READY,
	SIM_JOB_SENT, /* being sent to a node, or queued on the node */
	SIM_JOB_RUNS,
	SIM_JOB_RETURNS, /* its outputs are being received */
	SIM_JOB_RETURNED, /* its outputs are on the build host */
	SIM_JOB_LOCAL, /* the build host executes the job */
	SIM_JOB_DONE,
};

struct sim_job {
	enum sim_state state;
	uint32_t node, core;
	bool pinned; /* only cores of `class` can run it */
	bool arriving; /* its inputs are being transferred to the node */
	unsigned class, epoch, local_epoch;
	bool local; /* a local compile or hedge runs */
	uint32_t local_slot;
	bool hedge; /* the local compile is a hedge */
	double left_ms; /* remaining cost while the job runs */
	uint64_t began_us, local_began_us, updated_us, sent_us;
};

struct sim {
	const struct sim_setup *setup;
	struct sim_result *out;
	struct sched *sched; /* NULL unless the policy is SIM_KFARM */
	uint64_t now_us, seq, random_state;
	struct sim_event *heap;
	size_t n_heap;
	struct sim_node *nodes;
	/*
	 * n_jobs jobs, followed by a backup of each job in the same order; a
	 * backup is a second execution of a late job on another node
	 */
	struct sim_job *jobs;
	size_t n_offered, n_done, phase_end;
	unsigned n_make_jobs, n_outstanding;
	uint32_t phase;
	bool serial; /* the serial time of the phase has not ended */
	/* time at which the build host is ready to handle the next job */
	uint64_t host_free_us;
	bool *local_slots; /* true: the slot is in use */
	unsigned n_local_used;
	/* idle cores, arriving jobs and READY jobs of the whole farm */
	unsigned n_idle, n_arriving, n_ready;
	struct sched_event *pending; /* events for the dispatcher */
	size_t n_pending;
	/* READY jobs in order; unused by SIM_KFARM and SIM_DISTCC */
	uint32_t *ready;
	size_t n_ready_list;
};

/*
 * Return the number of the job whose backup `job` is, or `job` itself if it is
 * not a backup.
 */
static inline uint32_t sim_job_unit(const struct sim *m, uint32_t job)
{
	return job % (uint32_t)m->setup->n_jobs;
}

static inline bool sim_job_is_remote(const struct sim_job *j)
{
	return j->state >= SIM_JOB_SENT && j->state <= SIM_JOB_RETURNS;
}

/* ---- sim/event.c ---- */

/* Queue an event for at_us. */
void sim_event_add(struct sim *m, uint64_t at_us, struct sim_event e);
/* Remove and return the first event; the queue must not be empty. */
struct sim_event sim_event_take(struct sim *m);

/* ---- sim/node.c ---- */

/* Initialize a node and queue the events of its setup. */
void sim_node_init(struct sim *m, uint32_t number);
/* Return the current ratio of a job's CPU time on a core to its cost. */
double sim_node_slowness(const struct sim_node *n, uint32_t core);
/* Account for the work of a running job since the last update. */
void sim_node_update_work(struct sim *m, struct sim_job *j);
/*
 * Send a READY job or a backup to a node; if `pinned`, only cores of `class`
 * run the job.
 */
void sim_node_send_job(struct sim *m, uint32_t job, uint32_t node, bool pinned,
		       unsigned class);
/*
 * Cancel a job or a backup on its node.  A job becomes SIM_JOB_READY again; a
 * backup becomes SIM_JOB_HIDDEN.
 */
void sim_node_cancel_job(struct sim *m, uint32_t job);
/* Mark a node as reachable or not. */
void sim_node_set_up(struct sim *m, struct sim_node *n, bool up);
/* Handle SIM_ARRIVE, SIM_FINISH, SIM_SPEED and SIM_DIE. */
void sim_node_on_arrive(struct sim *m, const struct sim_event *e);
void sim_node_on_finish(struct sim *m, const struct sim_event *e);
void sim_node_change_speed(struct sim *m, uint32_t node);
void sim_node_on_die(struct sim *m, uint32_t node);

/* Execute a job on the build host.  If `hedge`, the node also continues it. */
void sim_node_start_local(struct sim *m, uint32_t job, bool hedge);
/* End the execution of a job on the build host, if there is one. */
void sim_node_end_local(struct sim *m, uint32_t job, bool completed);

/* ---- sim/policy.c: models of other schedulers ---- */

/* Make a job READY, and dispatch it or queue it for dispatch. */
void sim_policy_add_ready(struct sim *m, uint32_t job);
/* Dispatch the queued READY jobs in order until no slot is free. */
void sim_policy_dispatch_jobs(struct sim *m);
/* distcc: dispatch one job; if no slot is free, retry after SIM_DISTCC_MS. */
void sim_policy_poll_job(struct sim *m, uint32_t job);

#endif
