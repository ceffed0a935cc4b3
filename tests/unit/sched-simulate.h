/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/sched-simulate.h - Simulation of a build in virtual time.
 *
 * The simulation runs the dispatcher of sched/sched.h, or a model of another
 * scheduler, against make, nodes with classes of cores, links and throttling,
 * and a build host.  It neither reads a clock nor does I/O, and a seed
 * determines its result.
 *
 * make offers the jobs of a phase in their order, at most n_make_jobs at a
 * time.  A phase begins with a serial time, in which make, ld and other tools
 * run alone on the build host, and ends when all its jobs have ended.  A job
 * takes its cost times the slowness of the core that runs it.  A node runs one
 * job per core and queues the others.  The link of a node transfers the inputs
 * and outputs of its jobs one after another.
 */
#ifndef UNIT_SCHED_SIMULATE_H
#define UNIT_SCHED_SIMULATE_H

#include "sched-simulate-state.h"

#include <errno.h>
#include <string.h>

/* ---- nodes ---- */

static double sim_core_slowness(const struct sim_node *n, uint32_t core)
{
	return n->setup->classes[n->cores[core].class].slowness * n->factor;
}

static void sim_schedule_finish(struct sim *m, uint32_t job)
{
	struct sim_job *j = &m->jobs[job];
	const struct sim_node *n = &m->nodes[j->node];
	double ms = j->left_ms * sim_core_slowness(n, j->core);

	sim_add_event(m, m->now_us + (uint64_t)(ms * SIM_US) + 1,
		      (struct sim_event){ .kind = SIM_FINISH,
					  .job = job,
					  .node = j->node,
					  .epoch = j->epoch });
}

/* Account for the work since the last update. */
static void sim_update_work(struct sim *m, struct sim_job *j)
{
	const struct sim_node *n = &m->nodes[j->node];

	j->left_ms -= (double)(m->now_us - j->updated_us) / SIM_US /
		      sim_core_slowness(n, j->core);
	j->updated_us = m->now_us;
}

/* Return a random free core that the job can use, or SIM_NONE. */
static uint32_t sim_find_core(struct sim *m, const struct sim_node *n,
			      const struct sim_job *j)
{
	uint32_t found = SIM_NONE;
	unsigned n_free = 0;

	for (uint32_t i = 0; i < n->n_cores; i++) {
		if (n->cores[i].job != SIM_NONE ||
		    (j->pinned && n->cores[i].class != j->class))
			continue;
		if (!(sim_random(m) % ++n_free))
			found = i;
	}
	return found;
}

static void sim_start_jobs(struct sim *m, uint32_t number)
{
	struct sim_node *n = &m->nodes[number];
	size_t keep = 0;

	for (size_t i = 0; i < n->n_queue; i++) {
		uint32_t job = n->queue[i];
		struct sim_job *j = &m->jobs[job];
		uint32_t core = sim_find_core(m, n, j);

		if (core == SIM_NONE) {
			n->queue[keep++] = job;
			continue;
		}
		n->cores[core].job = job;
		m->n_idle--;
		j->state = SIM_JOB_RUNS;
		j->core = core;
		j->left_ms = m->setup->jobs[job].cost_ms;
		j->began_us = j->updated_us = m->now_us;
		sim_schedule_finish(m, job);
	}
	n->n_queue = keep;
}

static void sim_record_run(struct sim *m, uint32_t job, uint32_t node,
			   uint32_t core, uint64_t began_us, bool completed)
{
	*VEC_ADD(m->out->runs, m->out->n_runs) = (struct sim_run){
		.job = job,
		.node = node,
		.core = core,
		.began_ms = began_us / SIM_US,
		.ended_ms = m->now_us / SIM_US,
		.completed = completed,
	};
	m->out->n_cancelled += !completed;
}

/* Cancel a job on its node. */
static void sim_cancel_job(struct sim *m, uint32_t job)
{
	struct sim_job *j = &m->jobs[job];
	struct sim_node *n = &m->nodes[j->node];
	size_t keep = 0;

	if (j->state != SIM_JOB_SENT && j->state != SIM_JOB_RUNS &&
	    j->state != SIM_JOB_RETURNS)
		return;
	m->n_arriving -= j->arriving;
	j->arriving = false;
	for (size_t i = 0; i < n->n_queue; i++) {
		if (n->queue[i] != job)
			n->queue[keep++] = n->queue[i];
	}
	n->n_queue = keep;
	n->n_used--;
	j->epoch++;
	if (j->state == SIM_JOB_RUNS) {
		n->cores[j->core].job = SIM_NONE;
		m->n_idle += n->up;
		sim_record_run(m, job, j->node, j->core, j->began_us, false);
	}
	j->state = SIM_JOB_READY;
	m->n_ready++;
	sim_start_jobs(m, j->node);
}

