/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A build has so many jobs under way as its -j says; a job's mean time is
 * chosen such that its nodes then do `rate` of them a second.
 */
#include "events/simulate.h"

#include "base/reason.h"
#include "base/str.h"
#include "events/simulate-due.h"
#include "events/simulate-state.h"

#include <stdio.h>
#include <stdlib.h>

#define BEAT_MS     1000
#define MEAN_MOST   20000u /* ms of a job; fewer at once make up for more */
#define MEAN_DRAWN  984 /* thousandths: of what draw_ms() draws */
#define LOCAL_SLOTS 4u
#define FALLS_MAX   3 /* failures, then a node rests */
#define REST_MS     8000
#define HEAT_COOL   42000u
#define HEAT_HIGH   88000u
#define HEAT_MOST   97000u

struct queue {
	struct simulate_job *first, **end;
};

struct events_simulate {
	struct events_simulate_setup setup;
	struct simulate_teller teller;
	uint64_t random;
	struct simulate_due_list due;
	struct simulate_node *node;
	uint64_t mean_ms; /* of a job */
	unsigned jobs_max; /* make's -j */
	unsigned at_once; /* as the rate asks for */

	unsigned step;
	uint64_t target, started; /* jobs; of these so many were begun */
	uint64_t wrong; /* the one with an error; 0: none */
	unsigned under_way, here; /* jobs, and those compiled here */
	uint64_t remote, local; /* done */
	struct queue waiting, waiting_here;
	struct simulate_job *spare;
	bool broken, ended;
};

static unsigned pick(struct events_simulate *s, unsigned n)
{
	/* xorshift64 (Marsaglia 2003) */
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return (unsigned)(s->random >> 33) % n;
}

static void add_due(struct events_simulate *s, uint64_t in_ms,
		    struct simulate_due what)
{
	what.at_ms = s->teller.at_ms + in_ms;
	simulate_due_add(&s->due, what);
}

static void step_in(struct events_simulate *s, uint64_t ms)
{
	add_due(s, ms, (struct simulate_due){ .kind = DUE_STEP });
}

static void node_in(struct events_simulate *s, uint64_t ms, uint32_t node)
{
	add_due(s, ms, (struct simulate_due){ .kind = DUE_NODE, .node = node });
}

static void job_in(struct events_simulate *s, uint64_t ms,
		   struct simulate_job *job)
{
	add_due(s, ms ? ms : 1,
		(struct simulate_due){ .kind = DUE_JOB, .job = job });
}

/* ------------------------------------------------------------- the nodes */

static void make_node(struct events_simulate *s, uint32_t i)
{
	static const char *const names[] = { "desk",  "neo4a",  "attic",
					     "neo4b", "laptop", "cellar" };
	static const unsigned cores[] = { 16, 6, 8, 6, 4, 12 };
	static const unsigned speed[] = { 1500, 700, 1000, 700, 900, 1100 };
	static const enum simulate_temper tempers[] = {
		SIMULATE_PLAIN, SIMULATE_HOT,     SIMULATE_PLAIN,
		SIMULATE_IDLE,  SIMULATE_FAILING, SIMULATE_PLAIN
	};
	struct simulate_node *n = &s->node[i];

	*n = (struct simulate_node){
		.temper = i < 6 ? tempers[i] : SIMULATE_PLAIN,
		.cores = cores[i % 6],
		.speed = speed[i % 6],
		.machine = i % 6 == 1 || i % 6 == 3 ? "aarch64" : "x86_64",
		.state = "connecting",
		.clock = 1000,
		.heat = HEAT_COOL + 100 * pick(s, 80)
	};
	n->slots = n->cores + (n->cores + 3) / 4;
	if (i < 6)
		snprintf(n->name, sizeof(n->name), "%s", names[i]);
	else
		snprintf(n->name, sizeof(n->name), "rack%u", i - 5);
	n->foreign = n->temper == SIMULATE_PLAIN && i ? 200 * pick(s, 10) : 0;
}

static void make_nodes(struct events_simulate *s)
{
	uint64_t slots = 0;

	s->node = xcalloc(s->setup.nodes + 1, sizeof(*s->node));
	s->jobs_max = LOCAL_SLOTS;
	for (uint32_t i = 0; i < s->setup.nodes; i++) {
		make_node(s, i);
		s->jobs_max += s->node[i].slots;
		if (s->node[i].temper != SIMULATE_IDLE)
			slots += s->node[i].slots;
	}
	if (!slots)
		slots = LOCAL_SLOTS;
	s->mean_ms = slots * 1000 / s->setup.rate;
	s->at_once = s->jobs_max;
	if (s->mean_ms > MEAN_MOST) {
		s->at_once = s->setup.rate * (MEAN_MOST / 1000);
		s->mean_ms = MEAN_MOST;
	}
}

