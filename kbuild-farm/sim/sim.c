/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/sim.h"

#include "base/str.h"
#include "base/vec.h"
#include "sim/internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Queue an event for the dispatcher. */
static void feed_event(struct sim *m, struct sched_event e)
{
	*VEC_ADD(m->pending, m->n_pending) = e;
}

/* Scan a job after the build host has handled all jobs before it. */
static void scan_job(struct sim *m, uint32_t job)
{
	const struct sim_setup *s = m->setup;

	if (m->host_free_us < m->now_us)
		m->host_free_us = m->now_us;
	if (s->n_host_cores)
		m->host_free_us += (uint64_t)(s->host_ms * SIM_US /
					      s->n_host_cores);
	sim_event_add(m, m->host_free_us + s->scan_ms * SIM_US,
		      (struct sim_event){ .kind = SIM_SCANNED, .job = job });
}

static void offer_phase_jobs(struct sim *m)
{
	const struct sim_setup *s = m->setup;

	while (!m->serial && m->n_offered < m->phase_end &&
	       m->n_outstanding < m->n_make_jobs) {
		uint32_t job = (uint32_t)m->n_offered++;

		m->n_outstanding++;
		m->jobs[job].state = SIM_JOB_SCAN;
		if (m->sched)
			feed_event(
				m,
				(struct sched_event){
					.kind = SCHED_EV_UNIT_ADDED,
					.unit = job,
					.cost_ms = s->jobs[job].predicted_ms });
		else
			scan_job(m, job);
	}
}

/*
 * Begin the next phase.  make offers the jobs of the phase after the serial
 * time.
 */
static void begin_phase(struct sim *m)
{
	const struct sim_setup *s = m->setup;

	m->phase = s->jobs[m->phase_end].phase;
	while (m->phase_end < s->n_jobs &&
	       s->jobs[m->phase_end].phase == m->phase)
		m->phase_end++;
	m->serial = true;
	sim_event_add(m,
		      m->now_us + (s->serial_ms ?
					   s->serial_ms[m->phase] * SIM_US :
					   0),
		      (struct sim_event){ .kind = SIM_PHASE });
}

static void complete_job(struct sim *m, uint32_t job)
{
	struct sim_job *j = &m->jobs[job];

	if (j->state == SIM_JOB_READY)
		m->n_ready--;
	j->state = SIM_JOB_DONE;
	m->jobs[job + m->setup->n_jobs].state = SIM_JOB_HIDDEN;
	m->n_outstanding--;
	if (m->sched)
		feed_event(m, (struct sched_event){ .kind = SCHED_EV_UNIT_GONE,
						    .unit = job });
	if (++m->n_done == m->phase_end && m->n_done < m->setup->n_jobs)
		begin_phase(m);
	offer_phase_jobs(m);
}

/*
 * Return the number of the job `unit` or of its backup, whichever is on the
 * node, or SIM_NONE.
 */
static uint32_t find_job_on(const struct sim *m, uint32_t unit, uint32_t node)
{
	for (size_t i = 0; i < 2; i++) {
		size_t job = unit + i * m->setup->n_jobs;

		if (m->jobs[job].node == node &&
		    sim_job_is_remote(&m->jobs[job]))
			return (uint32_t)job;
	}
	return SIM_NONE;
}

