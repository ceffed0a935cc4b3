/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/random.h"
#include "base/vec.h"
#include "sim/internal.h"

#include <string.h>

const char *sim_policy_name(enum sim_policy policy)
{
	static const char *const names[SIM_N_POLICIES] = {
		"kfarm",    "least loaded", "distcc",
		"icecream", "random",       "fixed -j"
	};

	return names[policy];
}

static double ice_speed(const struct sim_node *n)
{
	unsigned n_known = n->n_samples < SIM_ICE_SAMPLES ? n->n_samples :
							    SIM_ICE_SAMPLES;
	double cost = 0, time = 0;

	for (unsigned i = 0; i < n_known; i++) {
		cost += n->speed_cost[i];
		time += n->speed_time[i];
	}
	if (time <= 0)
		return 1e9; /* untested nodes first */
	return cost / time * (1 - 0.5 * n->n_used / n->n_slots);
}

/* Return the score of the node; the policy prefers the highest score. */
static double node_score(struct sim *m, const struct sim_node *n)
{
	switch (m->setup->policy) {
	case SIM_LEAST_LOADED:
		return -(double)n->n_used / n->n_slots;
	case SIM_ICECREAM:
		return ice_speed(n);
	case SIM_RANDOM:
		return (double)(random_next(&m->random_state) >> 32);
	default: /* the order of the list */
		return 0;
	}
}

static bool dispatch_job(struct sim *m, uint32_t job)
{
	uint32_t best = SIM_NONE;
	double score = 0;

	for (uint32_t i = 0; i < m->setup->n_nodes; i++) {
		const struct sim_node *n = &m->nodes[i];
		double v;

		if (!n->up || n->n_used >= n->n_slots)
			continue;
		v = node_score(m, n);
		if (best == SIM_NONE || v > score) {
			best = i;
			score = v;
		}
	}
	if (best != SIM_NONE)
		sim_node_send_job(m, job, best, false, 0);
	else if (m->n_local_used + 1 < m->setup->n_local_slots)
		sim_node_start_local(m, job, false);
	else
		return false;
	return true;
}

void sim_policy_dispatch_jobs(struct sim *m)
{
	size_t done = 0;

	while (done < m->n_ready_list && dispatch_job(m, m->ready[done]))
		done++;
	m->n_ready_list -= done;
	if (done)
		memmove(m->ready, m->ready + done,
			m->n_ready_list * sizeof(*m->ready));
}

void sim_policy_poll_job(struct sim *m, uint32_t job)
{
	if (!dispatch_job(m, job))
		sim_event_add(
			m, m->now_us + SIM_DISTCC_MS * SIM_US,
			(struct sim_event){ .kind = SIM_POLL, .job = job });
}

void sim_policy_add_ready(struct sim *m, uint32_t job)
{
	m->jobs[job].state = SIM_JOB_READY;
	m->n_ready++;
	if (m->sched)
		return;
	if (m->setup->policy == SIM_DISTCC)
		sim_policy_poll_job(m, job);
	else
		*VEC_ADD(m->ready, m->n_ready_list) = job;
}
