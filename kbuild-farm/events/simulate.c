/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The number of concurrent jobs is make's -j.  The mean time of a job is chosen
 * so that the nodes complete `jobs_per_s` jobs per second.
 */
#include "events/simulate.h"

#include "base/format.h"
#include "base/reason.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEAT_MS 1000
/* Limit of mean_ms.  At this limit, some slots of the nodes remain free. */
#define MEAN_MAX_MS 20000u
/* mean of draw_ms(), in thousandths of mean_ms */
#define MEAN_DRAWN_MILLI 984
#define LOCAL_SLOTS      4u
#define SITE_NODES       16 /* nodes per site; the first six have no site */
#define FAILURES_MAX     3 /* failures before a node backs off */
#define NODE_BACKOFF_MS  8000
#define HEAT_LOW_MILLI   42000u
#define HEAT_HIGH_MILLI  88000u
#define HEAT_MAX_MILLI   97000u
#define TREE             "/home/build/linux"
/*
 * Total times of phases in script[].  HEAD_MS is the time before the first job,
 * LINK_MS the time between the jobs of the kernel and the jobs of its modules,
 * and TAIL_MS the time after the last job.
 */
#define HEAD_MS         3000
#define LINK_MS         8500
#define TAIL_MS         4000
#define ESTIMATE_POINTS 20

#define LOCAL_NODE UINT32_MAX /* job.node if local or not assigned */

enum behaviour {
	BEHAVIOUR_PLAIN,
	BEHAVIOUR_IDLE, /* gets its toolchain late, and no jobs before that */
	BEHAVIOUR_HOT, /* is throttled */
	BEHAVIOUR_FAILING,
};

struct node {
	char name[16], site[16]; /* "" for no site */
	enum behaviour behaviour;
	const char *machine, *state, *reason;
	const char *sandbox; /* reported state; NULL before the first report */
	unsigned n_cores, n_slots;
	unsigned speed_milli; /* at 1000, a job takes its cost_ms */
	bool hello_received;
	bool toolchain_ready;
	unsigned n_jobs; /* jobs on the node */
	unsigned n_done, n_failed, n_retries;
	unsigned n_failed_since_backoff;
	uint64_t cpu_ms, sent_bytes, received_bytes;
	unsigned load_milli, celsius_milli, clock_milli, foreign_milli;
	uint64_t up_again_ms; /* end of the backoff; 0 without backoff */
};

struct job {
	int64_t number;
	enum events_job_state state;
	uint32_t node;
	uint32_t failed_node; /* does not get the job again; LOCAL_NODE: none */
	uint32_t cost_ms; /* CPU time on a node of speed_milli 1000 */
	unsigned n_retries;
	const char *reason; /* reason to compile locally; NULL: use a node */
	bool failing; /* fails on its node */
	bool erroneous; /* has a compile error */
	bool in_baseline;
	struct job *next; /* in a queue or in `free_jobs` */
};

struct output {
	uint64_t at_ms;
	events_event_fn *on_event;
	void *ctx;
};

struct timer {
	uint64_t at_ms;
	enum {
		TIMER_PHASE, /* next step of script[] */
		TIMER_BEAT, /* heartbeats of all nodes */
		TIMER_NODE,
		TIMER_JOB,
	} kind;
	uint32_t node;
	struct job *job; /* or NULL */
	uint64_t order; /* set by add_timer() */
};

/* A binary heap ordered by time.  timers[0] expires first. */
struct timers {
	struct timer *timers;
	size_t n_timers, cap_timers;
	uint64_t order; /* number of timers added so far */
};

/* ---- timers ---- */