static bool takes_jobs(const struct simulate_node *n)
{
	return n->ready && !n->back_ms && n->jobs < n->slots;
}

static bool is_less_busy(const struct simulate_node *a,
			 const struct simulate_node *b)
{
	return a->jobs * b->slots < b->jobs * a->slots;
}

/* Of two by chance the less busy, else any that has room. */
static struct simulate_node *choose_node(struct events_simulate *s,
					 const struct simulate_node *other_than)
{
	uint32_t n = s->setup.nodes, first, second;

	if (!n)
		return NULL;
	first = pick(s, n);
	second = pick(s, n);
	if (is_less_busy(&s->node[second], &s->node[first]))
		first = second;
	for (uint32_t i = 0; i < n; i++) {
		struct simulate_node *at = &s->node[(first + i) % n];

		if (takes_jobs(at) && at != other_than)
			return at;
	}
	return NULL;
}

static void set_node_state(struct events_simulate *s, struct simulate_node *n,
			   const char *state, const char *reason)
{
	n->state = state;
	n->reason = reason;
	simulate_tell_node(&s->teller, n);
}

static void rest_node(struct events_simulate *s, struct simulate_node *n)
{
	n->fell = 0;
	n->back_ms = s->teller.at_ms + REST_MS;
	set_node_state(s, n, "resting",
		       "3 jobs failed: Cannot allocate memory");
	node_in(s, REST_MS, (uint32_t)(n - s->node));
}

static void warm(struct events_simulate *s, struct simulate_node *n)
{
	unsigned busy = n->jobs * 1000 / n->slots, room, most;

	most = n->temper == SIMULATE_HOT ? HEAT_MOST : 71000;
	room = HEAT_COOL + (most - HEAT_COOL) / 1000 * busy;
	n->heat = (n->heat * 9 + room) / 10 + pick(s, 300);
	if (n->heat > HEAT_HIGH)
		n->clock = n->clock > 550 ? n->clock - 50 : 550;
	else if (n->clock < 1000)
		n->clock += 50;
	n->load = (n->load * 9 + n->jobs * 1000 + n->foreign) / 10;
}

static void on_beat(struct events_simulate *s)
{
	for (uint32_t i = 0; i < s->setup.nodes; i++) {
		struct simulate_node *n = &s->node[i];

		if (!n->greeted)
			continue;
		warm(s, n);
		simulate_tell_load(&s->teller, n);
	}
	add_due(s, BEAT_MS, (struct simulate_due){ .kind = DUE_BEAT });
}

/* -------------------------------------------------------------- the jobs */

static void enqueue(struct queue *q, struct simulate_job *job)
{
	job->next = NULL;
	*q->end = job;
	q->end = &job->next;
}

static struct simulate_job *dequeue(struct queue *q)
{
	struct simulate_job *job = q->first;

	if (job)
		q->first = job->next;
	if (!q->first)
		q->end = &q->first;
	return job;
}

static struct simulate_node *node_of_job(const struct events_simulate *s,
					 const struct simulate_job *job)
{
	return job->node == SIMULATE_LOCAL ? NULL : &s->node[job->node];
}

static void set_job_state(struct events_simulate *s, struct simulate_job *job,
			  enum events_job_state state)
{
	job->state = state;
	simulate_tell_job(&s->teller, job, node_of_job(s, job));
}

/* Most are near the mean, a few take long. */
static uint32_t draw_ms(struct events_simulate *s)
{
	uint64_t x = pick(s, 1000);
	uint64_t ms = s->mean_ms * (300000 + x * x * 2) / 1000000;

	return (uint32_t)(pick(s, 256) ? ms : ms * 6);
}

static const char *draw_reason(struct events_simulate *s)
{
	static const enum reason why[] = { REASON_PLUGIN, REASON_LONG_FORM,
					   REASON_NODES_BUSY,
					   REASON_TIME_MACRO };
	unsigned n = pick(s, 100);

	if (s->started == s->wrong)
		return reason_words(REASON_COMPILE_ERROR);
	if (!s->setup.nodes)
		return reason_words(REASON_NO_NODES);
	/* Or those that wait here would hold up the others. */
	return n < 4 && s->here < LOCAL_SLOTS ? reason_words(why[n]) : NULL;
}

static void begin_job(struct events_simulate *s)
{
	struct simulate_job *job = s->spare;

	if (job)
		s->spare = job->next;
	else
		job = xcalloc(1, sizeof(*job));
	s->started++;
	*job = (struct simulate_job){ .number = (int64_t)s->started,
				      .node = SIMULATE_LOCAL,
				      .took_ms = draw_ms(s),
				      .reason = draw_reason(s),
				      .known = s->setup.known,
				      .wrong = s->started == s->wrong };
	s->under_way++;
	set_job_state(s, job, EVENTS_QUEUED);
	if (job->reason)
		enqueue(&s->waiting_here, job);
	else
		job_in(s, job->took_ms / 32, job);
}

