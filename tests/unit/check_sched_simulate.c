/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sim */
#include "../lib/test.h"
#include "sim-runs.h"
#include "sim/jobs.h"

#include <math.h>
#include <stdio.h>

#define FARMS     40 /* SIMULATED_FARMS overrides this number */
#define NODES_MAX 10

TIMEOUT(600);

static uint64_t random_state;

static double random_share(void)
{
	return sim_random_share(&random_state);
}

/* Return `n` jobs with random costs. */
static struct sim_job_setup *make_jobs(size_t n, double median_ms,
				       double deviation, bool history)
{
	struct sim_job_setup *jobs = xcalloc(n, sizeof(*jobs));

	sim_jobs_set_costs(jobs, n, median_ms, deviation, &random_state);
	sim_jobs_set_predictions(jobs, n, &random_state);
	for (size_t i = 0; i < n; i++) {
		jobs[i].in_bytes = 30000;
		jobs[i].out_bytes = 20000;
		if (!history)
			jobs[i].predicted_ms = 0;
	}
	return jobs;
}

/* Run one policy, check that each job is completed, and return the time. */
static uint64_t simulate(struct sim_setup *setup, enum sim_policy policy,
			 struct sim_result *out)
{
	unsigned *done = xcalloc(setup->n_jobs, sizeof(*done));

	setup->policy = policy;
	ck_assert_int_eq(sim_run_build(setup, out), 0);
	for (size_t i = 0; i < out->n_runs; i++)
		done[out->runs[i].job] += out->runs[i].completed;
	/* A job and its hedge can both end before either is delivered. */
	for (size_t i = 0; i < setup->n_jobs; i++)
		ck_assert_uint_ge(done[i], 1);
	free(done);
	ck_assert_uint_ge(out->makespan_ms, out->bound_ms);
	return out->makespan_ms;
}

static void print_policies(const char *name, struct sim_setup *setup)
{
	static const char *const idle_names[SIM_IDLE_N] = {
		"serial", "tail", "build host", "transfer", "policy"
	};

	printf("%s, %zu jobs, %s:\n", name, setup->n_jobs,
	       setup->jobs->predicted_ms ? "with history" : "first build");
	for (unsigned i = 0; i < SIM_N_POLICIES; i++) {
		struct sim_result r;

		simulate(setup, (enum sim_policy)i, &r);
		printf("  %-13s %7.1f s, efficiency %5.1f %%; idle "
		       "core-seconds:",
		       sim_policy_name((enum sim_policy)i),
		       (double)r.makespan_ms / 1e3,
		       100.0 * (double)r.bound_ms / (double)r.makespan_ms);
		for (unsigned k = 0; k < SIM_IDLE_N; k++)
			printf(" %s %.0f", idle_names[k],
			       r.idle_core_ms[k] / 1e3);
		printf("\n");
		sim_result_release(&r);
	}
}

/* three TV boxes with 8, 8 and 4 Cortex-A53 cores at 100 Mbit/s */
static const struct sim_node_setup tv_boxes[] = {
	{ "a", { { 8, 1 } }, 1, .can_pin = true, .bytes_per_ms = 12500 },
	{ "b", { { 8, 1 } }, 1, .can_pin = true, .bytes_per_ms = 12500 },
	{ "c", { { 4, 1 } }, 1, .can_pin = true, .bytes_per_ms = 12500 },
};

#define RK3399(name)                                                           \
	{                                                                      \
		name, { { 2, 1 }, { 4, 2 } }, 2, true, .bytes_per_ms = 125000, \
	}

/* five boards with 2 Cortex-A72 and 4 Cortex-A53 cores each at 1 Gbit/s */
static const struct sim_node_setup boards[] = {
	RK3399("a"), RK3399("b"), RK3399("c"), RK3399("d"), RK3399("e"),
};