static bool is_timer_before(const struct timer *a, const struct timer *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap_timers(struct timer *a, struct timer *b)
{
	struct timer kept = *a;

	*a = *b;
	*b = kept;
}

/*
 * Remove and return the timer that expires first; of timers with equal times,
 * the timer that was added first.  The heap must not be empty.
 */
static struct timer pop_timer(struct timers *list)
{
	struct timer *v = list->timers, first = v[0];
	size_t i = 0, next;

	v[0] = v[--list->n_timers];
	while ((next = 2 * i + 1) < list->n_timers) {
		if (next + 1 < list->n_timers &&
		    is_timer_before(&v[next + 1], &v[next]))
			next++;
		if (!is_timer_before(&v[next], &v[i]))
			break;
		swap_timers(&v[i], &v[next]);
		i = next;
	}
	return first;
}

/* ---- events ---- */

/* Derive a file name from the number of the job. */
static void file_name(char out[static 96], int64_t number)
{
	static const char *const dirs[] = {
		"arch/arm64/kernel",
		"arch/arm64/mm",
		"block",
		"crypto",
		"drivers/base",
		"drivers/clk/rockchip",
		"drivers/gpu/drm",
		"drivers/gpu/drm/panfrost",
		"drivers/i2c/busses",
		"drivers/mmc/host",
		"drivers/net/ethernet/stmicro/stmmac",
		"drivers/net/wireless/broadcom/brcm80211/brcmfmac",
		"drivers/pci/controller",
		"drivers/usb/dwc3",
		"fs/btrfs",
		"fs/ext4",
		"fs/nfs",
		"kernel",
		"kernel/sched",
		"lib",
		"mm",
		"net/core",
		"net/ipv4",
		"sound/soc/rockchip",
	};
	static const char *const words[] = {
		"core",  "main",  "ioctl",   "super", "inode", "dma",
		"power", "debug", "devices", "init",  "util",  "trace",
		"sysfs", "queue", "timer",   "irq",   "phy",
	};
	const unsigned n_dirs = ARRAY_SIZE(dirs);
	const unsigned n_words = ARRAY_SIZE(words);
	/* Consecutive jobs are in one directory, as with make. */
	uint64_t n = (uint64_t)number, of = n / n_words / n_dirs;
	const char *dir = dirs[n / n_words % n_dirs],
		   *word = words[n % n_words];

	if (of)
		snprintf(out, 96, "%s/%s%llu.c", dir, word,
			 (unsigned long long)of);
	else
		snprintf(out, 96, "%s/%s.c", dir, word);
}

static void emit_event(const struct output *t, struct events_event *ev)
{
	ev->at_ms = t->at_ms;
	t->on_event(t->ctx, ev);
}

static void emit_estimate_point(const struct output *t, struct events_event *ev,
				uint64_t jobs, uint64_t mean_ms,
				uint64_t wall_ms)
{
	ev->n_total_jobs = (int64_t)jobs;
	ev->cost_ms = (int64_t)(jobs * mean_ms);
	ev->wall_ms = (int64_t)wall_ms;
	emit_event(t, ev);
}

static void emit_text(const struct output *t, enum events_kind kind,
		      const char *text)
{
	struct events_event ev = events_event_make(kind);

	ev.text = text;
	emit_event(t, &ev);
}

static void emit_node_event(const struct output *t, const struct node *n)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);

	ev.node = n->name;
	ev.site = *n->site ? n->site : NULL;
	ev.text = n->state;
	ev.reason = n->reason;
	if (n->hello_received) {
		ev.machine = n->machine;
		ev.n_slots = n->n_slots;
		ev.n_cores = n->n_cores;
		ev.memory_bytes = (int64_t)n->n_cores << 30;
	}
	emit_event(t, &ev);
}

static void set_sandbox_state(const struct output *t, struct node *n,
			      const char *state)
{
	struct events_event ev = events_event_make(EVENTS_KIND_CELL);

	if (str_equal(n->sandbox, state))
		return;
	n->sandbox = state;
	ev.node = n->name;
	ev.toolchain = "/opt/gcc-13.3.0/bin/aarch64-linux-gcc";
	ev.text = state;
	emit_event(t, &ev);
}