static void sim_transfer(struct sim *m, struct sim_node *n, uint32_t bytes,
			 struct sim_event e)
{
	double rate = n->setup->bytes_per_ms;
	uint64_t at = n->link_free_us > m->now_us ? n->link_free_us : m->now_us;

	if (rate > 0)
		at += (uint64_t)(bytes / rate * SIM_US);
	n->link_free_us = at;
	sim_add_event(m, at, e);
}

static void sim_send_job(struct sim *m, uint32_t job, uint32_t node,
			 bool pinned, unsigned class)
{
	struct sim_job *j = &m->jobs[job];
	struct sim_node *n = &m->nodes[node];

	m->n_ready--;
	m->n_arriving++;
	j->arriving = true;
	j->state = SIM_JOB_SENT;
	j->node = node;
	j->pinned = pinned;
	j->class = class;
	j->epoch++;
	j->sent_us = m->now_us;
	n->n_used++;
	sim_transfer(m, n, m->setup->jobs[job].in_bytes,
		     (struct sim_event){ .kind = SIM_ARRIVE,
					 .job = job,
					 .node = node,
					 .epoch = j->epoch });
}

static void sim_on_arrive(struct sim *m, const struct sim_event *e)
{
	struct sim_node *n = &m->nodes[e->node];

	m->jobs[e->job].arriving = false;
	m->n_arriving--;
	if (!n->up)
		return;
	*VEC_ADD(n->queue, n->n_queue) = e->job;
	sim_start_jobs(m, e->node);
}

static void sim_on_finish(struct sim *m, const struct sim_event *e)
{
	struct sim_job *j = &m->jobs[e->job];
	struct sim_node *n = &m->nodes[e->node];

	n->cores[j->core].job = SIM_NONE;
	m->n_idle++;
	sim_record_run(m, e->job, e->node, j->core, j->began_us, true);
	j->state = SIM_JOB_RETURNS;
	sim_transfer(m, n, m->setup->jobs[e->job].out_bytes,
		     (struct sim_event){ .kind = SIM_RESULT,
					 .job = e->job,
					 .node = e->node,
					 .epoch = j->epoch });
	sim_start_jobs(m, e->node);
}

static void sim_change_speed(struct sim *m, uint32_t node)
{
	struct sim_node *n = &m->nodes[node];
	const struct sim_node_setup *s = n->setup;
	bool slow = s->slow_until_ms > s->slow_from_ms &&
		    m->now_us >= s->slow_from_ms * SIM_US &&
		    m->now_us < s->slow_until_ms * SIM_US;

	for (unsigned i = 0; i < n->n_cores; i++) {
		if (n->cores[i].job != SIM_NONE)
			sim_update_work(m, &m->jobs[n->cores[i].job]);
	}
	n->factor = slow ? s->slow_factor : 1;
	for (unsigned i = 0; i < n->n_cores; i++) {
		uint32_t job = n->cores[i].job;

		if (job == SIM_NONE)
			continue;
		m->jobs[job].epoch++;
		sim_schedule_finish(m, job);
	}
}

static void sim_set_node_up(struct sim *m, struct sim_node *n, bool up)
{
	m->n_idle += up ? n->n_cores : 0;
	m->n_idle -= up ? 0 : n->n_cores;
	n->up = up;
}

static void sim_on_die(struct sim *m, uint32_t node)
{
	struct sim_node *n = &m->nodes[node];

	for (unsigned i = 0; i < n->n_cores; i++) {
		uint32_t job = n->cores[i].job;
		struct sim_job *j;

		if (job == SIM_NONE)
			continue;
		j = &m->jobs[job];
		sim_record_run(m, job, node, i, j->began_us, false);
		n->cores[i].job = SIM_NONE;
		m->n_idle++;
		j->state = SIM_JOB_SENT;
		j->epoch++;
	}
	for (size_t i = 0; i < n->n_queue; i++)
		m->jobs[n->queue[i]].epoch++;
	n->n_queue = 0;
	sim_set_node_up(m, n, false);
}

