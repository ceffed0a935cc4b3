/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
/*
 * Farms in virtual time with slow nodes of several kinds: the duration of a
 * build compared with one without that node, and the share of each node.
 *
 * The compilers of a machine share its cores, which all have the same speed.  A
 * CPU quota is less than one core.  A link carries a number of units per
 * second.  If the running units exceed the memory, a unit is killed when it is
 * half done.
 */
#include "../lib/test.h"

#include "sched/sched.h"

#define TICK_MS  50
#define MACHINES 4
#define LOCAL    (MACHINES - 1)
#define UNITS    2000
#define MAKE_J   16 /* in addition to the nodes' slots */

struct machine {
	unsigned slots;
	double cores, speed; /* speed of a core; 1: a fast core */
	double link; /* units per second; 0: no limit */
	unsigned memory_units; /* units that fit into memory; 0: all */
	unsigned until_s; /* time when the machine becomes fast; 0: never */
	unsigned jobs, failed, reports, backoffs; /* results */
};

static const struct machine fast = { .slots = 5, .cores = 4, .speed = 1 };

struct job {
	enum {
		IDLE,
		WAITING,
		RUNNING,
		ENDED
	} state;
	double work, done, cpu_ms, shipped;
	unsigned active_ms;
};

static struct {
	struct sched *s;
	struct machine machine[MACHINES];
	struct job job[UNITS][MACHINES];
	double cost[UNITS];
	bool finished[UNITS], hedge[UNITS];
	uint64_t added_ms[UNITS], longest_ms;
	uint64_t now_ms;
	uint32_t n_added, n_gone, units, oldest;
} sim;

static void feed(struct sched_event ev);

static void finish_unit(uint32_t unit)
{
	uint64_t took = sim.now_ms - sim.added_ms[unit];

	if (took > sim.longest_ms)
		sim.longest_ms = took;
	sim.finished[unit] = true;
	sim.n_gone++;
	while (sim.oldest < sim.n_added && sim.finished[sim.oldest])
		sim.oldest++;
	memset(sim.job[unit], 0, sizeof(sim.job[unit]));
}

static void start(uint32_t unit, uint32_t machine)
{
	sim.job[unit][machine] = (struct job){ .state = WAITING,
					       .work = sim.cost[unit] * 1000 };
}

static void count_node_report(const struct sched_action *a)
{
	struct machine *m = &sim.machine[a->node];

	if (getenv("SLOW_VERBOSE"))
		printf("%6.1f node %u %s: %s\n", (double)sim.now_ms / 1000,
		       a->node, sched_node_state_name(a->state),
		       a->text ? a->text : "");
	m->reports++;
	m->backoffs += a->state == SCHED_NODE_BACKOFF;
}

/*
 * Apply an action.  Returns true if *then is an event that must follow after
 * all actions have been applied.
 */
static bool apply_action(const struct sched_action *a, struct sched_event *then)
{
	*then = (struct sched_event){ .unit = a->unit, .node = a->node };
	switch (a->kind) {
	case SCHED_ACT_SCAN:
		then->kind = SCHED_EV_SCANNED;
		then->input_bytes = 1 << 20;
		return true;
	case SCHED_ACT_VERIFY:
		then->kind = SCHED_EV_VERIFIED;
		return true;
	case SCHED_ACT_SEND:
		start(a->unit, a->node);
		return false;
	case SCHED_ACT_CANCEL:
		sim.job[a->unit][a->node].state = IDLE;
		return false;
	case SCHED_ACT_HEDGE:
	case SCHED_ACT_COMPILE_LOCAL:
		sim.hedge[a->unit] = a->kind == SCHED_ACT_HEDGE;
		start(a->unit, LOCAL);
		return false;
	case SCHED_ACT_STOP_HEDGE:
		sim.job[a->unit][LOCAL].state = IDLE;
		return false;
	case SCHED_ACT_DELIVER:
		finish_unit(a->unit);
		then->kind = SCHED_EV_UNIT_GONE;
		return true;
	case SCHED_ACT_PROBE:
		then->kind = SCHED_EV_PROBE_DONE;
		return true;
	case SCHED_ACT_REPORT_NODE:
		count_node_report(a);
		return false;
	default:
		return false;
	}
}