/* `n` is the node of the job; NULL if the job is local or not assigned. */
static void emit_job_event(const struct output *t, const struct job *job,
			   const struct node *n)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);
	char file[96], object[96];
	bool done = job->state == EVENTS_JOB_DONE;

	file_name(file, job->number);
	ev.job = job->number;
	ev.state = job->state;
	ev.file = file;
	if (job->state == EVENTS_JOB_QUEUED) {
		snprintf(object, sizeof(object), "%s", file);
		object[strlen(object) - 1] = 'o';
		ev.object = object;
		if (job->in_baseline)
			ev.cost_ms = job->cost_ms;
	} else {
		ev.node = n ? n->name : job->reason ? EVENTS_LOCAL : NULL;
		ev.reason = job->reason;
	}
	ev.remote = done && n;
	ev.n_retries = done ? job->n_retries : 0;
	if (done && n)
		ev.cpu_ms = job->cost_ms;
	emit_event(t, &ev);
}

static void emit_diagnostic(const struct output *t, int64_t number,
			    enum events_severity severity)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DIAG);
	unsigned line = 100 + (unsigned)(number % 800);
	char file[96], text[512];

	file_name(file, number);
	if (severity == EVENTS_SEV_WARNING)
		snprintf(text, sizeof(text),
			 "%s: In function 'probe':\n"
			 "%s:%u:13: warning: unused variable 'ret' "
			 "[-Wunused-variable]\n"
			 "  %u |         int ret = 0;\n"
			 "      |             ^~~",
			 file, file, line, line);
	else
		snprintf(text, sizeof(text),
			 "%s:42:9: error: implicit declaration of function "
			 "'frobnicate' [-Werror=implicit-function-declaration]"
			 "\n"
			 "   42 |         frobnicate(dev);\n"
			 "      |         ^~~~~~~~~~\n"
			 "make[3]: *** [scripts/Makefile.build:243: %.*s.o] "
			 "Error 1",
			 file, (int)strlen(file) - 2, file);
	ev.severity = severity;
	ev.text = text;
	ev.n_warnings = severity == EVENTS_SEV_WARNING;
	ev.n_errors = severity == EVENTS_SEV_ERROR;
	emit_event(t, &ev);
}

struct queue {
	struct job *first, **end;
};

struct events_simulate {
	struct events_simulate_setup setup;
	struct output output;
	uint64_t random_state;
	struct timers timers;
	struct node *nodes;
	uint64_t mean_ms; /* mean cost of a job */
	unsigned jobs_max; /* make's -j */
	unsigned max_concurrent; /* limit of n_running for the requested rate */

	unsigned phase;
	/* jobs to start by the end of the phase, and jobs started so far */
	uint64_t n_target, n_started;
	uint64_t erroneous_job; /* number of the job with an error, or 0 */
	/* all running jobs, and the local compiles among them */
	unsigned n_running, n_running_local;
	uint64_t n_remote, n_local; /* finished jobs */
	struct queue waiting, waiting_local;
	struct job *free_jobs;
	bool stopped, ended;
};

static unsigned draw_below(struct events_simulate *s, unsigned n)
{
	/* xorshift64 (Marsaglia 2003) */
	s->random_state ^= s->random_state << 13;
	s->random_state ^= s->random_state >> 7;
	s->random_state ^= s->random_state << 17;
	return (unsigned)(s->random_state >> 33) % n;
}

static void add_timer(struct events_simulate *s, uint64_t in_ms,
		      struct timer what)
{
	struct timers *list = &s->timers;
	struct timer *v = vec_reserve(list->timers, &list->cap_timers,
				      list->n_timers, sizeof(*list->timers));
	size_t i = list->n_timers++;

	what.at_ms = s->output.at_ms + in_ms;
	what.order = list->order++;
	list->timers = v;
	v[i] = what;
	for (; i && is_timer_before(&v[i], &v[(i - 1) / 2]); i = (i - 1) / 2)
		swap_timers(&v[i], &v[(i - 1) / 2]);
}

static void add_phase_timer(struct events_simulate *s, uint64_t ms)
{
	add_timer(s, ms, (struct timer){ .kind = TIMER_PHASE });
}

