/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sim */
/*
 * Properties of builds by the dispatcher on random farms: nodes with classes of
 * cores, links, throttling and failures; jobs in phases, whose costs are
 * unknown, known, or known wrongly by a factor of up to 100.  SIMULATED_FARMS
 * overrides the number of farms, SIMULATED_SEED the seed of the first.
 */
#include "../lib/test.h"
#include "base/random.h"
#include "sim-runs.h"
#include "sim/jobs.h"

#define FARMS      100
#define NODES_MAX  8
#define JOBS_MAX   400
#define PHASES_MAX 4
#define OVERTAKING 4 /* as in sched/unit.c */
#define COPIES_MAX 3 /* the job, its backup and its hedge */
/* maximum share of core time that is idle while jobs wait for faster cores */
#define IDLE_MAX 0.25
/* executions of a job: three, each with a hedge, and one per lost node */
#define RUNS_MAX (NODES_MAX + 6)

TIMEOUT(3600);

struct random_farm {
	struct sim_setup setup;
	struct sim_node_setup nodes[NODES_MAX];
	struct sim_job_setup jobs[JOBS_MAX];
	uint32_t serial_ms[PHASES_MAX];
	uint64_t random;
};

/* Return a random number from `min` to `max`. */
static unsigned between(struct random_farm *f, unsigned min, unsigned max)
{
	return min + (unsigned)(random_next(&f->random) % (max - min + 1));
}

static double share(struct random_farm *f)
{
	return sim_random_share(&f->random);
}

static void make_node(struct random_farm *f, struct sim_node_setup *n)
{
	unsigned n_cores = 0;

	n->name = "node";
	n->n_classes = between(f, 1, 3);
	for (unsigned i = 0; i < n->n_classes; i++) {
		n->classes[i] = (struct sim_class){ between(f, 1, 6),
						    0.5 + 4 * share(f) };
		n_cores += n->classes[i].n_cores;
	}
	n->can_pin = between(f, 0, 3);
	n->n_slots = between(f, 0, 2) ? 0 : n_cores + between(f, 0, 6);
	n->bytes_per_ms = between(f, 0, 3) ? 125000 : 1000;
	if (!between(f, 0, 3)) {
		n->throttles[0].at_ms = between(f, 1, 60000);
		n->throttles[0].factor = 0.05 + share(f);
		n->throttles[1].at_ms = n->throttles[0].at_ms +
					between(f, 1, 60000);
		n->throttles[1].factor = 1;
		n->n_throttles = 2;
	}
	if (between(f, 0, 3))
		return;
	n->dies_ms = between(f, 1, 100000);
	n->lost_after_ms = between(f, 1, 10000);
	if (between(f, 0, 1))
		n->returns_ms = n->dies_ms + n->lost_after_ms +
				between(f, 1, 30000);
}

static void make_jobs(struct random_farm *f, size_t n)
{
	unsigned n_phases = between(f, 1, PHASES_MAX);
	unsigned history = between(f, 0, 3);

	sim_jobs_set_costs(f->jobs, n, 100 + 4000 * share(f), 1.2 * share(f),
			   &f->random);
	sim_jobs_set_predictions(f->jobs, n, &f->random);
	for (size_t i = 0; i < n; i++) {
		struct sim_job_setup *j = &f->jobs[i];

		j->phase = (uint32_t)(i * n_phases / n);
		j->in_bytes = between(f, 0, 100000);
		j->out_bytes = between(f, 0, 100000);
		if (!history)
			j->predicted_ms = 0;
		else if (history == 1)
			j->predicted_ms = j->predicted_ms *
					  between(f, 1, 10000) / 100;
	}
	for (unsigned i = 0; i < n_phases; i++)
		f->serial_ms[i] = between(f, 0, 1) ? 0 : between(f, 0, 5000);
}