static void send_to_node(struct events_simulate *s, struct simulate_job *job,
			 struct simulate_node *n)
{
	n->jobs++;
	n->sent += 4096 + pick(s, 60000);
	job->node = (uint32_t)(n - s->node);
	job->fails = n->temper == SIMULATE_FAILING && !pick(s, 8);
	set_job_state(s, job, EVENTS_SEND);
	job_in(s, job->took_ms / 8, job);
}

/* Whatever waits and has room now. */
static void dispatch(struct events_simulate *s)
{
	struct simulate_node *n;
	struct simulate_job *job;

	while (s->here < LOCAL_SLOTS && (job = dequeue(&s->waiting_here))) {
		s->here++;
		set_job_state(s, job, EVENTS_RUN);
		job_in(s, job->took_ms, job);
	}
	while (s->waiting.first && (n = choose_node(s, NULL)))
		send_to_node(s, dequeue(&s->waiting), n);
}

/* What comes next in its life. */
static void on_node(struct events_simulate *s, struct simulate_node *n)
{
	uint32_t number = (uint32_t)(n - s->node);

	if (!n->greeted) {
		n->greeted = true;
		set_node_state(s, n, "up", NULL);
		simulate_tell_cell(&s->teller, n, "asked");
		node_in(s, 200 + pick(s, 300), number);
	} else if (n->back_ms) {
		n->back_ms = 0;
		set_node_state(s, n, "up", NULL);
	} else if (n->temper == SIMULATE_IDLE &&
		   s->started * 2 < s->target + 2) {
		simulate_tell_cell(&s->teller, n, "shipping");
		node_in(s, 2000, number);
	} else if (!n->ready) {
		n->ready = true;
		simulate_tell_cell(&s->teller, n, "ready");
	}
	dispatch(s);
}

static void begin_more_jobs(struct events_simulate *s)
{
	while (!s->broken && s->under_way < s->at_once &&
	       s->started < s->target)
		begin_job(s);
	dispatch(s);
}

static void end_simulated_job(struct events_simulate *s,
			      struct simulate_job *job)
{
	struct simulate_node *n = node_of_job(s, job);

	if (!pick(s, 150))
		simulate_tell_warning(&s->teller, job->number);
	if (job->wrong) {
		simulate_tell_error(&s->teller, job->number);
		s->broken = true;
	}
	if (n) {
		n->jobs--;
		n->done++;
		n->cpu_ms += job->took_ms;
		n->received += 2000 + pick(s, 90000);
	} else {
		s->here--;
	}
	s->remote += n != NULL;
	s->local += !n;
	set_job_state(s, job, EVENTS_JOB_DONE);
	job->next = s->spare;
	s->spare = job;
	s->under_way--;
	begin_more_jobs(s);
	if (!s->under_way)
		step_in(s, 50);
}

/* Its node failed it: another one. */
static void retry_job(struct events_simulate *s, struct simulate_job *job)
{
	struct simulate_node *n = node_of_job(s, job), *other;

	n->jobs--;
	n->failed++;
	n->retries++;
	if (++n->fell == FALLS_MAX)
		rest_node(s, n);
	job->retries++;
	job->node = SIMULATE_LOCAL;
	set_job_state(s, job, EVENTS_SCAN);
	other = choose_node(s, n);
	if (other)
		send_to_node(s, job, other);
	else
		enqueue(&s->waiting, job);
	dispatch(s);
}

static void run_job(struct events_simulate *s, struct simulate_job *job)
{
	const struct simulate_node *n = node_of_job(s, job);

	set_job_state(s, job, EVENTS_RUN);
	job_in(s, (uint64_t)job->took_ms * 1000000 / n->speed / n->clock, job);
}

static void on_job(struct events_simulate *s, struct simulate_job *job)
{
	switch (job->state) {
	case EVENTS_QUEUED:
		set_job_state(s, job, EVENTS_SCAN);
		job_in(s, job->took_ms / 32, job);
		break;
	case EVENTS_SCAN:
		enqueue(&s->waiting, job);
		dispatch(s);
		break;
	case EVENTS_SEND:
		run_job(s, job);
		break;
	case EVENTS_RUN:
		if (job->node == SIMULATE_LOCAL) {
			end_simulated_job(s, job);
		} else if (job->fails) {
			retry_job(s, job);
		} else {
			set_job_state(s, job, EVENTS_RECEIVE);
			job_in(s, job->took_ms / 16, job);
		}
		break;
	default:
		end_simulated_job(s, job);
		break;
	}
}