static void add_node_timer(struct events_simulate *s, uint64_t ms,
			   uint32_t node)
{
	add_timer(s, ms, (struct timer){ .kind = TIMER_NODE, .node = node });
}

static void add_job_timer(struct events_simulate *s, uint64_t ms,
			  struct job *job)
{
	add_timer(s, ms ? ms : 1,
		  (struct timer){ .kind = TIMER_JOB, .job = job });
}

/* ---- nodes ---- */

static void make_nodes(struct events_simulate *s)
{
	static const char *const names[] = { "desk",  "neo4a",  "attic",
					     "neo4b", "laptop", "cellar" };
	static const unsigned cores[] = { 16, 6, 8, 6, 4, 12 };
	static const unsigned speed[] = { 1500, 700, 1000, 700, 900, 1100 };
	static const enum behaviour tempers[] = {
		BEHAVIOUR_PLAIN, BEHAVIOUR_HOT,     BEHAVIOUR_PLAIN,
		BEHAVIOUR_IDLE,  BEHAVIOUR_FAILING, BEHAVIOUR_PLAIN
	};
	uint64_t slots = 0;

	s->nodes = xcalloc(s->setup.n_nodes + 1, sizeof(*s->nodes));
	s->jobs_max = LOCAL_SLOTS;
	for (uint32_t i = 0; i < s->setup.n_nodes; i++) {
		struct node *n = &s->nodes[i];

		*n = (struct node){ .behaviour = i < 6 ? tempers[i] :
							 BEHAVIOUR_PLAIN,
				    .n_cores = cores[i % 6],
				    .speed_milli = speed[i % 6],
				    .machine = i % 6 == 1 || i % 6 == 3 ?
						       "aarch64" :
						       "x86_64",
				    .state = "connecting",
				    .clock_milli = 1000,
				    .celsius_milli = HEAT_LOW_MILLI +
						     100 * draw_below(s, 80) };
		n->n_slots = n->n_cores + (n->n_cores + 3) / 4;
		if (i < 6) {
			snprintf(n->name, sizeof(n->name), "%s", names[i]);
		} else {
			snprintf(n->name, sizeof(n->name), "rack%u", i - 5);
			snprintf(n->site, sizeof(n->site), "room%u",
				 (i - 6) / SITE_NODES + 1);
		}
		if (n->behaviour == BEHAVIOUR_PLAIN && i)
			n->foreign_milli = 200 * draw_below(s, 10);
		s->jobs_max += n->n_slots;
		if (n->behaviour != BEHAVIOUR_IDLE)
			slots += n->n_slots;
	}
	if (!slots)
		slots = LOCAL_SLOTS;
	s->mean_ms = slots * 1000 / s->setup.jobs_per_s;
	s->max_concurrent = s->jobs_max;
	if (s->mean_ms > MEAN_MAX_MS) {
		s->max_concurrent = s->setup.jobs_per_s * (MEAN_MAX_MS / 1000);
		s->mean_ms = MEAN_MAX_MS;
	}
}

/*
 * Return the less busy of two random nodes.  If that node cannot start a job
 * now, or is `excluded`, return another node that can start a job, or NULL.
 */
static struct node *choose_node(struct events_simulate *s,
				const struct node *excluded)
{
	uint32_t n = s->setup.n_nodes, first, second;
	const struct node *a, *b;

	if (!n)
		return NULL;
	first = draw_below(s, n);
	second = draw_below(s, n);
	a = &s->nodes[first];
	b = &s->nodes[second];
	if (b->n_jobs * a->n_slots < a->n_jobs * b->n_slots)
		first = second;
	for (uint32_t i = 0; i < n; i++) {
		struct node *at = &s->nodes[(first + i) % n];

		if (at != excluded && at->toolchain_ready && !at->up_again_ms &&
		    at->n_jobs < at->n_slots)
			return at;
	}
	return NULL;
}

static void set_node_state(struct events_simulate *s, struct node *n,
			   const char *state, const char *reason)
{
	n->state = state;
	n->reason = reason;
	emit_node_event(&s->output, n);
}