/* Return the rule that an action for a unit breaks, or NULL. */
static const char *find_violation(const struct sim *m,
				  const struct sched_action *a)
{
	const struct sim_job *j = &m->jobs[a->unit];
	const struct sim_job *backup = &m->jobs[a->unit + m->setup->n_jobs];
	const struct sim_node *n;

	switch (a->kind) {
	case SCHED_ACT_SEND:
		n = &m->nodes[a->node];
		if (a->backup ?
			    sim_job_is_remote(j) == sim_job_is_remote(backup) :
			    j->state != SIM_JOB_READY)
			return "sends a job that is not ready";
		if (find_job_on(m, a->unit, a->node) != SIM_NONE)
			return "sends a job to a node that has it";
		if (n->lost)
			return "sends a job to a lost node";
		if (n->n_used >= n->n_slots)
			return "exceeds the slots of a node";
		if (a->pinned && a->class >= n->setup->n_classes)
			return "sends a job to an unknown class";
		return NULL;
	case SCHED_ACT_COMPILE_LOCAL:
	case SCHED_ACT_HEDGE:
		if (j->local || j->state == SIM_JOB_DONE)
			return "compiles a job locally again";
		if (m->n_local_used &&
		    m->n_local_used >= m->setup->n_local_slots)
			return "exceeds the local slots";
		return NULL;
	case SCHED_ACT_CANCEL:
		if (find_job_on(m, a->unit, a->node) == SIM_NONE)
			return "cancels a job that is not on the node";
		return NULL;
	case SCHED_ACT_DELIVER:
		if (j->state == SIM_JOB_DONE)
			return "delivers a job again";
		if (j->local || j->state == SIM_JOB_SENT ||
		    j->state == SIM_JOB_RUNS)
			return "delivers a job that is still being executed";
		return NULL;
	default:
		return NULL;
	}
}

static void simulate_action(struct sim *m, const struct sched_action *a)
{
	const struct sim_setup *s = m->setup;
	struct sim_event e = { .job = a->unit, .node = a->node };
	uint32_t job = a->unit;
	struct sim_node *n;

	if (!m->out->violation)
		m->out->violation = find_violation(m, a);
	switch (a->kind) {
	case SCHED_ACT_SCAN:
		scan_job(m, a->unit);
		break;
	case SCHED_ACT_SEND:
		if (sim_job_is_remote(&m->jobs[job]))
			job += (uint32_t)s->n_jobs;
		sim_node_send_job(m, job, a->node, a->pinned, a->class);
		break;
	case SCHED_ACT_CANCEL:
		job = find_job_on(m, a->unit, a->node);
		if (job != SIM_NONE)
			sim_node_cancel_job(m, job);
		break;
	case SCHED_ACT_VERIFY:
		e.kind = SIM_VERIFIED;
		sim_event_add(m, m->now_us + s->verify_ms * SIM_US, e);
		break;
	case SCHED_ACT_COMPILE_LOCAL:
	case SCHED_ACT_HEDGE:
		sim_node_start_local(m, a->unit, a->kind == SCHED_ACT_HEDGE);
		break;
	case SCHED_ACT_STOP_HEDGE:
		sim_node_end_local(m, a->unit, false);
		break;
	case SCHED_ACT_DELIVER:
		m->out->measured_ms[a->unit] = a->cost_ms;
		complete_job(m, a->unit);
		break;
	case SCHED_ACT_LOCAL_DONE:
		m->out->measured_ms[a->unit] = a->cost_ms;
		break;
	case SCHED_ACT_DIAL:
		n = &m->nodes[a->node];
		if (!n->up) {
			feed_event(m, (struct sched_event){
					      .kind = SCHED_EV_NODE_LOST,
					      .node = a->node });
			break;
		}
		n->lost = false;
		feed_event(m, (struct sched_event){
				      .kind = SCHED_EV_NODE_FIT,
				      .node = a->node,
				      .n_slots = n->n_slots,
				      .classes = n->classes,
				      .n_classes = n->setup->can_pin ?
							   n->setup->n_classes :
							   1 });
		feed_event(m, (struct sched_event){
				      .kind = SCHED_EV_SANDBOX,
				      .node = a->node,
				      .sandbox = SCHED_SANDBOX_READY });
		break;
	case SCHED_ACT_PROBE:
		feed_event(m,
			   (struct sched_event){ .kind = SCHED_EV_PROBE_DONE,
						 .node = a->node,
						 .probe = SCHED_PROBE_PASSED });
		break;
	default:
		break;
	}
}

/* Feed the queued events to the dispatcher and execute its actions. */
static void run_dispatcher(struct sim *m)
{
	struct sched_action a;

	for (size_t i = 0; i < m->n_pending; i++) {
		struct sched_event e = m->pending[i];

		sched_event(m->sched, m->now_us / SIM_US, &e);
		while (sched_next_action(m->sched, &a))
			simulate_action(m, &a);
	}
	m->n_pending = 0;
}