static const struct typical_farm {
	const char *name;
	const struct sim_node_setup *nodes;
	size_t n_nodes;
	unsigned n_local_slots;
	size_t n_jobs;
	double median_ms;
	/*
	 * Minimum efficiency in percent, in a first build and with history: the
	 * lower bound divided by the time.  The bound includes all local slots;
	 * the dispatcher uses all of them except one.
	 */
	unsigned first, later;
} typical_farms[] = {
	{ "8 + 8 + 4 A53", tv_boxes, 3, 5, 450, 1500, 85, 85 },
	{ "8 + 8 + 4 A53", tv_boxes, 3, 5, 2800, 4000, 92, 92 },
	{ "5 x (2 A72 + 4 A53)", boards, 5, 2, 450, 1500, 78, 84 },
	{ "5 x (2 A72 + 4 A53)", boards, 5, 2, 2800, 4000, 87, 92 },
};

TEST_EACH(build_time_is_close_to_the_lower_bound, typical_farms)
{
	for (int history = 0; history < 2; history++) {
		struct sim_job_setup *jobs;
		struct sim_setup setup = {
			.nodes = row->nodes,
			.n_nodes = row->n_nodes,
			.n_jobs = row->n_jobs,
			.n_local_slots = row->n_local_slots,
			.local_slowness = 1,
			.total_known = true,
			.scan_ms = 5,
			.verify_ms = 3,
			.seed = 1,
		};
		struct sim_result r;

		random_state = 1;
		jobs = make_jobs(row->n_jobs, row->median_ms, 0.8, history);
		setup.jobs = jobs;
		print_policies(row->name, &setup);
		simulate(&setup, SIM_KFARM, &r);
		ck_assert_uint_ge(r.bound_ms * 100 / r.makespan_ms,
				  history ? row->later : row->first);
		sim_result_release(&r);
		free(jobs);
	}
}

static void make_farm(struct sim_node_setup *nodes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double slowness = exp(random_share() * 1.2);
		bool two = random_share() < 0.4;

		nodes[i] = (struct sim_node_setup){
			.name = "node",
			.n_classes = two ? 2 : 1,
			.can_pin = random_share() < 0.8,
			.bytes_per_ms = random_share() < 0.3 ? 12500 : 125000,
		};
		nodes[i].classes[0] = (struct sim_class){
			1 + (unsigned)(random_share() * 8), slowness
		};
		nodes[i].classes[1] = (struct sim_class){
			1 + (unsigned)(random_share() * 6),
			slowness * (1.5 + 2 * random_share())
		};
		if (random_share() >= 0.2)
			continue;
		nodes[i].throttles[0] = (struct sim_throttle){ 20000, 0.2 };
		nodes[i].throttles[1] = (struct sim_throttle){
			20000 + (uint64_t)(random_share() * 200000), 1
		};
		nodes[i].n_throttles = 2;
	}
}

/*
 * Simulate a random farm.  ratio[i] receives the time of a build by kfarm
 * divided by its time with policy i.
 */
static void simulate_farm(unsigned seed, bool history,
			  double ratio[SIM_N_POLICIES])
{
	struct sim_node_setup nodes[NODES_MAX];
	struct sim_setup setup = { .nodes = nodes,
				   .n_local_slots = 2,
				   .local_slowness = 1,
				   .total_known = true,
				   .scan_ms = 5,
				   .verify_ms = 3,
				   .seed = seed };
	struct sim_job_setup *jobs;
	uint64_t kfarm_ms = 0;

	random_state = 1000 + seed;
	random_share();
	setup.n_nodes = 1 + (size_t)(random_share() * NODES_MAX);
	make_farm(nodes, setup.n_nodes);
	setup.n_jobs = 200 + (size_t)(random_share() * random_share() * 3000);
	jobs = make_jobs(setup.n_jobs, 1000 + 4000 * random_share(),
			 0.5 + 0.5 * random_share(), history);
	setup.jobs = jobs;
	for (unsigned i = 0; i < SIM_N_POLICIES; i++) {
		struct sim_result r;
		uint64_t ms = simulate(&setup, (enum sim_policy)i, &r);

		kfarm_ms = i == SIM_KFARM ? ms : kfarm_ms;
		ratio[i] = (double)kfarm_ms / (double)ms;
		sim_result_release(&r);
	}
	free(jobs);
}