/* Simulate a heartbeat of each node. */
static void emit_loads(struct events_simulate *s)
{
	for (uint32_t i = 0; i < s->setup.n_nodes; i++) {
		struct events_event ev = events_event_make(EVENTS_KIND_LOAD);
		struct node *n = &s->nodes[i];
		unsigned busy, room, most;

		if (!n->hello_received)
			continue;
		busy = n->n_jobs * 1000 / n->n_slots;
		most = n->behaviour == BEHAVIOUR_HOT ? HEAT_MAX_MILLI : 71000;
		room = HEAT_LOW_MILLI + (most - HEAT_LOW_MILLI) / 1000 * busy;
		n->celsius_milli = (n->celsius_milli * 9 + room) / 10 +
				   draw_below(s, 300);
		if (n->celsius_milli <= HEAT_HIGH_MILLI)
			n->clock_milli += n->clock_milli < 1000 ? 50 : 0;
		else
			n->clock_milli = n->clock_milli > 550 ?
						 n->clock_milli - 50 :
						 550;
		n->load_milli = (n->load_milli * 9 + n->n_jobs * 1000 +
				 n->foreign_milli) /
				10;

		ev.node = n->name;
		ev.n_running = n->n_jobs;
		ev.n_done = n->n_done;
		ev.n_failed = n->n_failed;
		ev.n_retries = n->n_retries;
		ev.cpu_ms = (int64_t)n->cpu_ms;
		ev.sent_bytes = (int64_t)n->sent_bytes;
		ev.received_bytes = (int64_t)n->received_bytes;
		ev.load_milli = n->load_milli;
		ev.memory_bytes = ((int64_t)n->n_cores << 30) -
				  ((int64_t)n->n_jobs << 27);
		ev.foreign_milli = n->foreign_milli;
		ev.celsius_milli = n->celsius_milli;
		ev.speed_milli = n->clock_milli;
		emit_event(&s->output, &ev);
	}
}

static void on_beat(struct events_simulate *s)
{
	emit_loads(s);
	add_timer(s, BEAT_MS, (struct timer){ .kind = TIMER_BEAT });
}

/* ---- jobs ---- */

static void enqueue(struct queue *q, struct job *job)
{
	job->next = NULL;
	*q->end = job;
	q->end = &job->next;
}

static struct job *dequeue(struct queue *q)
{
	struct job *job = q->first;

	if (job)
		q->first = job->next;
	if (!q->first)
		q->end = &q->first;
	return job;
}

static struct node *node_of_job(const struct events_simulate *s,
				const struct job *job)
{
	return job->node == LOCAL_NODE ? NULL : &s->nodes[job->node];
}

/* Return the node on which the job has failed, or NULL. */
static struct node *failed_node_of_job(const struct events_simulate *s,
				       const struct job *job)
{
	return job->failed_node == LOCAL_NODE ? NULL :
						&s->nodes[job->failed_node];
}

static void set_job_state(struct events_simulate *s, struct job *job,
			  enum events_job_state state)
{
	job->state = state;
	emit_job_event(&s->output, job, node_of_job(s, job));
}

/*
 * Draw the CPU time of a job: 0.3 to 2.3 times s->mean_ms, mostly less than the
 * mean.  One job in 256 takes six times as long.
 */
static uint32_t draw_ms(struct events_simulate *s)
{
	uint64_t x = draw_below(s, 1000);
	uint64_t ms = s->mean_ms * (300000 + x * x * 2) / 1000000;

	return (uint32_t)(draw_below(s, 256) ? ms : ms * 6);
}

static const char *draw_reason(struct events_simulate *s)
{
	static const enum reason why[] = { REASON_PLUGIN, REASON_LONG_FORM,
					   REASON_NODES_BUSY,
					   REASON_TIME_MACRO };
	unsigned n = draw_below(s, 100);

	if (s->n_started == s->erroneous_job)
		return reason_text(REASON_COMPILE_ERROR);
	if (!s->setup.n_nodes)
		return reason_text(REASON_NO_NODES);
	/*
	 * Choose a local job only if a local slot is free, because jobs that
	 * wait for a local slot would delay the jobs of the nodes.
	 */
	return n < 4 && s->n_running_local < LOCAL_SLOTS ? reason_text(why[n]) :
							   NULL;
}