static void on_job_scanned(struct sim *m, uint32_t job)
{
	if (m->sched)
		feed_event(m, (struct sched_event){
				      .kind = SCHED_EV_SCANNED,
				      .unit = job,
				      .input_bytes = m->setup->jobs[job]
							     .input_bytes });
	if (m->jobs[job].state == SIM_JOB_SCAN)
		sim_policy_add_ready(m, job);
}

static void on_job_result(struct sim *m, const struct sim_event *e)
{
	struct sim_job *j = &m->jobs[e->job];
	struct sim_node *n = &m->nodes[e->node];
	unsigned at = n->n_samples++ % SIM_ICE_SAMPLES;
	double cost_ms = m->setup->jobs[sim_job_unit(m, e->job)].cost_ms;

	n->n_used--;
	n->speed_cost[at] = cost_ms;
	n->speed_time[at] = (double)(m->now_us - j->sent_us) / SIM_US;
	j->epoch++;
	j->state = SIM_JOB_RETURNED;
	if (m->sched)
		feed_event(m,
			   (struct sched_event){
				   .kind = SCHED_EV_RESULT,
				   .unit = sim_job_unit(m, e->job),
				   .node = e->node,
				   .cpu_ms = (uint32_t)(cost_ms *
							sim_node_slowness(
								n, j->core)) });
	else
		sim_event_add(m, m->now_us + m->setup->verify_ms * SIM_US,
			      (struct sim_event){ .kind = SIM_VERIFIED,
						  .job = e->job });
}

static void on_job_verified(struct sim *m, uint32_t job)
{
	if (m->sched)
		feed_event(m, (struct sched_event){ .kind = SCHED_EV_VERIFIED,
						    .unit = job });
	else
		complete_job(m, job);
}

static void on_local_end(struct sim *m, uint32_t job)
{
	bool hedge = m->jobs[job].hedge;

	sim_node_end_local(m, job, true);
	if (hedge)
		feed_event(m, (struct sched_event){ .kind = SCHED_EV_HEDGE_DONE,
						    .unit = job,
						    .text = "job" });
	else
		complete_job(m, job);
}

/* Report the clock of a node to the dispatcher if it has changed. */
static void report_clock(struct sim *m, uint32_t node)
{
	struct sim_node *n = &m->nodes[node];

	if (n->factor == n->reported_factor || n->lost)
		return;
	n->reported_factor = n->factor;
	for (unsigned i = 0; i < SIM_CLASSES_MAX; i++)
		n->classes[i].clock_milli = (unsigned)(1000 * n->factor);
	feed_event(m, (struct sched_event){
			      .kind = SCHED_EV_NODE_CLOCK,
			      .node = node,
			      .classes = n->classes,
			      .n_classes = n->setup->can_pin ?
						   n->setup->n_classes :
						   1 });
}

static void on_job_beat(struct sim *m)
{
	for (uint32_t i = 0; i < m->setup->n_nodes; i++) {
		struct sim_node *n = &m->nodes[i];

		report_clock(m, i);
		for (unsigned k = 0; k < n->n_cores; k++) {
			uint32_t job = n->cores[k].job;

			if (job == SIM_NONE)
				continue;
			sim_node_update_work(m, &m->jobs[job]);
			feed_event(
				m,
				(struct sched_event){
					.kind = SCHED_EV_HEARTBEAT,
					.unit = sim_job_unit(m, job),
					.node = i,
					.cpu_ms =
						(uint32_t)((double)(m->now_us -
								    m->jobs[job]
									    .began_us) *
							   sim_node_share(
								   n->setup) /
							   SIM_US) });
		}
	}
	sim_event_add(m, m->now_us + SIM_BEAT_MS * SIM_US,
		      (struct sim_event){ .kind = SIM_BEAT });
}