static void make_farm(struct random_farm *f, uint64_t seed)
{
	*f = (struct random_farm){ .random = seed };
	f->setup = (struct sim_setup){
		.nodes = f->nodes,
		.n_nodes = between(f, 0, NODES_MAX),
		.jobs = f->jobs,
		.n_jobs = between(f, 1, JOBS_MAX),
		.serial_ms = f->serial_ms,
		.end_ms = between(f, 0, 3000),
		.total_known = between(f, 0, 1),
		.n_local_slots = between(f, 1, 4),
		.local_slowness = 0.5 + share(f),
		.n_make_jobs = between(f, 0, 1) ? 0 : between(f, 1, 40),
		.scan_ms = between(f, 0, 20),
		.verify_ms = between(f, 0, 20),
		.host_ms = between(f, 0, 30),
		.n_host_cores = between(f, 0, 4),
		.seed = seed,
	};
	for (size_t i = 0; i < f->setup.n_nodes; i++)
		make_node(f, &f->nodes[i]);
	make_jobs(f, f->setup.n_jobs);
}

static int by_core_and_time(const void *a, const void *b)
{
	const struct sim_run *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->core != y->core)
		return x->core < y->core ? -1 : 1;
	return x->began_ms < y->began_ms ? -1 : x->began_ms > y->began_ms;
}

static int by_job_and_time(const void *a, const void *b)
{
	const struct sim_run *x = a, *y = b;

	if (x->job != y->job)
		return x->job < y->job ? -1 : 1;
	return x->began_ms < y->began_ms ? -1 : x->began_ms > y->began_ms;
}

/*
 * Each of the next functions returns the rule that the build breaks, or NULL.
 */

static const char *check_cores(const struct random_farm *f,
			       struct sim_result *r)
{
	qsort(r->runs, r->n_runs, sizeof(*r->runs), by_core_and_time);
	for (size_t i = 0; i < r->n_runs; i++) {
		const struct sim_run *a = &r->runs[i];
		const struct sim_run *b = i ? a - 1 : NULL;

		if (a->node == SIM_LOCAL && a->core >= f->setup.n_local_slots)
			return "exceeds the local slots";
		if (b && a->node == b->node && a->core == b->core &&
		    a->began_ms < b->ended_ms)
			return "executes two jobs on one core";
	}
	return NULL;
}

/* Check the runs of one job, sorted by time. */
static const char *check_job(const struct sim_run *runs, size_t n)
{
	bool completed = false;

	for (size_t i = 0; i < n; i++) {
		unsigned n_copies = 0;

		for (size_t k = 0; k <= i; k++)
			n_copies += runs[k].ended_ms > runs[i].began_ms;
		if (n_copies > COPIES_MAX)
			return "executes a job on too many cores at a time";
		completed |= runs[i].completed;
	}
	if (n > RUNS_MAX)
		return "executes a job too often";
	return completed ? NULL : "does not complete a job";
}

static const char *check_jobs(const struct random_farm *f, struct sim_result *r)
{
	size_t n_jobs = 0;

	qsort(r->runs, r->n_runs, sizeof(*r->runs), by_job_and_time);
	for (size_t i = 0, n; i < r->n_runs; i += n) {
		const char *problem;

		for (n = 1;
		     i + n < r->n_runs && r->runs[i + n].job == r->runs[i].job;)
			n++;
		problem = check_job(&r->runs[i], n);
		if (problem)
			return problem;
		n_jobs++;
	}
	return n_jobs == f->setup.n_jobs ? NULL : "loses a job";
}

/*
 * Few cores are idle because a job waits for a faster core.  A node that has
 * failed gets jobs only gradually.
 */
static const char *check_idle(const struct random_farm *f,
			      const struct sim_result *r)
{
	unsigned n_cores = 0;

	for (size_t i = 0; i < f->setup.n_nodes; i++) {
		for (unsigned k = 0; k < f->nodes[i].n_classes; k++)
			n_cores += f->nodes[i].classes[k].n_cores;
		if (f->nodes[i].dies_ms)
			return NULL;
	}
	return r->idle_core_ms[SIM_IDLE_POLICY] >
			       IDLE_MAX * n_cores * (double)r->makespan_ms ?
		       "leaves cores idle while jobs wait" :
		       NULL;
}