static void feed(struct sched_event ev)
{
	struct sched_event then[64];
	struct sched_action a;
	size_t n = 0;

	ev.text = "x.c";
	sched_event(sim.s, sim.now_ms, &ev);
	while (sched_next_action(sim.s, &a)) {
		ck_assert_uint_lt(n, 64);
		n += apply_action(&a, &then[n]);
	}
	for (size_t i = 0; i < n; i++)
		feed(then[i]);
}

static unsigned running_on(uint32_t machine)
{
	unsigned n = 0;

	for (uint32_t u = sim.oldest; u < sim.n_added; u++)
		n += sim.job[u][machine].state == RUNNING;
	return n;
}

static void end_job(uint32_t unit, uint32_t machine, bool failed)
{
	struct job *j = &sim.job[unit][machine];
	struct sched_event ev = { .unit = unit,
				  .node = machine,
				  .cpu_ms = (uint32_t)j->cpu_ms };

	j->state = IDLE;
	sim.machine[machine].jobs += !failed;
	sim.machine[machine].failed += failed;
	if (machine != LOCAL) {
		ev.kind = failed ? SCHED_EV_JOB_FAILED : SCHED_EV_RESULT;
		ev.fail = SCHED_FAIL_NODE;
	} else if (sim.hedge[unit]) {
		ev.kind = SCHED_EV_HEDGE_DONE;
	} else {
		ev.kind = SCHED_EV_UNIT_GONE;
		finish_unit(unit);
	}
	feed(ev);
}

static void send_heartbeat(uint32_t unit, uint32_t machine)
{
	struct job *j = &sim.job[unit][machine];

	j->active_ms += TICK_MS;
	if (machine == LOCAL || j->active_ms % 1000)
		return;
	feed((struct sched_event){ .kind = SCHED_EV_HEARTBEAT,
				   .unit = unit,
				   .node = machine,
				   .cpu_ms = (uint32_t)j->cpu_ms });
}

/* Serve the oldest unit first: transfer its inputs, then run it on a core. */
static void tick_machine(uint32_t number)
{
	struct machine *m = &sim.machine[number];
	double cores = m->cores < 1 ? 1 : m->cores, link = m->link, share;
	unsigned n_free = (unsigned)cores - running_on(number), n;

	for (uint32_t u = sim.oldest; u < sim.n_added; u++) {
		struct job *j = &sim.job[u][number];

		if (j->state == WAITING && j->shipped < 1 && m->link > 0) {
			double now = link * TICK_MS / 1000;

			j->shipped += now;
			link = 0;
		} else if (j->state == WAITING && (int)n_free > 0) {
			j->state = RUNNING;
			n_free--;
		}
	}
	n = running_on(number);
	share = n ? m->cores / n : 0;
	share = share > 1 ? 1 : share;
	for (uint32_t u = sim.oldest; u < sim.n_added; u++) {
		struct job *j = &sim.job[u][number];

		if (j->state == RUNNING) {
			j->cpu_ms += share * TICK_MS;
			j->done += share * m->speed * TICK_MS;
		}
		if (j->state == RUNNING && j->done >= j->work)
			end_job(u, number, false);
		else if (j->state == RUNNING && m->memory_units &&
			 n > m->memory_units && j->done >= j->work / 2)
			end_job(u, number, true);
		else if (j->state != IDLE)
			send_heartbeat(u, number);
		n = running_on(number);
	}
}

static void add_units(unsigned in_flight_max)
{
	while (sim.n_added < sim.units &&
	       sim.n_added - sim.n_gone < in_flight_max) {
		sim.added_ms[sim.n_added] = sim.now_ms;
		feed((struct sched_event){ .kind = SCHED_EV_UNIT_ADDED,
					   .unit = sim.n_added++ });
	}
}