static void lose_node(struct sim *m, uint32_t node)
{
	for (uint32_t job = 0; job < 2 * m->setup->n_jobs; job++) {
		struct sim_job *j = &m->jobs[job];

		if (j->node != node || !sim_job_is_remote(j))
			continue;
		if (j->arriving)
			m->n_arriving--;
		j->arriving = false;
		j->epoch++;
		if (job < m->setup->n_jobs)
			sim_policy_add_ready(m, job);
		else
			j->state = SIM_JOB_HIDDEN;
	}
	m->nodes[node].n_used = 0;
	m->nodes[node].lost = true;
	if (m->sched)
		feed_event(m, (struct sched_event){ .kind = SCHED_EV_NODE_LOST,
						    .node = node,
						    .hello_received = true });
}

static bool is_outdated_event(const struct sim *m, const struct sim_event *e)
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

static void handle_event(struct sim *m, const struct sim_event *e)
{
	switch (e->kind) {
	case SIM_PHASE:
		m->serial = false;
		offer_phase_jobs(m);
		break;
	case SIM_SCANNED:
		on_job_scanned(m, e->job);
		break;
	case SIM_ARRIVE:
		sim_node_on_arrive(m, e);
		break;
	case SIM_FINISH:
		sim_node_on_finish(m, e);
		break;
	case SIM_RESULT:
		on_job_result(m, e);
		break;
	case SIM_VERIFIED:
		on_job_verified(m, e->job);
		break;
	case SIM_LOCAL_END:
		on_local_end(m, e->job);
		break;
	case SIM_BEAT:
		on_job_beat(m);
		break;
	case SIM_SPEED:
		sim_node_change_speed(m, e->node);
		break;
	case SIM_DIE:
		sim_node_on_die(m, e->node);
		break;
	case SIM_LOST:
		lose_node(m, e->node);
		break;
	case SIM_RETURN:
		sim_node_set_up(m, &m->nodes[e->node], true);
		break;
	case SIM_POLL:
		sim_policy_poll_job(m, e->job);
		break;
	}
}

/* Advance the time to at_us, and record why cores were idle until then. */
static void advance_time(struct sim *m, uint64_t at_us)
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

static void add_bound(struct sim_result *out, double serial_ms,
		      double longest_ms, double capacity_ms, double host_ms)
{
	double most = fmax(fmax(longest_ms, capacity_ms), host_ms);

	out->bound_ms += (uint64_t)(serial_ms + most);
	out->critical_ms += (uint64_t)(serial_ms + longest_ms);
	out->capacity_ms += (uint64_t)(serial_ms + capacity_ms);
	out->host_ms += (uint64_t)(serial_ms + host_ms);
}

/* Return the highest speed of a node relative to its full speed, at least 1. */
static double peak_factor(const struct sim_node_setup *n)
{
	double peak = 1;

	for (unsigned i = 0; i < n->n_throttles; i++)
		peak = fmax(peak, n->throttles[i].factor);
	return peak;
}

static void compute_bound(const struct sim_setup *s, struct sim_result *out)
{
	double speed = 0, fastest = 0, host_ms = 0;
	size_t i = 0;

	if (s->n_local_slots) {
		fastest = 1 / s->local_slowness;
		speed = s->n_local_slots * fastest;
	}
	for (size_t k = 0; k < s->n_nodes; k++) {
		for (unsigned c = 0; c < s->nodes[k].n_classes; c++) {
			const struct sim_class *at = &s->nodes[k].classes[c];
			double core = sim_node_share(&s->nodes[k]) *
				      peak_factor(&s->nodes[k]) / at->slowness;

			speed += at->n_cores * core;
			fastest = fmax(fastest, core);
		}
	}
	if (s->n_host_cores)
		host_ms = s->host_ms / s->n_host_cores;
	while (i < s->n_jobs) {
		uint32_t phase = s->jobs[i].phase;
		double sum = 0, longest = 0;
		size_t first = i;

		for (; i < s->n_jobs && s->jobs[i].phase == phase; i++) {
			sum += s->jobs[i].cost_ms;
			longest = fmax(longest, s->jobs[i].cost_ms);
		}
		add_bound(out, s->serial_ms ? s->serial_ms[phase] : 0,
			  longest / fastest, sum / speed,
			  (double)(i - first) * host_ms);
	}
	add_bound(out, s->end_ms, 0, 0, 0);
}