/* ---- the build host ---- */

/* Queue an event for the dispatcher. */
static void sim_feed(struct sim *m, struct sched_event e)
{
	*VEC_ADD(m->pending, m->n_pending) = e;
}

static void sim_start_local(struct sim *m, uint32_t job, bool hedge)
{
	struct sim_job *j = &m->jobs[job];
	double ms = m->setup->jobs[job].cost_ms * m->setup->local_slowness;
	uint32_t slot = 0;

	while (slot + 1 < m->setup->n_local_slots && m->local_slots[slot])
		slot++;
	m->local_slots[slot] = true;
	m->n_local_used++;
	if (!hedge && j->state == SIM_JOB_READY)
		m->n_ready--;
	if (!hedge)
		j->state = SIM_JOB_LOCAL;
	j->local = true;
	j->hedge = hedge;
	j->local_slot = slot;
	j->local_epoch++;
	j->local_began_us = m->now_us;
	sim_add_event(m, m->now_us + (uint64_t)(ms * SIM_US) + 1,
		      (struct sim_event){ .kind = SIM_LOCAL_END,
					  .job = job,
					  .epoch = j->local_epoch });
}

static void sim_end_local(struct sim *m, uint32_t job, bool completed)
{
	struct sim_job *j = &m->jobs[job];

	if (!j->local)
		return;
	sim_record_run(m, job, SCHED_LOCAL, j->local_slot, j->local_began_us,
		       completed);
	m->out->n_local += completed;
	m->local_slots[j->local_slot] = false;
	m->n_local_used--;
	j->local = false;
	j->local_epoch++;
}

static void sim_offer_jobs(struct sim *m)
{
	const struct sim_setup *s = m->setup;

	while (!m->serial && m->n_offered < m->phase_end &&
	       m->n_outstanding < m->n_make_jobs) {
		uint32_t job = (uint32_t)m->n_offered++;

		m->n_outstanding++;
		m->jobs[job].state = SIM_JOB_SCAN;
		if (m->sched)
			sim_feed(
				m,
				(struct sched_event){
					.kind = SCHED_EV_UNIT_ADDED,
					.unit = job,
					.cost_ms = s->jobs[job].predicted_ms });
		else
			sim_add_event(m, m->now_us + s->scan_ms * SIM_US,
				      (struct sim_event){ .kind = SIM_SCANNED,
							  .job = job });
	}
}

/* Begin the next phase; its jobs follow after its serial time. */
static void sim_begin_phase(struct sim *m)
{
	const struct sim_setup *s = m->setup;

	m->phase = s->jobs[m->phase_end].phase;
	while (m->phase_end < s->n_jobs &&
	       s->jobs[m->phase_end].phase == m->phase)
		m->phase_end++;
	m->serial = true;
	sim_add_event(m,
		      m->now_us + (s->serial_ms ?
					   s->serial_ms[m->phase] * SIM_US :
					   0),
		      (struct sim_event){ .kind = SIM_PHASE });
}

static void sim_complete(struct sim *m, uint32_t job)
{
	struct sim_job *j = &m->jobs[job];

	if (j->state == SIM_JOB_READY)
		m->n_ready--;
	j->state = SIM_JOB_DONE;
	m->n_outstanding--;
	if (m->sched)
		sim_feed(m, (struct sched_event){ .kind = SCHED_EV_UNIT_GONE,
						  .unit = job });
	if (++m->n_done == m->phase_end && m->n_done < m->setup->n_jobs)
		sim_begin_phase(m);
	sim_offer_jobs(m);
}

/* ---- the dispatcher ---- */