/* Compare the geometric means of the time ratios. */
TEST_RANGE(kfarm_is_faster_on_average_than_the_other_policies, 0, 2)
{
	const char *number = getenv("SIMULATED_FARMS");
	unsigned n = number ? (unsigned)atoi(number) : FARMS, n_slower = 0;
	double sum[SIM_N_POLICIES] = { 0 }, worst = 0;
	bool history = _i;

	for (unsigned seed = 0; seed < n; seed++) {
		double ratio[SIM_N_POLICIES];

		simulate_farm(seed, history, ratio);
		for (unsigned i = 0; i < SIM_N_POLICIES; i++)
			sum[i] += log(ratio[i]);
		n_slower += ratio[SIM_LEAST_LOADED] > 1.01;
		worst = fmax(worst, ratio[SIM_LEAST_LOADED]);
	}
	printf("%u random farms, %s: kfarm's time divided by that of", n,
	       history ? "with history" : "first build");
	for (unsigned i = SIM_KFARM + 1; i < SIM_N_POLICIES; i++) {
		printf(" %s: %.3f,", sim_policy_name((enum sim_policy)i),
		       exp(sum[i] / n));
		ck_assert_double_lt(exp(sum[i] / n), history ? 0.9 : 0.98);
	}
	printf(" slower than least loaded on %u farms, at most %.2f times\n",
	       n_slower, worst);
}

/* Set *slowness to that of the core which completed each job. */
static void find_slowness(const struct sim_setup *setup,
			  const struct sim_result *r, double *slowness)
{
	for (size_t i = 0; i < r->n_runs; i++) {
		const struct sim_run *run = &r->runs[i];
		const struct sim_node_setup *n = &setup->nodes[run->node];
		uint32_t core = run->core;
		unsigned class = 0;

		if (!run->completed)
			continue;
		slowness[run->job] = setup->local_slowness;
		if (run->node == SIM_LOCAL)
			continue;
		for (; core >= n->classes[class].n_cores; class ++)
			core -= n->classes[class].n_cores;
		slowness[run->job] = n->classes[class].slowness;
	}
}

/* Return the standard deviation of log(predicted_ms / cost_ms). */
static double prediction_error(const struct sim_job_setup *jobs, size_t n)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		double x = log((double)jobs[i].predicted_ms / jobs[i].cost_ms);

		sum += x;
		squares += x * x;
	}
	return sqrt(fmax(squares / (double)n - sum * sum / (double)(n * n), 0));
}

static void use_measured_costs(struct sim_job_setup *jobs, size_t n,
			       const struct sim_result *r)
{
	for (size_t i = 0; i < n; i++) {
		if (r->measured_ms[i])
			jobs[i].predicted_ms = r->measured_ms[i];
	}
}

struct histories {
	/* errors of CPU times, and of costs measured by the dispatcher */
	double cpu_error, cost_error;
	double cpu_ms, cost_ms, exact_ms; /* time with each history */
};

static uint64_t simulated_ms(struct sim_setup *setup)
{
	struct sim_result r;
	uint64_t ms = simulate(setup, SIM_KFARM, &r);

	sim_result_release(&r);
	return ms;
}

/*
 * Simulate a first build, a build whose history consists of its CPU times, and
 * a build whose history consists of the costs that two builds have measured. In
 * a first build, the costs are estimates from the sizes of the inputs.
 */
static struct histories compare_histories(unsigned seed)
{
	struct sim_node_setup nodes[NODES_MAX];
	struct sim_setup setup = { .nodes = nodes,
				   .n_local_slots = 2,
				   .local_slowness = 1,
				   .total_known = true,
				   .scan_ms = 5,
				   .verify_ms = 3,
				   .seed = seed };
	struct sim_job_setup *jobs;
	struct sim_result r;
	struct histories h;
	double *slowness;

