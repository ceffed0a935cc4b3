/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/random.h"
#include "base/vec.h"
#include "sim/internal.h"

#include <math.h>
#include <stdlib.h>

double sim_node_share(const struct sim_node_setup *s)
{
	unsigned n_cores = 0;

	for (unsigned i = 0; i < s->n_classes; i++)
		n_cores += s->classes[i].n_cores;
	return s->quota > 0 ? fmin(s->quota / n_cores, 1) : 1;
}

double sim_node_slowness(const struct sim_node *n, uint32_t core)
{
	return n->setup->classes[n->cores[core].class].slowness / n->factor;
}

static void schedule_finish(struct sim *m, uint32_t job)
{
	struct sim_job *j = &m->jobs[job];
	const struct sim_node *n = &m->nodes[j->node];
	double ms = j->left_ms * sim_node_slowness(n, j->core) /
		    sim_node_share(n->setup);

	sim_event_add(m, m->now_us + (uint64_t)(ms * SIM_US) + 1,
		      (struct sim_event){ .kind = SIM_FINISH,
					  .job = job,
					  .node = j->node,
					  .epoch = j->epoch });
}

void sim_node_update_work(struct sim *m, struct sim_job *j)
{
	const struct sim_node *n = &m->nodes[j->node];

	j->left_ms -= (double)(m->now_us - j->updated_us) / SIM_US *
		      sim_node_share(n->setup) / sim_node_slowness(n, j->core);
	j->updated_us = m->now_us;
}

/* Return a random free core that the job can use, or SIM_NONE. */
static uint32_t find_core(struct sim *m, const struct sim_node *n,
			  const struct sim_job *j)
{
	uint32_t found = SIM_NONE;
	unsigned n_free = 0;

	for (uint32_t i = 0; i < n->n_cores; i++) {
		if (n->cores[i].job != SIM_NONE ||
		    (j->pinned && n->cores[i].class != j->class))
			continue;
		if (!(random_next(&m->random_state) % ++n_free))
			found = i;
	}
	return found;
}

static void start_jobs(struct sim *m, uint32_t number)
{
	struct sim_node *n = &m->nodes[number];
	size_t keep = 0;

	for (size_t i = 0; i < n->n_queue; i++) {
		uint32_t job = n->queue[i];
		struct sim_job *j = &m->jobs[job];
		uint32_t core = find_core(m, n, j);

		if (core == SIM_NONE) {
			n->queue[keep++] = job;
			continue;
		}
		n->cores[core].job = job;
		m->n_idle--;
		j->state = SIM_JOB_RUNS;
		j->core = core;
		j->left_ms = m->setup->jobs[sim_job_unit(m, job)].cost_ms;
		j->began_us = j->updated_us = m->now_us;
		schedule_finish(m, job);
	}
	n->n_queue = keep;
}

/* Append to the result a run that ends at the current time. */
static void record_run(struct sim *m, uint32_t job, uint32_t node,
		       uint32_t core, uint64_t began_us, bool completed)
{
	*VEC_ADD(m->out->runs, m->out->n_runs) = (struct sim_run){
		.job = sim_job_unit(m, job),
		.node = node,
		.core = core,
		.began_ms = began_us / SIM_US,
		.ended_ms = m->now_us / SIM_US,
		.completed = completed,
	};
}

void sim_node_cancel_job(struct sim *m, uint32_t job)
{
	struct sim_job *j = &m->jobs[job];
	struct sim_node *n = &m->nodes[j->node];
	size_t keep = 0;

	if (!sim_job_is_remote(j))
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
		record_run(m, job, j->node, j->core, j->began_us, false);
	}
	j->state = job < m->setup->n_jobs ? SIM_JOB_READY : SIM_JOB_HIDDEN;
	m->n_ready += j->state == SIM_JOB_READY;
	start_jobs(m, j->node);
}

static void transfer_bytes(struct sim *m, struct sim_node *n, uint32_t bytes,
			   struct sim_event e)
{
	double rate = n->setup->bytes_per_ms;
	uint64_t at = n->link_free_us > m->now_us ? n->link_free_us : m->now_us;

	if (rate > 0)
		at += (uint64_t)(bytes / rate * SIM_US);
	n->link_free_us = at;
	sim_event_add(m, at, e);
}

void sim_node_send_job(struct sim *m, uint32_t job, uint32_t node, bool pinned,
		       unsigned class)
{
	struct sim_job *j = &m->jobs[job];
	struct sim_node *n = &m->nodes[node];

	m->n_ready -= j->state == SIM_JOB_READY;
	m->n_arriving++;
	j->arriving = true;
	j->state = SIM_JOB_SENT;
	j->node = node;
	j->pinned = pinned;
	j->class = class;
	j->epoch++;
	j->sent_us = m->now_us;
	n->n_used++;
	transfer_bytes(m, n, m->setup->jobs[sim_job_unit(m, job)].in_bytes,
		       (struct sim_event){ .kind = SIM_ARRIVE,
					   .job = job,
					   .node = node,
					   .epoch = j->epoch });
}

void sim_node_on_arrive(struct sim *m, const struct sim_event *e)
{
	struct sim_node *n = &m->nodes[e->node];

	m->jobs[e->job].arriving = false;
	m->n_arriving--;
	if (!n->up)
		return;
	*VEC_ADD(n->queue, n->n_queue) = e->job;
	start_jobs(m, e->node);
}