static void sim_execute_action(struct sim *m, const struct sched_action *a)
{
	const struct sim_setup *s = m->setup;
	struct sim_event e = { .job = a->unit, .node = a->node };
	struct sim_node *n;

	switch (a->kind) {
	case SCHED_ACT_SCAN:
		e.kind = SIM_SCANNED;
		sim_add_event(m, m->now_us + s->scan_ms * SIM_US, e);
		break;
	case SCHED_ACT_SEND:
		sim_send_job(m, a->unit, a->node, a->pinned, a->class);
		break;
	case SCHED_ACT_CANCEL:
		sim_cancel_job(m, a->unit);
		break;
	case SCHED_ACT_VERIFY:
		e.kind = SIM_VERIFIED;
		sim_add_event(m, m->now_us + s->verify_ms * SIM_US, e);
		break;
	case SCHED_ACT_COMPILE_LOCAL:
	case SCHED_ACT_HEDGE:
		sim_start_local(m, a->unit, a->kind == SCHED_ACT_HEDGE);
		break;
	case SCHED_ACT_STOP_HEDGE:
		sim_end_local(m, a->unit, false);
		break;
	case SCHED_ACT_DELIVER:
		sim_complete(m, a->unit);
		break;
	case SCHED_ACT_DIAL:
		n = &m->nodes[a->node];
		if (!n->up) {
			sim_feed(m, (struct sched_event){
					    .kind = SCHED_EV_NODE_LOST,
					    .node = a->node });
			break;
		}
		sim_feed(m, (struct sched_event){
				    .kind = SCHED_EV_NODE_FIT,
				    .node = a->node,
				    .n_slots = n->n_slots,
				    .classes = n->classes,
				    .n_classes = n->setup->can_pin ?
							 n->setup->n_classes :
							 1 });
		sim_feed(m, (struct sched_event){
				    .kind = SCHED_EV_SANDBOX,
				    .node = a->node,
				    .sandbox = SCHED_SANDBOX_READY });
		break;
	case SCHED_ACT_PROBE:
		sim_feed(m,
			 (struct sched_event){ .kind = SCHED_EV_PROBE_DONE,
					       .node = a->node,
					       .probe = SCHED_PROBE_PASSED });
		break;
	default:
		break;
	}
}

/* Feed the queued events to the dispatcher and execute its actions. */
static void sim_run_dispatcher(struct sim *m)
{
	struct sched_action a;

	for (size_t i = 0; i < m->n_pending; i++) {
		struct sched_event e = m->pending[i];

		sched_event(m->sched, m->now_us / SIM_US, &e);
		while (sched_next_action(m->sched, &a))
			sim_execute_action(m, &a);
	}
	m->n_pending = 0;
}

/* ---- models of other schedulers ---- */

static double sim_ice_speed(const struct sim_node *n)
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

/* Return the preference of the policy for the node. */
static double sim_node_score(struct sim *m, const struct sim_node *n)
{
	switch (m->setup->policy) {
	case SIM_LEAST_LOADED:
		return -(double)n->n_used / n->n_slots;
	case SIM_ICECREAM:
		return sim_ice_speed(n);
	case SIM_RANDOM:
		return (double)(sim_random(m) >> 32);
	default: /* the order of the list */
		return 0;
	}
}

static bool sim_dispatch_job(struct sim *m, uint32_t job)
{
	uint32_t best = SIM_NONE;
	double score = 0;

	for (uint32_t i = 0; i < m->setup->n_nodes; i++) {
		const struct sim_node *n = &m->nodes[i];
		double v;

		if (!n->up || n->n_used >= n->n_slots)
			continue;
		v = sim_node_score(m, n);
		if (best == SIM_NONE || v > score) {
			best = i;
			score = v;
		}
	}
	if (best != SIM_NONE)
		sim_send_job(m, job, best, false, 0);
	return best != SIM_NONE;
}

static void sim_dispatch_jobs(struct sim *m)
{
	size_t done = 0;

	while (done < m->n_ready_list && sim_dispatch_job(m, m->ready[done]))
		done++;
	m->n_ready_list -= done;
	if (done)
		memmove(m->ready, m->ready + done,
			m->n_ready_list * sizeof(*m->ready));
}

static void sim_poll_job(struct sim *m, uint32_t job)
{
	if (!sim_dispatch_job(m, job))
		sim_add_event(
			m, m->now_us + SIM_DISTCC_MS * SIM_US,
			(struct sim_event){ .kind = SIM_POLL, .job = job });
}

static void sim_make_ready(struct sim *m, uint32_t job)
{
	m->jobs[job].state = SIM_JOB_READY;
	m->n_ready++;
	if (m->sched)
		return;
	if (m->setup->policy == SIM_DISTCC)
		sim_poll_job(m, job);
	else
		*VEC_ADD(m->ready, m->n_ready_list) = job;
}

/* ---- the simulation ---- */