static void start_build(const struct machine *nodes, unsigned n_nodes,
			unsigned local)
{
	sim.s = sched_new(&(struct sched_setup){ .n_local_slots = local,
						 .max_scans = 64,
						 .max_wait_ms = 1000,
						 .seed = 1,
						 .n_nodes = n_nodes });
	feed((struct sched_event){ .kind = SCHED_EV_TOOLCHAIN,
				   .status = SCHED_STATUS_READY });
	feed((struct sched_event){ .kind = SCHED_EV_OBJECT_FORMAT,
				   .status = SCHED_STATUS_READY });
	feed((struct sched_event){ .kind = SCHED_EV_EXPECTED_UNITS,
				   .n_units = sim.units });
	for (uint32_t i = 0; i < n_nodes; i++) {
		sim.machine[i] = nodes[i];
		feed((struct sched_event){ .kind = SCHED_EV_NODE_FIT,
					   .node = i,
					   .n_slots = nodes[i].slots });
		feed((struct sched_event){ .kind = SCHED_EV_SANDBOX,
					   .node = i,
					   .sandbox = SCHED_SANDBOX_READY });
	}
	sim.machine[LOCAL] = (struct machine){ .cores = local, .speed = 1 };
}

/*
 * Run a build whose units take 0.5 to 1.5 times `cost` seconds on a fast core.
 * Returns the duration of the build in ms.
 */
static uint64_t run_build(unsigned units, double cost, unsigned local,
			  const struct machine *nodes, unsigned n_nodes)
{
	unsigned in_flight_max = MAKE_J;
	uint64_t random = 7;

	memset(&sim, 0, sizeof(sim));
	sim.units = units;
	for (unsigned u = 0; u < units; u++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		sim.cost[u] = cost * (0.5 + (double)(random >> 40) / (1 << 24));
	}
	for (unsigned i = 0; i < n_nodes; i++)
		in_flight_max += nodes[i].slots;
	start_build(nodes, n_nodes, local);
	for (; sim.n_gone < units; sim.now_ms += TICK_MS) {
		add_units(in_flight_max);
		for (unsigned i = 0; i < n_nodes; i++) {
			const struct machine *m = &sim.machine[i];

			if (m->until_s && sim.now_ms >= m->until_s * 1000ull) {
				sim.machine[i].cores = fast.cores;
				sim.machine[i].link = fast.link;
				sim.machine[i].until_s = 0;
			}
			tick_machine(i);
		}
		tick_machine(LOCAL);
		while (sched_next_ms(sim.s) <= sim.now_ms)
			feed((struct sched_event){ .kind = SCHED_EV_TIME });
		ck_assert_uint_lt(sim.now_ms, 24 * 3600000);
	}
	sched_free(sim.s);
	if (getenv("SLOW_VERBOSE"))
		for (unsigned i = 0; i < MACHINES; i++)
			printf("  machine %u: %u jobs, %u failed, told %u, "
			       "%u rests; all %.1f s, longest %.1f s\n",
			       i, sim.machine[i].jobs, sim.machine[i].failed,
			       sim.machine[i].reports, sim.machine[i].backoffs,
			       (double)sim.now_ms / 1000,
			       (double)sim.longest_ms / 1000);
	return sim.now_ms;
}

static const struct machine quota = { .slots = 3, .cores = 0.1, .speed = 1 };
static const struct machine one_core = { .slots = 5, .cores = 1, .speed = 1 };
static const struct machine board = { .slots = 5, .cores = 4, .speed = 0.25 };
static const struct machine narrow = {
	.slots = 3, .cores = 4, .speed = 1, .link = 0.15
};
static const struct machine small = {
	.slots = 5, .cores = 4, .speed = 1, .memory_units = 2
};
static const struct machine hot = {
	.slots = 5, .cores = 0.1, .speed = 1, .until_s = 60
};

/*
 * Limits for a build with the node `slow`: its duration, in percent of that
 * without `slow`; the additional time of the longest unit; the minimum
 * percentage of units done by `slow`; and its failures and backoffs.
 */