void sim_node_on_finish(struct sim *m, const struct sim_event *e)
{
	struct sim_job *j = &m->jobs[e->job];
	struct sim_node *n = &m->nodes[e->node];

	n->cores[j->core].job = SIM_NONE;
	m->n_idle++;
	record_run(m, e->job, e->node, j->core, j->began_us, true);
	j->state = SIM_JOB_RETURNS;
	transfer_bytes(m, n, m->setup->jobs[sim_job_unit(m, e->job)].out_bytes,
		       (struct sim_event){ .kind = SIM_RESULT,
					   .job = e->job,
					   .node = e->node,
					   .epoch = j->epoch });
	start_jobs(m, e->node);
}

void sim_node_change_speed(struct sim *m, uint32_t node)
{
	struct sim_node *n = &m->nodes[node];
	const struct sim_node_setup *s = n->setup;

	for (unsigned i = 0; i < n->n_cores; i++) {
		if (n->cores[i].job != SIM_NONE)
			sim_node_update_work(m, &m->jobs[n->cores[i].job]);
	}
	for (unsigned i = 0; i < s->n_throttles; i++) {
		if (s->throttles[i].at_ms * SIM_US <= m->now_us)
			n->factor = s->throttles[i].factor;
	}
	for (unsigned i = 0; i < n->n_cores; i++) {
		uint32_t job = n->cores[i].job;

		if (job == SIM_NONE)
			continue;
		m->jobs[job].epoch++;
		schedule_finish(m, job);
	}
}

void sim_node_set_up(struct sim *m, struct sim_node *n, bool up)
{
	m->n_idle += up ? n->n_cores : 0;
	m->n_idle -= up ? 0 : n->n_cores;
	n->up = up;
}

void sim_node_on_die(struct sim *m, uint32_t node)
{
	struct sim_node *n = &m->nodes[node];

	for (unsigned i = 0; i < n->n_cores; i++) {
		uint32_t job = n->cores[i].job;
		struct sim_job *j;

		if (job == SIM_NONE)
			continue;
		j = &m->jobs[job];
		record_run(m, job, node, i, j->began_us, false);
		n->cores[i].job = SIM_NONE;
		m->n_idle++;
		j->state = SIM_JOB_SENT;
		j->epoch++;
	}
	for (size_t i = 0; i < n->n_queue; i++)
		m->jobs[n->queue[i]].epoch++;
	n->n_queue = 0;
	sim_node_set_up(m, n, false);
}

void sim_node_init(struct sim *m, uint32_t number)
{
	struct sim_node *n = &m->nodes[number];
	const struct sim_node_setup *s = &m->setup->nodes[number];
	struct sim_event e = { .node = number };
	double fastest = s->classes[0].slowness;

	n->setup = s;
	n->factor = n->reported_factor = 1;
	for (unsigned i = 1; i < s->n_classes; i++)
		fastest = fmin(fastest, s->classes[i].slowness);
	for (unsigned i = 0; i < s->n_classes; i++) {
		for (unsigned k = 0; k < s->classes[i].n_cores; k++)
			*VEC_ADD(n->cores,
				 n->n_cores) = (struct sim_core){ i, SIM_NONE };
		n->classes[i].n_cores = s->classes[i].n_cores;
		/* Set at least 1: the capacity 0 means an unknown speed. */
		n->classes[i].capacity = (unsigned)fmax(
			1024 * fastest / s->classes[i].slowness, 1);
	}
	if (!s->can_pin)
		n->classes[0] = (struct sched_core_class){
			.n_cores = n->n_cores
		};
	n->n_slots = s->n_slots ? s->n_slots :
				  n->n_cores + (n->n_cores + 3) / 4;
	if (m->setup->policy == SIM_FIXED_JOBS)
		n->n_slots = n->n_cores;
	m->n_make_jobs += n->n_slots;
	sim_node_set_up(m, n, true);
	e.kind = SIM_SPEED;
	for (unsigned i = 0; i < s->n_throttles; i++)
		sim_event_add(m, s->throttles[i].at_ms * SIM_US, e);
	e.kind = SIM_DIE;
	if (s->dies_ms)
		sim_event_add(m, s->dies_ms * SIM_US, e);
	e.kind = SIM_LOST;
	if (s->dies_ms)
		sim_event_add(m, (s->dies_ms + s->lost_after_ms) * SIM_US, e);
	e.kind = SIM_RETURN;
	if (s->returns_ms)
		sim_event_add(m, s->returns_ms * SIM_US, e);
}

/* ---- the build host ---- */

void sim_node_start_local(struct sim *m, uint32_t job, bool hedge)
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
	sim_event_add(m, m->now_us + (uint64_t)(ms * SIM_US) + 1,
		      (struct sim_event){ .kind = SIM_LOCAL_END,
					  .job = job,
					  .epoch = j->local_epoch });
}

void sim_node_end_local(struct sim *m, uint32_t job, bool completed)
{
	struct sim_job *j = &m->jobs[job];

	if (!j->local)
		return;
	record_run(m, job, SIM_LOCAL, j->local_slot, j->local_began_us,
		   completed);
	m->out->n_local += completed;
	m->local_slots[j->local_slot] = false;
	m->n_local_used--;
	j->local = false;
	j->local_epoch++;
}