static void sim_on_scanned(struct sim *m, uint32_t job)
{
	if (m->sched)
		sim_feed(m, (struct sched_event){
				    .kind = SCHED_EV_SCANNED,
				    .unit = job,
				    .input_bytes =
					    m->setup->jobs[job].input_bytes });
	if (m->jobs[job].state == SIM_JOB_SCAN)
		sim_make_ready(m, job);
}

static void sim_on_result(struct sim *m, const struct sim_event *e)
{
	struct sim_job *j = &m->jobs[e->job];
	struct sim_node *n = &m->nodes[e->node];
	unsigned at = n->n_samples++ % SIM_ICE_SAMPLES;

	n->n_used--;
	n->speed_cost[at] = m->setup->jobs[e->job].cost_ms;
	n->speed_time[at] = (double)(m->now_us - j->sent_us) / SIM_US;
	j->epoch++;
	if (m->sched)
		sim_feed(m,
			 (struct sched_event){
				 .kind = SCHED_EV_RESULT,
				 .unit = e->job,
				 .node = e->node,
				 .cpu_ms = (uint32_t)(m->setup->jobs[e->job]
							      .cost_ms *
						      sim_core_slowness(
							      n, j->core)) });
	else
		sim_add_event(m, m->now_us + m->setup->verify_ms * SIM_US,
			      (struct sim_event){ .kind = SIM_VERIFIED,
						  .job = e->job });
}

static void sim_on_verified(struct sim *m, uint32_t job)
{
	if (m->sched)
		sim_feed(m, (struct sched_event){ .kind = SCHED_EV_VERIFIED,
						  .unit = job });
	else
		sim_complete(m, job);
}

static void sim_on_local_end(struct sim *m, uint32_t job)
{
	bool hedge = m->jobs[job].hedge;

	sim_end_local(m, job, true);
	if (hedge)
		sim_feed(m, (struct sched_event){ .kind = SCHED_EV_HEDGE_DONE,
						  .unit = job,
						  .text = "job" });
	else
		sim_complete(m, job);
}

static void sim_on_beat(struct sim *m)
{
	for (uint32_t i = 0; i < m->setup->n_nodes; i++) {
		struct sim_node *n = &m->nodes[i];

		for (unsigned k = 0; k < n->n_cores; k++) {
			uint32_t job = n->cores[k].job;

			if (job == SIM_NONE)
				continue;
			sim_update_work(m, &m->jobs[job]);
			sim_feed(
				m,
				(struct sched_event){
					.kind = SCHED_EV_HEARTBEAT,
					.unit = job,
					.node = i,
					.cpu_ms =
						(uint32_t)((m->now_us -
							    m->jobs[job]
								    .began_us) /
							   SIM_US) });
		}
	}
	sim_add_event(m, m->now_us + SIM_BEAT_MS * SIM_US,
		      (struct sim_event){ .kind = SIM_BEAT });
}

static void sim_on_lost(struct sim *m, uint32_t node)
{
	for (uint32_t job = 0; job < m->setup->n_jobs; job++) {
		struct sim_job *j = &m->jobs[job];

		if (j->node != node ||
		    (j->state != SIM_JOB_SENT && j->state != SIM_JOB_RETURNS))
			continue;
		if (j->arriving)
			m->n_arriving--;
		j->arriving = false;
		j->epoch++;
		sim_make_ready(m, job);
	}
	m->nodes[node].n_used = 0;
	if (m->sched)
		sim_feed(m, (struct sched_event){ .kind = SCHED_EV_NODE_LOST,
						  .node = node,
						  .hello_received = true });
}

static bool sim_is_outdated(const struct sim *m, const struct sim_event *e)
{
	const struct sim_job *j = &m->jobs[e->job];

	switch (e->kind) {
	case SIM_ARRIVE:
	case SIM_FINISH:
	case SIM_RESULT:
		return e->epoch != j->epoch;
	case SIM_LOCAL_END:
		return e->epoch != j->local_epoch;
	case SIM_POLL:
		return j->state != SIM_JOB_READY;
	default:
		return false;
	}
}