static const struct with_fast_node {
	const char *name;
	const struct machine *slow;
	unsigned units;
	double cost;
	unsigned all_percent, longest_ms, jobs_percent, failed, backoffs;
} with_fast_node[] = {
	/* The units of a starving node are executed again elsewhere. */
	{ "quota", &quota, 400, 1, 101, 8000, 0, 0, 7 },
	{ "quota, soon over", &quota, 30, 1, 170, 8000, 0, 0, 2 },
	{ "quota, large units", &quota, 100, 5, 101, 15000, 0, 0, 7 },
	{ "narrow link", &narrow, 400, 1, 101, 8000, 0, 0, 8 },
	{ "little memory", &small, 400, 1, 70, 3000, 25, 16, 6 },
	/* The node is slow but useful. */
	{ "one core", &one_core, 400, 1, 85, 5000, 18, 0, 0 },
	{ "board", &board, 400, 1, 87, 6000, 18, 0, 0 },
	{ "board, large units", &board, 100, 5, 85, 9000, 6, 0, 0 },
	{ "hot for a minute", &hot, 1000, 1, 72, 9000, 28, 0, 8 },
};

TIMEOUT(300);

TEST_EACH(a_slow_node_next_to_a_fast_one_delays_a_build_only_within_limits,
	  with_fast_node)
{
	uint64_t without = run_build(row->units, row->cost, 2, &fast, 1), with;
	uint64_t longest_ms = sim.longest_ms;

	for (int order = 0; order < 2; order++) {
		struct machine nodes[] = { fast, fast };
		const struct machine *slow = &sim.machine[order];

		nodes[order] = *row->slow;
		with = run_build(row->units, row->cost, 2, nodes, 2);
		printf("%-20s all %5.1f s, without it %5.1f; longest unit "
		       "%4.1f, %4.1f; it did %u, failed %u, rested %u\n",
		       row->name, (double)with / 1e3, (double)without / 1e3,
		       (double)sim.longest_ms / 1e3, (double)longest_ms / 1e3,
		       slow->jobs, slow->failed, slow->backoffs);
		ck_assert_uint_le(with, without * row->all_percent / 100);
		ck_assert_uint_le(sim.longest_ms, longest_ms + row->longest_ms);
		ck_assert_uint_ge(slow->jobs,
				  row->units * row->jobs_percent / 100);
		ck_assert_uint_le(slow->failed, row->failed);
		ck_assert_uint_le(slow->backoffs, row->backoffs);
	}
}

/*
 * Limits for a build with one node and two local slots: its duration, in
 * percent of that with local slots only, and the backoffs of the node.
 */
static const struct single_node {
	const char *name;
	const struct machine *slow;
	unsigned units;
	double cost;
	unsigned percent, backoffs;
} single_node[] = {
	{ "quota", &quota, 100, 1, 130, 2 },
	{ "narrow link", &narrow, 100, 1, 130, 3 },
	{ "little memory", &small, 100, 1, 70, 4 },
	/* Slow progress is tolerated: other local work is unknown. */
	{ "one core", &one_core, 100, 1, 205, 0 },
	{ "board", &board, 100, 1, 205, 0 },
	{ "board, large units", &board, 100, 5, 205, 0 },
};

TEST_EACH(a_slow_node_as_the_only_node_delays_a_build_only_within_limits,
	  single_node)
{
	uint64_t without = run_build(row->units, row->cost, 2, NULL, 0);
	uint64_t with = run_build(row->units, row->cost, 2, row->slow, 1);
	const struct machine *slow = &sim.machine[0];

	printf("%-20s alone: all %5.1f s, without it %5.1f; longest unit "
	       "%4.1f; it did %u, failed %u, rested %u\n",
	       row->name, (double)with / 1e3, (double)without / 1e3,
	       (double)sim.longest_ms / 1e3, slow->jobs, slow->failed,
	       slow->backoffs);
	ck_assert_uint_le(with, without * row->percent / 100);
	ck_assert_uint_le(slow->backoffs, row->backoffs);
}