static const char *check_farm(const struct random_farm *f, struct sim_result *r,
			      const struct sim_result *again)
{
	const char *problem = r->violation;

	if (!runs_are_equal(r, again))
		return "differs from a build with the same seed";
	if (r->makespan_ms < r->bound_ms)
		return "takes less time than the lower bound";
	problem = problem ? problem : check_idle(f, r);
	problem = problem ? problem : check_cores(f, r);
	return problem ? problem : check_jobs(f, r);
}

TEST(a_build_on_a_random_farm_violates_no_rule)
{
	const char *number = getenv("SIMULATED_FARMS");
	const char *first = getenv("SIMULATED_SEED");
	uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
	uint64_t end = seed + (number ? strtoull(number, NULL, 10) : FARMS);
	struct random_farm *f = xcalloc(1, sizeof(*f));

	for (; seed < end; seed++) {
		struct sim_result r, again;
		const char *problem = NULL;

		make_farm(f, seed);
		if (sim_run_build(&f->setup, &r) ||
		    sim_run_build(&f->setup, &again))
			problem = "does not end";
		else
			problem = check_farm(f, &r, &again);
		ck_assert_msg(!problem, "seed %ju: a build %s", (uintmax_t)seed,
			      problem);
		sim_result_release(&again);
		sim_result_release(&r);
	}
	free(f);
}

#define WAITING_JOBS 1000

static int by_descending_cost(const void *a, const void *b)
{
	const struct sim_job_setup *x = a, *y = b;

	return x->cost_ms > y->cost_ms ? -1 : x->cost_ms < y->cost_ms;
}

/*
 * Expensive jobs overtake cheap jobs, but a job that make requests OVERTAKING
 * times the greatest cost later overtakes no other.  Then at most the jobs that
 * make has requested until then begin earlier.
 */
static uint64_t longest_wait_ms(const struct sim_setup *setup)
{
	struct sim_job_setup jobs[WAITING_JOBS];
	uint64_t sum_ms = 0;

	memcpy(jobs, setup->jobs, sizeof(jobs));
	qsort(jobs, WAITING_JOBS, sizeof(*jobs), by_descending_cost);
	for (unsigned i = 0; i < setup->n_make_jobs; i++)
		sum_ms += jobs[i].cost_ms;
	return OVERTAKING * jobs[0].predicted_ms +
	       sum_ms / setup->nodes->classes[0].n_cores + jobs[0].cost_ms;
}

TEST_RANGE(no_job_starves, 0, 20)
{
	struct random_farm f = { .random = 1 + (uint64_t)_i };
	struct sim_job_setup jobs[WAITING_JOBS] = { 0 };
	const struct sim_node_setup node = {
		.n_classes = 1, .classes = { { between(&f, 1, 8), 1 } }
	};
	const struct sim_setup setup = { .nodes = &node,
					 .n_nodes = 1,
					 .jobs = jobs,
					 .n_jobs = WAITING_JOBS,
					 .total_known = between(&f, 0, 1),
					 .n_local_slots = 1,
					 .local_slowness = 1,
					 .n_make_jobs = between(&f, 10, 60) };
	uint64_t requested_ms[WAITING_JOBS] = { 0 }, limit_ms;
	struct sim_result r;

	sim_jobs_set_costs(jobs, WAITING_JOBS, 1000, 0.8, &f.random);
	for (size_t i = 0; i < WAITING_JOBS; i++)
		jobs[i].predicted_ms = jobs[i].cost_ms;
	limit_ms = longest_wait_ms(&setup);
	ck_assert_int_eq(sim_run_build(&setup, &r), 0);
	for (size_t i = 0, n_done = 0; i < r.n_runs; i++) {
		/* When a job ends, make requests the next one. */
		if (r.runs[i].completed &&
		    n_done + setup.n_make_jobs < WAITING_JOBS)
			requested_ms[n_done++ + setup.n_make_jobs] =
				r.runs[i].ended_ms;
	}
	for (size_t i = 0; i < r.n_runs; i++)
		ck_assert_uint_le(r.runs[i].began_ms -
					  requested_ms[r.runs[i].job],
				  limit_ms);
	sim_result_release(&r);
}