static void send_to_node(struct events_simulate *s, struct job *job,
			 struct node *n)
{
	n->n_jobs++;
	n->sent_bytes += 4096 + draw_below(s, 60000);
	job->node = (uint32_t)(n - s->nodes);
	job->failing = n->behaviour == BEHAVIOUR_FAILING && !draw_below(s, 8);
	set_job_state(s, job, EVENTS_JOB_SEND);
	add_job_timer(s, job->cost_ms / 8, job);
}

/* Start waiting jobs in free slots. */
static void dispatch(struct events_simulate *s)
{
	struct node *n;
	struct job *job;

	while (s->n_running_local < LOCAL_SLOTS &&
	       (job = dequeue(&s->waiting_local))) {
		s->n_running_local++;
		set_job_state(s, job, EVENTS_JOB_RUN);
		add_job_timer(s, job->cost_ms, job);
	}
	while (s->waiting.first &&
	       (n = choose_node(s, failed_node_of_job(s, s->waiting.first))))
		send_to_node(s, dequeue(&s->waiting), n);
}

/* Advance a node to its next state. */
static void on_node(struct events_simulate *s, struct node *n)
{
	uint32_t number = (uint32_t)(n - s->nodes);

	if (!n->hello_received) {
		n->hello_received = true;
		set_node_state(s, n, "up", NULL);
		set_sandbox_state(&s->output, n, "asked");
		add_node_timer(s, 200 + draw_below(s, 300), number);
	} else if (n->up_again_ms) {
		n->up_again_ms = 0;
		set_node_state(s, n, "up", NULL);
	} else if (n->behaviour == BEHAVIOUR_IDLE &&
		   s->n_started * 2 < s->n_target + 2) {
		set_sandbox_state(&s->output, n, "shipping");
		add_node_timer(s, 2000, number);
	} else if (!n->toolchain_ready) {
		n->toolchain_ready = true;
		set_sandbox_state(&s->output, n, "ready");
	}
	dispatch(s);
}

static void begin_due_jobs(struct events_simulate *s)
{
	while (!s->stopped && s->n_running < s->max_concurrent &&
	       s->n_started < s->n_target) {
		struct job *job = s->free_jobs;

		if (job)
			s->free_jobs = job->next;
		else
			job = xcalloc(1, sizeof(*job));
		s->n_started++;
		*job = (struct job){ .number = (int64_t)s->n_started,
				     .node = LOCAL_NODE,
				     .failed_node = LOCAL_NODE,
				     .cost_ms = draw_ms(s),
				     .reason = draw_reason(s),
				     .in_baseline = s->setup.has_baseline,
				     .erroneous = s->n_started ==
						  s->erroneous_job };
		s->n_running++;
		set_job_state(s, job, EVENTS_JOB_QUEUED);
		if (job->reason)
			enqueue(&s->waiting_local, job);
		else
			add_job_timer(s, job->cost_ms / 32, job);
	}
	dispatch(s);
}

static void end_simulated_job(struct events_simulate *s, struct job *job)
{
	struct node *n = node_of_job(s, job);

	if (!draw_below(s, 150))
		emit_diagnostic(&s->output, job->number, EVENTS_SEV_WARNING);
	if (job->erroneous) {
		emit_diagnostic(&s->output, job->number, EVENTS_SEV_ERROR);
		s->stopped = true;
	}
	if (n) {
		n->n_jobs--;
		n->n_done++;
		n->cpu_ms += job->cost_ms;
		n->received_bytes += 2000 + draw_below(s, 90000);
	} else {
		s->n_running_local--;
	}
	s->n_remote += n != NULL;
	s->n_local += !n;
	set_job_state(s, job, EVENTS_JOB_DONE);
	job->next = s->free_jobs;
	s->free_jobs = job;
	s->n_running--;
	begin_due_jobs(s);
	if (!s->n_running)
		add_phase_timer(s, 50);
}

