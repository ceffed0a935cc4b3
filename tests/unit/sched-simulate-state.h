/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unit/sched-simulate-state.h - State and events of a simulation. */
#ifndef UNIT_SCHED_SIMULATE_STATE_H
#define UNIT_SCHED_SIMULATE_STATE_H

#include "base/str.h"
#include "base/vec.h"
#include "sched-simulate-setup.h"
#include "sched/sched.h"

#include <stdlib.h>

#define SIM_US          UINT64_C(1000) /* per ms */
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
	uint64_t at_us, seq;
	enum sim_event_kind kind;
	uint32_t job, node;
	unsigned epoch; /* the event is outdated if that of the job differs */
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
	bool up;
	uint64_t link_free_us;
	double factor; /* current slowdown */
	/* icecream: costs and times of the last jobs */
	double speed_cost[SIM_ICE_SAMPLES], speed_time[SIM_ICE_SAMPLES];
	unsigned n_samples;
};

enum sim_state {
	SIM_JOB_HIDDEN, /* make has not offered the job yet */
	SIM_JOB_SCAN,
	SIM_JOB_READY,
	SIM_JOB_SENT, /* being sent to a node, or queued on the node */
	SIM_JOB_RUNS,
	SIM_JOB_RETURNS, /* its outputs are being received */
	SIM_JOB_LOCAL, /* the build host executes the job */
	SIM_JOB_DONE,
};

struct sim_job {
	enum sim_state state;
	uint32_t node, core;
	bool pinned, arriving;
	unsigned class, epoch, local_epoch;
	bool local; /* a local compile or hedge runs */
	uint32_t local_slot;
	bool hedge;
	double left_ms; /* remaining cost while it runs */
	uint64_t began_us, local_began_us, updated_us, sent_us;
};

struct sim {
	const struct sim_setup *setup;
	struct sim_result *out;
	struct sched *sched; /* NULL for other policies */
	uint64_t now_us, seq, random_state;
	struct sim_event *heap;
	size_t n_heap;
	struct sim_node *nodes;
	struct sim_job *jobs;
	size_t n_offered, n_done, phase_end;
	unsigned n_make_jobs, n_outstanding;
	uint32_t phase;
	bool serial; /* the serial time of the phase has not ended */
	bool *local_slots; /* true: the slot is in use */
	unsigned n_local_used;
	unsigned n_idle, n_arriving, n_ready; /* counts of the whole farm */
	struct sched_event *pending; /* events for the dispatcher */
	size_t n_pending;
	uint32_t *ready; /* READY jobs in order, for other policies */
	size_t n_ready_list;
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t sim_random(struct sim *m)
{
	uint64_t z = m->random_state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* ---- the queue of events ---- */

static bool sim_is_earlier(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq;
}

static void sim_add_event(struct sim *m, uint64_t at_us, struct sim_event e)
{
	size_t at = m->n_heap;

	e.at_us = at_us;
	e.seq = m->seq++;
	*VEC_ADD(m->heap, m->n_heap) = e;
	for (; at && sim_is_earlier(&e, &m->heap[(at - 1) / 2]);
	     at = (at - 1) / 2)
		m->heap[at] = m->heap[(at - 1) / 2];
	m->heap[at] = e;
}

static struct sim_event sim_take_event(struct sim *m)
{
	struct sim_event first = m->heap[0], last = m->heap[--m->n_heap];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < m->n_heap) {
		if (child + 1 < m->n_heap &&
		    sim_is_earlier(&m->heap[child + 1], &m->heap[child]))
			child++;
		if (sim_is_earlier(&last, &m->heap[child]))
			break;
		m->heap[at] = m->heap[child];
		at = child;
	}
	if (m->n_heap)
		m->heap[at] = last;
	return first;
}

#endif