static void start_dispatcher(struct sim *m)
{
	const struct sim_setup *s = m->setup;

	m->sched = sched_new(&(struct sched_setup){
		.n_local_slots = s->n_local_slots ? s->n_local_slots : 1,
		.n_spare_slots = s->n_local_slots ? s->n_local_slots - 1 : 0,
		.max_scans = 64, /* as in coord/coord.c */
		.max_wait_ms = 1000,
		.seed = s->seed,
		.n_nodes = s->n_nodes });
	feed_event(m, (struct sched_event){ .kind = SCHED_EV_TOOLCHAIN,
					    .status = SCHED_STATUS_READY });
	feed_event(m, (struct sched_event){ .kind = SCHED_EV_OBJECT_FORMAT,
					    .status = SCHED_STATUS_READY });
	if (s->total_known)
		feed_event(m, (struct sched_event){
				      .kind = SCHED_EV_EXPECTED_UNITS,
				      .n_units = (unsigned)s->n_jobs });
	sim_event_add(m, SIM_BEAT_MS * SIM_US,
		      (struct sim_event){ .kind = SIM_BEAT });
}

/* Handle the next event or timeout, or return false if nothing is pending. */
static bool run_step(struct sim *m)
{
	uint64_t timer_ms = m->sched ? sched_next_ms(m->sched) : UINT64_MAX;
	struct sim_event e;

	if (timer_ms != UINT64_MAX &&
	    (!m->n_heap || timer_ms * SIM_US <= m->heap[0].at_us)) {
		if (timer_ms * SIM_US > m->now_us)
			advance_time(m, timer_ms * SIM_US);
		feed_event(m, (struct sched_event){ .kind = SCHED_EV_TIME });
	} else if (m->n_heap) {
		e = sim_event_take(m);
		advance_time(m, e.at_us);
		if (!is_outdated_event(m, &e))
			handle_event(m, &e);
	} else {
		return false;
	}
	if (m->sched)
		run_dispatcher(m);
	else
		sim_policy_dispatch_jobs(m);
	return true;
}

int sim_run_build(const struct sim_setup *setup, struct sim_result *out)
{
	struct sim m = { .setup = setup,
			 .out = out,
			 .random_state = setup->seed };
	/*
	 * A simulation that takes more than 1,000 hours of virtual time makes
	 * no progress, so end it.
	 */
	uint64_t limit_us = UINT64_C(1000) * 3600 * 1000 * SIM_US;

	*out = (struct sim_result){ .measured_ms = xcalloc(
					    setup->n_jobs + 1,
					    sizeof(*out->measured_ms)) };
	m.nodes = xcalloc(setup->n_nodes + 1, sizeof(*m.nodes));
	m.jobs = xcalloc(2 * setup->n_jobs + 1, sizeof(*m.jobs));
	m.local_slots = xcalloc(setup->n_local_slots + 1, 1);
	for (uint32_t i = 0; i < setup->n_nodes; i++)
		sim_node_init(&m, i);
	m.n_make_jobs += setup->n_local_slots;
	if (setup->n_make_jobs)
		m.n_make_jobs = setup->n_make_jobs;
	if (setup->policy == SIM_KFARM)
		start_dispatcher(&m);
	if (setup->n_jobs)
		begin_phase(&m);
	while (m.n_done < setup->n_jobs && m.now_us < limit_us && run_step(&m))
		continue;

	m.serial = true;
	advance_time(&m, m.now_us + setup->end_ms * SIM_US);
	out->makespan_ms = m.now_us / SIM_US;
	compute_bound(setup, out);
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

void sim_result_release(struct sim_result *r)
{
	free(r->measured_ms);
	free(r->runs);
	*r = (struct sim_result){ 0 };
}