/* After a job has failed on its node, send it to another node. */
static void retry_job(struct events_simulate *s, struct job *job)
{
	struct node *n = node_of_job(s, job), *other;

	n->n_jobs--;
	n->n_failed++;
	n->n_retries++;
	/* Jobs that were already running can fail during the backoff. */
	if (++n->n_failed_since_backoff >= FAILURES_MAX && !n->up_again_ms) {
		n->n_failed_since_backoff = 0;
		n->up_again_ms = s->output.at_ms + NODE_BACKOFF_MS;
		set_node_state(s, n, "resting",
			       "3 jobs failed: Cannot allocate memory");
		add_node_timer(s, NODE_BACKOFF_MS, (uint32_t)(n - s->nodes));
	}
	job->n_retries++;
	job->failed_node = job->node;
	job->node = LOCAL_NODE;
	set_job_state(s, job, EVENTS_JOB_SCAN);
	other = choose_node(s, n);
	if (other)
		send_to_node(s, job, other);
	else
		enqueue(&s->waiting, job);
	dispatch(s);
}

static void on_job(struct events_simulate *s, struct job *job)
{
	const struct node *n = node_of_job(s, job);

	switch (job->state) {
	case EVENTS_JOB_QUEUED:
		set_job_state(s, job, EVENTS_JOB_SCAN);
		add_job_timer(s, job->cost_ms / 32, job);
		break;
	case EVENTS_JOB_SCAN:
		enqueue(&s->waiting, job);
		dispatch(s);
		break;
	case EVENTS_JOB_SEND:
		set_job_state(s, job, EVENTS_JOB_RUN);
		add_job_timer(s,
			      (uint64_t)job->cost_ms * 1000000 /
				      n->speed_milli / n->clock_milli,
			      job);
		break;
	case EVENTS_JOB_RUN:
		if (job->node == LOCAL_NODE) {
			end_simulated_job(s, job);
		} else if (job->failing) {
			retry_job(s, job);
		} else {
			set_job_state(s, job, EVENTS_JOB_RECEIVE);
			add_job_timer(s, job->cost_ms / 16, job);
		}
		break;
	default:
		end_simulated_job(s, job);
		break;
	}
}

/* ---- build ---- */

/* Return the number of jobs for modules, which start after the link. */
static uint64_t count_module_jobs(const struct events_simulate *s)
{
	return s->setup.n_jobs / 20 + 1;
}

static void emit_estimate(const struct events_simulate *s)
{
	const struct output *t = &s->output;
	struct events_event ev = events_event_make(EVENTS_KIND_ESTIMATE);
	uint64_t all = s->setup.n_jobs + count_module_jobs(s);
	uint64_t mean_ms = s->mean_ms * MEAN_DRAWN_MILLI / 1000;
	uint64_t rate = s->setup.jobs_per_s, wall = HEAD_MS;

	ev.make_jobs = s->jobs_max;
	for (unsigned i = 1; i <= ESTIMATE_POINTS; i++) {
		uint64_t jobs = s->setup.n_jobs * i / ESTIMATE_POINTS;

		emit_estimate_point(t, &ev, jobs, mean_ms,
				    wall + jobs * 1000 / rate);
	}
	wall += all * 1000 / rate + LINK_MS;
	emit_estimate_point(t, &ev, all - 1, mean_ms, wall);
	emit_estimate_point(t, &ev, all, mean_ms, wall + TAIL_MS);
}