static void sim_handle(struct sim *m, const struct sim_event *e)
{
	switch (e->kind) {
	case SIM_PHASE:
		m->serial = false;
		sim_offer_jobs(m);
		break;
	case SIM_SCANNED:
		sim_on_scanned(m, e->job);
		break;
	case SIM_ARRIVE:
		sim_on_arrive(m, e);
		break;
	case SIM_FINISH:
		sim_on_finish(m, e);
		break;
	case SIM_RESULT:
		sim_on_result(m, e);
		break;
	case SIM_VERIFIED:
		sim_on_verified(m, e->job);
		break;
	case SIM_LOCAL_END:
		sim_on_local_end(m, e->job);
		break;
	case SIM_BEAT:
		sim_on_beat(m);
		break;
	case SIM_SPEED:
		sim_change_speed(m, e->node);
		break;
	case SIM_DIE:
		sim_on_die(m, e->node);
		break;
	case SIM_LOST:
		sim_on_lost(m, e->node);
		break;
	case SIM_RETURN:
		sim_set_node_up(m, &m->nodes[e->node], true);
		break;
	case SIM_POLL:
		sim_poll_job(m, e->job);
		break;
	}
}

/* Account for the idle cores until at_us. */
static void sim_advance(struct sim *m, uint64_t at_us)
{
	double ms = (double)(at_us - m->now_us) / SIM_US;
	unsigned idle = m->n_idle;
	unsigned arriving = m->n_arriving < idle ? m->n_arriving : idle;
	unsigned ready = m->n_ready < idle - arriving ? m->n_ready :
							idle - arriving;
	enum sim_idle rest = SIM_IDLE_HOST;

	if (m->serial)
		rest = SIM_IDLE_SERIAL;
	else if (m->n_offered == m->phase_end)
		rest = SIM_IDLE_TAIL;
	m->out->idle_core_ms[SIM_IDLE_TRANSFER] += arriving * ms;
	m->out->idle_core_ms[SIM_IDLE_POLICY] += ready * ms;
	m->out->idle_core_ms[rest] += (idle - arriving - ready) * ms;
	m->now_us = at_us;
}

static void sim_add_node(struct sim *m, uint32_t number)
{
	struct sim_node *n = &m->nodes[number];
	const struct sim_node_setup *s = &m->setup->nodes[number];
	struct sim_event e = { .node = number };

	n->setup = s;
	n->factor = 1;
	for (unsigned i = 0; i < s->n_classes; i++) {
		for (unsigned k = 0; k < s->classes[i].n_cores; k++)
			*VEC_ADD(n->cores,
				 n->n_cores) = (struct sim_core){ i, SIM_NONE };
		n->classes[i].n_cores = s->classes[i].n_cores;
		n->classes[i].capacity = (unsigned)(1024 *
						    s->classes[0].slowness /
						    s->classes[i].slowness);
	}
	if (!s->can_pin)
		n->classes[0] = (struct sched_core_class){ n->n_cores, 0 };
	n->n_slots = s->n_slots ? s->n_slots :
				  n->n_cores + (n->n_cores + 3) / 4;
	m->n_make_jobs += n->n_slots;
	sim_set_node_up(m, n, true);
	e.kind = SIM_SPEED;
	if (s->slow_until_ms > s->slow_from_ms) {
		sim_add_event(m, s->slow_from_ms * SIM_US, e);
		sim_add_event(m, s->slow_until_ms * SIM_US, e);
	}
	e.kind = SIM_DIE;
	if (s->dies_ms)
		sim_add_event(m, s->dies_ms * SIM_US, e);
	e.kind = SIM_LOST;
	if (s->dies_ms)
		sim_add_event(m, (s->dies_ms + s->lost_after_ms) * SIM_US, e);
	e.kind = SIM_RETURN;
	if (s->returns_ms)
		sim_add_event(m, s->returns_ms * SIM_US, e);
}

static uint64_t sim_lower_bound_ms(const struct sim_setup *s)
{
	double fastest = s->n_local_slots ? s->local_slowness : 1e9;
	double speed = s->n_local_slots / s->local_slowness;
	double bound = 0;
	size_t i = 0;

	for (size_t k = 0; k < s->n_nodes; k++) {
		for (unsigned c = 0; c < s->nodes[k].n_classes; c++) {
			const struct sim_class *at = &s->nodes[k].classes[c];

			speed += at->n_cores / at->slowness;
			if (at->slowness < fastest)
				fastest = at->slowness;
		}
	}
	while (i < s->n_jobs) {
		uint32_t phase = s->jobs[i].phase;
		double sum = 0, longest = 0;

		for (; i < s->n_jobs && s->jobs[i].phase == phase; i++) {
			sum += s->jobs[i].cost_ms;
			if (s->jobs[i].cost_ms > longest)
				longest = s->jobs[i].cost_ms;
		}
		sum /= speed;
		longest *= fastest;
		bound += (sum > longest ? sum : longest) +
			 (s->serial_ms ? s->serial_ms[phase] : 0);
	}
	return (uint64_t)bound;
}