	random_state = 1000 + seed;
	random_share();
	setup.n_nodes = 1 + (size_t)(random_share() * NODES_MAX);
	make_farm(nodes, setup.n_nodes);
	for (size_t i = 0; i < setup.n_nodes; i++)
		nodes[i].n_throttles = 0;
	setup.n_jobs = 200 + (size_t)(random_share() * random_share() * 3000);
	jobs = make_jobs(setup.n_jobs, 1000 + 4000 * random_share(),
			 0.5 + 0.5 * random_share(), false);
	setup.jobs = jobs;
	slowness = xcalloc(setup.n_jobs, sizeof(*slowness));
	simulate(&setup, SIM_KFARM, &r);
	find_slowness(&setup, &r, slowness);
	for (size_t i = 0; i < setup.n_jobs; i++)
		jobs[i].predicted_ms = 1 + (uint32_t)(jobs[i].cost_ms *
						      slowness[i]);
	h.cpu_error = prediction_error(jobs, setup.n_jobs);
	h.cpu_ms = (double)simulated_ms(&setup);
	use_measured_costs(jobs, setup.n_jobs, &r);
	sim_result_release(&r);
	simulate(&setup, SIM_KFARM, &r);
	use_measured_costs(jobs, setup.n_jobs, &r);
	h.cost_error = prediction_error(jobs, setup.n_jobs);
	h.cost_ms = (double)simulated_ms(&setup);
	for (size_t i = 0; i < setup.n_jobs; i++)
		jobs[i].predicted_ms = jobs[i].cost_ms;
	h.exact_ms = (double)simulated_ms(&setup);
	sim_result_release(&r);
	free(slowness);
	free(jobs);
	return h;
}

TEST(measured_costs_predict_better_than_cpu_times)
{
	const char *number = getenv("SIMULATED_FARMS");
	unsigned n = number ? (unsigned)atoi(number) : FARMS;
	double cpu_error = 0, cost_error = 0, cpu = 0, cost = 0;

	for (unsigned seed = 0; seed < n; seed++) {
		struct histories h = compare_histories(seed);

		cpu_error += h.cpu_error / n;
		cost_error += h.cost_error / n;
		cpu += log(h.cpu_ms / h.exact_ms) / n;
		cost += log(h.cost_ms / h.exact_ms) / n;
	}
	printf("%u random farms: error of CPU times %.2f, of measured costs "
	       "%.2f; time divided by that with exact costs: CPU times %.3f, "
	       "measured costs %.3f\n",
	       n, cpu_error, cost_error, exp(cpu), exp(cost));
	ck_assert_double_lt(cost_error, 0.5 * cpu_error);
}

TEST(a_seed_determines_the_build)
{
	struct sim_job_setup *jobs;
	struct sim_setup setup = { .nodes = boards,
				   .n_nodes = 5,
				   .n_jobs = 300,
				   .n_local_slots = 2,
				   .local_slowness = 1,
				   .seed = 3 };
	struct sim_result a, b;

	random_state = 1;
	setup.jobs = jobs = make_jobs(300, 2000, 0.8, false);
	simulate(&setup, SIM_KFARM, &a);
	simulate(&setup, SIM_KFARM, &b);
	ck_assert_uint_eq(a.makespan_ms, b.makespan_ms);
	ck_assert(runs_are_equal(&a, &b));
	sim_result_release(&a);
	sim_result_release(&b);
	free(jobs);
}

/* The jobs of a dead node are executed again. */
TEST_RANGE(a_build_completes_if_a_node_dies_at_any_time, 0, 20)
{
	struct sim_node_setup nodes[5];
	struct sim_job_setup *jobs;
	struct sim_setup setup = { .nodes = nodes,
				   .n_nodes = 5,
				   .n_jobs = 300,
				   .n_local_slots = 2,
				   .local_slowness = 1,
				   .total_known = true,
				   .seed = 3 };
	struct sim_result r;
	uint64_t alive_ms;

	random_state = 1;
	memcpy(nodes, boards, sizeof(nodes));
	setup.jobs = jobs = make_jobs(300, 2000, 0.8, true);
	alive_ms = simulate(&setup, SIM_KFARM, &r);
	sim_result_release(&r);
	nodes[0].dies_ms = 1 + (uint64_t)_i * alive_ms / 20;
	nodes[0].lost_after_ms = 5000;
	simulate(&setup, SIM_KFARM, &r);
	sim_result_release(&r);
	free(jobs);
}