/* ------------------------------------------------------------- the build */

/* Those of modules, after linking. */
static uint64_t more_jobs(const struct events_simulate *s)
{
	return s->setup.jobs / 20 + 1;
}

static void tell_last_build(const struct events_simulate *s)
{
	const struct simulate_estimate last = {
		.jobs = s->setup.jobs + more_jobs(s),
		.more = more_jobs(s),
		.mean_ms = s->mean_ms * MEAN_DRAWN / 1000,
		.rate = s->setup.rate,
		.make_jobs = s->jobs_max,
	};

	simulate_tell_estimate(&s->teller, &last);
}

static void begin_build(struct events_simulate *s)
{
	char text[128];

	simulate_tell_begin(&s->teller, s->jobs_max, LOCAL_SLOTS);
	if (s->setup.known)
		tell_last_build(s);
	snprintf(text, sizeof(text), "-j %u: %u slots on %u node%s + %u local",
		 s->jobs_max, s->jobs_max - LOCAL_SLOTS, s->setup.nodes,
		 s->setup.nodes == 1 ? "" : "s", LOCAL_SLOTS);
	simulate_tell_text(&s->teller, EVENTS_NOTE, text);
	for (uint32_t i = 0; i < s->setup.nodes; i++) {
		simulate_tell_node(&s->teller, &s->node[i]);
		node_in(s, 200 + pick(s, 1000), i);
	}
	add_due(s, BEAT_MS, (struct simulate_due){ .kind = DUE_BEAT });
}

static void begin_jobs(struct events_simulate *s, uint64_t more)
{
	s->target += more;
	begin_more_jobs(s);
}

static void end_simulated(struct events_simulate *s)
{
	simulate_tell_done(&s->teller, s->broken ? 2 : 0, s->remote, s->local);
	s->ended = true;
}

/* What follows when, in ms; 0: when all jobs are done. */
static const struct {
	const char *phase;
	unsigned ms;
} script[] = {
	{ NULL, 300 },    { "config", 1200 }, { "prepare", 1500 },
	{ "compile", 0 }, { "link", 6000 },   { "modpost", 2500 },
	{ "modules", 0 }, { "dtbs", 1500 },   { "artifacts", 2500 },
};

static void on_step(struct events_simulate *s)
{
	unsigned i = s->step++;

	if (s->broken || i >= sizeof(script) / sizeof(*script)) {
		end_simulated(s);
		return;
	}
	if (script[i].phase)
		simulate_tell_text(&s->teller, EVENTS_PHASE, script[i].phase);
	else
		begin_build(s);
	if (script[i].ms)
		step_in(s, script[i].ms);
	else if (s->target)
		begin_jobs(s, more_jobs(s));
	else
		begin_jobs(s, s->setup.jobs);
}

struct events_simulate *events_simulate_new(
	const struct events_simulate_setup *setup)
{
	struct events_simulate *s = xcalloc(1, sizeof(*s));

	s->setup = *setup;
	if (!s->setup.jobs)
		s->setup.jobs = 60 * (uint64_t)setup->rate;
	s->random = setup->seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	pick(s, 1);
	pick(s, 1);
	s->waiting.end = &s->waiting.first;
	s->waiting_here.end = &s->waiting_here.first;
	s->wrong = setup->fails ? s->setup.jobs * 7 / 10 : 0;
	make_nodes(s);
	step_in(s, 0);
	return s;
}

static void free_jobs(struct simulate_job *job)
{
	while (job) {
		struct simulate_job *next = job->next;

		free(job);
		job = next;
	}
}

void events_simulate_free(struct events_simulate *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->due.n; i++)
		free(s->due.v[i].job);
	free_jobs(s->waiting.first);
	free_jobs(s->waiting_here.first);
	free_jobs(s->spare);
	free(s->due.v);
	free(s->node);
	free(s);
}

uint64_t events_simulate_next(const struct events_simulate *s)
{
	return s->ended ? UINT64_MAX : s->due.v[0].at_ms;
}

void events_simulate_until(struct events_simulate *s, uint64_t ms,
			   events_sink *told, void *ctx)
{
	s->teller.told = told;
	s->teller.ctx = ctx;
	while (events_simulate_next(s) <= ms && !s->ended) {
		struct simulate_due due = simulate_due_take(&s->due);

		s->teller.at_ms = due.at_ms;
		if (due.kind == DUE_STEP)
			on_step(s);
		else if (due.kind == DUE_BEAT)
			on_beat(s);
		else if (due.kind == DUE_NODE)
			on_node(s, &s->node[due.node]);
		else
			on_job(s, due.job);
	}
}