static void sim_start_dispatcher(struct sim *m)
{
	const struct sim_setup *s = m->setup;

	m->sched = sched_new(&(struct sched_setup){
		.n_local_slots = s->n_local_slots ? s->n_local_slots : 1,
		.max_scans = 4,
		.max_wait_ms = 1000,
		.seed = s->seed,
		.n_nodes = s->n_nodes });
	sim_feed(m, (struct sched_event){ .kind = SCHED_EV_TOOLCHAIN,
					  .status = SCHED_STATUS_READY });
	sim_feed(m, (struct sched_event){ .kind = SCHED_EV_OBJECT_FORMAT,
					  .status = SCHED_STATUS_READY });
	if (s->total_known)
		sim_feed(m, (struct sched_event){
				    .kind = SCHED_EV_EXPECTED_UNITS,
				    .n_units = (unsigned)s->n_jobs });
	sim_add_event(m, SIM_BEAT_MS * SIM_US,
		      (struct sim_event){ .kind = SIM_BEAT });
}

/* Handle the next event or timeout, or return false if nothing is pending. */
static bool sim_step(struct sim *m)
{
	uint64_t timer_ms = m->sched ? sched_next_ms(m->sched) : UINT64_MAX;
	struct sim_event e;

	if (timer_ms != UINT64_MAX &&
	    (!m->n_heap || timer_ms * SIM_US <= m->heap[0].at_us)) {
		if (timer_ms * SIM_US > m->now_us)
			sim_advance(m, timer_ms * SIM_US);
		sim_feed(m, (struct sched_event){ .kind = SCHED_EV_TIME });
	} else if (m->n_heap) {
		e = sim_take_event(m);
		sim_advance(m, e.at_us);
		if (!sim_is_outdated(m, &e))
			sim_handle(m, &e);
	} else {
		return false;
	}
	if (m->sched)
		sim_run_dispatcher(m);
	else
		sim_dispatch_jobs(m);
	return true;
}

/*
 * Simulate a build.  The caller releases `out`.  Returns 0, or -EDEADLK if the
 * build does not end.
 */
static int sim_run_build(const struct sim_setup *setup, struct sim_result *out)
{
	struct sim m = { .setup = setup,
			 .out = out,
			 .random_state = setup->seed };
	/* End a simulation that makes no progress after 1,000 hours. */
	uint64_t limit_us = UINT64_C(1000) * 3600 * 1000 * SIM_US;

	*out = (struct sim_result){ 0 };
	m.nodes = xcalloc(setup->n_nodes + 1, sizeof(*m.nodes));
	m.jobs = xcalloc(setup->n_jobs + 1, sizeof(*m.jobs));
	m.local_slots = xcalloc(setup->n_local_slots + 1, 1);
	for (uint32_t i = 0; i < setup->n_nodes; i++)
		sim_add_node(&m, i);
	m.n_make_jobs += setup->n_local_slots;
	if (setup->n_make_jobs)
		m.n_make_jobs = setup->n_make_jobs;
	if (setup->policy == SIM_KFARM)
		sim_start_dispatcher(&m);
	if (setup->n_jobs)
		sim_begin_phase(&m);
	while (m.n_done < setup->n_jobs && m.now_us < limit_us && sim_step(&m))
		continue;

	out->makespan_ms = m.now_us / SIM_US;
	out->bound_ms = sim_lower_bound_ms(setup);
	for (size_t i = 0; i < setup->n_nodes; i++) {
		free(m.nodes[i].cores);
		free(m.nodes[i].queue);
	}
	sched_free(m.sched);
	free(m.nodes);
	free(m.jobs);
	free(m.local_slots);
	free(m.heap);
	free(m.pending);
	free(m.ready);
	return m.n_done < setup->n_jobs ? -EDEADLK : 0;
}

static void sim_result_release(struct sim_result *r)
{
	free(r->runs);
	*r = (struct sim_result){ 0 };
}

#endif