/*
 * Simulate eight jobs of this cost on one node and a local slot.  The caller
 * releases *r.
 */
static void run_eight_jobs(const struct sim_node_setup *node, uint32_t cost_ms,
			   struct sim_result *r)
{
	struct sim_job_setup jobs[8] = { 0 };
	const struct sim_setup setup = { .nodes = node,
					 .n_nodes = 1,
					 .jobs = jobs,
					 .n_jobs = 8,
					 .n_local_slots = 1,
					 .local_slowness = 1 };

	for (size_t i = 0; i < 8; i++)
		jobs[i].cost_ms = jobs[i].predicted_ms = cost_ms;
	ck_assert_int_eq(sim_run_build(&setup, r), 0);
}

TEST(a_quota_doubles_the_time_of_each_job)
{
	const struct sim_node_setup node = { .n_classes = 1,
					     .classes = { { 1, 1 } },
					     .quota = 0.5 };
	struct sim_result r;
	unsigned n_remote = 0;

	run_eight_jobs(&node, 1000, &r);
	for (size_t i = 0; i < r.n_runs; i++) {
		if (r.runs[i].node == SIM_LOCAL || !r.runs[i].completed)
			continue;
		ck_assert_uint_eq(r.runs[i].ended_ms - r.runs[i].began_ms,
				  2000);
		n_remote++;
	}
	ck_assert_uint_gt(n_remote, 0);
	sim_result_release(&r);
}

TEST(a_core_that_is_2000_times_slower_than_another_gets_no_job)
{
	const struct sim_node_setup node = { .n_classes = 2,
					     .classes = { { 1, 1 },
							  { 1, 2000 } },
					     .can_pin = true };
	struct sim_result r;

	run_eight_jobs(&node, 1000, &r);
	for (size_t i = 0; i < r.n_runs; i++)
		ck_assert(r.runs[i].node == SIM_LOCAL || r.runs[i].core == 0);
	sim_result_release(&r);
}

TEST(a_node_above_its_full_speed_does_not_beat_the_lower_bound)
{
	const struct sim_node_setup node = { .n_classes = 1,
					     .classes = { { 4, 1 } },
					     .throttles = { { 1, 4 } },
					     .n_throttles = 1 };
	struct sim_result r;

	run_eight_jobs(&node, 10000, &r);
	ck_assert_uint_ge(r.makespan_ms, r.bound_ms);
	sim_result_release(&r);
}

TEST(a_result_stays_valid_when_its_node_dies)
{
	const struct sim_node_setup node = { .n_classes = 1,
					     .classes = { { 1, 1 } },
					     .dies_ms = 2000,
					     .lost_after_ms = 1000 };
	const struct sim_job_setup job = { .cost_ms = 1000 };
	struct sim_setup setup = { .nodes = &node,
				   .n_nodes = 1,
				   .jobs = &job,
				   .n_jobs = 1,
				   .n_local_slots = 2,
				   .local_slowness = 1,
				   .verify_ms = 10000 };
	struct sim_result r;

	for (int i = 0; i < SIM_N_POLICIES; i++) {
		setup.policy = (enum sim_policy)i;
		ck_assert_int_eq(sim_run_build(&setup, &r), 0);
		ck_assert_uint_eq(r.n_runs, 1);
		ck_assert_uint_eq(r.makespan_ms, 11000);
		sim_result_release(&r);
	}
}