static void begin_build(struct events_simulate *s)
{
	struct events_event ev = events_event_make(EVENTS_KIND_STREAM);
	char text[128];

	ev.version = EVENTS_VERSION;
	ev.program = "kfarm " KFARM_VERSION;
	ev.pid = 1;
	emit_event(&s->output, &ev);
	ev = events_event_make(EVENTS_KIND_BUILD);
	ev.command = "Image modules dtbs";
	ev.arch = "arm64";
	ev.toolchain = "gcc-13.3.0";
	ev.tree = TREE;
	ev.dir = "/home/build/.cache/kfarm/build/linux-arm64-defconfig";
	ev.output = "/home/build/.cache/kfarm/builds/7";
	ev.make_jobs = s->jobs_max;
	ev.n_local_slots = LOCAL_SLOTS;
	emit_event(&s->output, &ev);
	if (s->setup.has_baseline)
		emit_estimate(s);
	snprintf(text, sizeof(text),
		 "-j %u: %u slots on %u node%s + %u local slots", s->jobs_max,
		 s->jobs_max - LOCAL_SLOTS, s->setup.n_nodes,
		 format_plural(s->setup.n_nodes), LOCAL_SLOTS);
	emit_text(&s->output, EVENTS_KIND_NOTE, text);
	for (uint32_t i = 0; i < s->setup.n_nodes; i++) {
		emit_node_event(&s->output, &s->nodes[i]);
		add_node_timer(s, 200 + draw_below(s, 1000), i);
	}
	add_timer(s, BEAT_MS, (struct timer){ .kind = TIMER_BEAT });
}

/* Phases with their time in ms; 0 for a phase that lasts until its jobs end. */
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
	struct events_event ev;
	unsigned i = s->phase++;

	if (s->stopped || i >= ARRAY_SIZE(script)) {
		emit_loads(s);
		ev = events_event_make(EVENTS_KIND_DONE);
		ev.status = s->stopped ? 2 : 0;
		ev.n_remote = (int64_t)s->n_remote;
		ev.n_local = (int64_t)s->n_local;
		emit_event(&s->output, &ev);
		s->ended = true;
		return;
	}
	if (script[i].phase)
		emit_text(&s->output, EVENTS_KIND_PHASE, script[i].phase);
	else
		begin_build(s);
	if (script[i].ms) {
		add_phase_timer(s, script[i].ms);
		return;
	}
	s->n_target += s->n_target ? count_module_jobs(s) : s->setup.n_jobs;
	begin_due_jobs(s);
}

struct events_simulate *events_simulate_new(
	const struct events_simulate_setup *setup)
{
	struct events_simulate *s = xcalloc(1, sizeof(*s));

	s->setup = *setup;
	if (!s->setup.n_jobs)
		s->setup.n_jobs = 60 * (uint64_t)setup->jobs_per_s;
	s->random_state = setup->seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	draw_below(s, 1);
	draw_below(s, 1);
	s->waiting.end = &s->waiting.first;
	s->waiting_local.end = &s->waiting_local.first;
	s->erroneous_job = setup->erroneous ? (s->setup.n_jobs * 7 + 9) / 10 :
					      0;
	make_nodes(s);
	add_phase_timer(s, 0);
	return s;
}

static void free_jobs(struct job *job)
{
	while (job) {
		struct job *next = job->next;

		free(job);
		job = next;
	}
}

void events_simulate_free(struct events_simulate *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->timers.n_timers; i++)
		free(s->timers.timers[i].job);
	free_jobs(s->waiting.first);
	free_jobs(s->waiting_local.first);
	free_jobs(s->free_jobs);
	free(s->timers.timers);
	free(s->nodes);
	free(s);
}

uint64_t events_simulate_next_ms(const struct events_simulate *s)
{
	return s->ended ? UINT64_MAX : s->timers.timers[0].at_ms;
}

void events_simulate_run_until(struct events_simulate *s, uint64_t until_ms,
			       events_event_fn *on_event, void *ctx)
{
	s->output.on_event = on_event;
	s->output.ctx = ctx;
	while (events_simulate_next_ms(s) <= until_ms && !s->ended) {
		struct timer due = pop_timer(&s->timers);

		s->output.at_ms = due.at_ms;
		if (due.kind == TIMER_PHASE)
			on_step(s);
		else if (due.kind == TIMER_BEAT)
			on_beat(s);
		else if (due.kind == TIMER_NODE)
			on_node(s, &s->nodes[due.node]);
		else
			on_job(s, due.job);
	}
}
