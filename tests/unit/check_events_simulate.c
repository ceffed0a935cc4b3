/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "../lib/test.h"

#include "events/simulate.h"

#include "base/clock.h"
#include "base/list.h"
#include "ui/model.h"

#include <malloc.h>

static struct ui_model m;
static uint64_t n_events, last_ms, sum;

static void set_up(void)
{
	ui_model_init(&m);
	n_events = last_ms = sum = 0;
}

static void tear_down(void)
{
	ui_model_release(&m);
}

/* Hash all events (FNV-1a). */
static void put_sum(const char *text)
{
	for (; text && *text; text++)
		sum = (sum ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
}

static void on_told(void *ctx, const struct events_event *ev)
{
	struct buf line = { 0 };

	(void)ctx;
	ck_assert_uint_ge(ev->at_ms, last_ms);
	last_ms = ev->at_ms;
	n_events++;
	ui_model_add_event(&m, ev);
	events_encode(&line, ev);
	put_sum(buf_str(&line));
	buf_release(&line);
}

static void on_counted(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	n_events++;
	last_ms = ev->at_ms;
	ui_model_add_event(&m, ev);
}

static struct events_simulate_setup sample(uint64_t seed)
{
	return (struct events_simulate_setup){ .seed = seed,
					       .n_nodes = 6,
					       .jobs_per_s = 60 };
}

static void run(const struct events_simulate_setup *setup)
{
	struct events_simulate *s = events_simulate_new(setup);

	while (events_simulate_next_ms(s) != UINT64_MAX)
		events_simulate_run_until(s, events_simulate_next_ms(s) + 100,
					  on_told, NULL);
	events_simulate_free(s);
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(a_build_runs_from_its_configuration_to_its_artifacts)
{
	static const char *const wanted[] = { "config", "prepare",  "compile",
					      "link",   "modpost",  "modules",
					      "dtbs",   "artifacts" };
	struct events_simulate_setup setup = sample(1);

	run(&setup);
	ck_assert(m.done);
	ck_assert_int_eq(m.status, 0);
	ck_assert_uint_eq(m.n_phases, sizeof(wanted) / sizeof(*wanted));
	for (unsigned i = 0; i < m.n_phases; i++)
		ck_assert_str_eq(m.phases[i].name, wanted[i]);
	ck_assert_uint_eq(m.n_jobs, 0);
	ck_assert_uint_eq(m.totals.n_remote + m.totals.n_local,
			  3600 + 3600 / 20 + 1);
	ck_assert_uint_gt(m.totals.n_retried, 0);
	ck_assert_uint_gt(m.totals.n_warnings, 0);
	ck_assert_uint_eq(m.totals.n_errors, 0);
	ck_assert_uint_ge(m.totals.n_reasons, 4);
}

TEST(a_simulation_has_an_idle_a_hot_and_a_failing_node)
{
	struct events_simulate_setup setup = sample(1);
	struct events_simulate *s = events_simulate_new(&setup);

	events_simulate_run_until(s, 30000, on_told, NULL);
	ck_assert_uint_gt(
		ui_node_idle_ms(ui_model_find_node(&m, "neo4b"), 30000), 10000);
	ck_assert_int_gt(ui_model_find_node(&m, "neo4a")->temperature, 85000);
	ck_assert_int_lt(ui_model_find_node(&m, "neo4a")->clock_speed, 1000);
	ck_assert_uint_gt(ui_model_find_node(&m, "laptop")->reported->n_failed,
			  0);
	ck_assert_uint_eq(ui_model_find_node(&m, "desk")->reported->n_failed,
			  0);
	/* Roughly the requested rate. */
	ck_assert_uint_gt(ui_model_rate_milli(&m, 30000, 20), 40000);
	ck_assert_uint_lt(ui_model_rate_milli(&m, 30000, 20), 90000);
	events_simulate_free(s);
}

TEST(the_seed_determines_the_events)
{
	struct events_simulate_setup one = sample(1), two = sample(2);
	uint64_t first;

	run(&one);
	first = sum;
	tear_down();
	set_up();
	run(&one);
	ck_assert_uint_eq(sum, first);
	tear_down();
	set_up();
	run(&two);
	ck_assert_uint_ne(sum, first);
}

TEST(the_events_do_not_depend_on_the_time_steps)
{
	struct events_simulate_setup setup = sample(3);
	struct events_simulate *s = events_simulate_new(&setup);
	uint64_t first;

	run(&setup);
	first = sum;
	tear_down();
	set_up();
	events_simulate_run_until(s, 1, on_told, NULL);
	events_simulate_run_until(s, 33333, on_told, NULL);
	events_simulate_run_until(s, 20000, on_told, NULL);
	events_simulate_run_until(s, UINT64_MAX - 1, on_told, NULL);
	ck_assert_uint_eq(events_simulate_next_ms(s), UINT64_MAX);
	events_simulate_free(s);
	ck_assert_uint_eq(sum, first);
}

TEST(a_failing_build_has_one_error_and_does_not_start_all_jobs)
{
	struct events_simulate_setup setup = sample(1);

	setup.erroneous = true;
	run(&setup);
	ck_assert(m.done);
	ck_assert_int_eq(m.status, 2);
	ck_assert_uint_eq(m.totals.n_errors, 1);
	ck_assert_uint_eq(m.n_jobs, 0);
	ck_assert_uint_lt(m.totals.n_remote + m.totals.n_local, 3600);
	ck_assert_str_eq(ui_model_phase(&m), "compile");
}

/* Nodes, jobs per second, jobs: each simulation ends. */
static const unsigned sizes[][3] = {
	{ 0, 1, 1 },          { 0, 50, 0 },     { 1, 1, 5 },
	{ 2, 100000, 50000 }, { 5, 500, 1000 }, { 28, 500, 0 },
	{ 500, 500, 0 },      { 4096, 9, 100 }, { 3, 1, 2 },
};

TEST_EACH(simulations_of_all_sizes_end, sizes)
{
	struct events_simulate_setup setup = { .seed = 7,
					       .n_nodes = (*row)[0],
					       .jobs_per_s = (*row)[1],
					       .n_jobs = (*row)[2] };
	struct events_simulate *s = events_simulate_new(&setup);

	events_simulate_run_until(s, 3600 * 1000, on_counted, NULL);
	ck_assert(m.done);
	ck_assert_uint_eq(m.n_jobs, 0);
	events_simulate_free(s);
}

TEST(a_build_with_a_single_job_can_fail)
{
	struct events_simulate_setup setup = {
		.seed = 7, .jobs_per_s = 1, .n_jobs = 1, .erroneous = true
	};

	run(&setup);
	ck_assert_int_eq(m.status, 2);
	ck_assert_uint_eq(m.totals.n_errors, 1);
}

#define CHECKED_JOBS 100000

/* Name of the node to which a job was last sent, by number of the job. */
static char (*sent_to)[16];
static uint64_t load_ms; /* time of the last load of a node */

/* Check an event against the state of the model before it. */
static void on_checked(void *ctx, const struct events_event *ev)
{
	const struct ui_node *n = ev->node ? ui_model_find_node(&m, ev->node) :
					     NULL;
	char *last = ev->job <= CHECKED_JOBS ? sent_to[ev->job] : NULL;

	if (ev->kind == EVENTS_KIND_LOAD)
		load_ms = ev->at_ms;
	if (ev->kind == EVENTS_KIND_DONE)
		ck_assert_uint_eq(load_ms, ev->at_ms);
	if (ev->kind == EVENTS_KIND_CELL)
		ck_assert(!n || !str_equal(n->sandbox, ev->text));
	if (ev->kind == EVENTS_KIND_NODE)
		ck_assert(!n || !str_equal(n->reported->state, ev->text));
	if (ev->kind == EVENTS_KIND_JOB && ev->state == EVENTS_JOB_SEND &&
	    last) {
		ck_assert_str_ne(last, ev->node);
		snprintf(last, sizeof(*sent_to), "%s", ev->node);
	}
	on_counted(ctx, ev);
}

TEST(state_events_are_changes_and_retries_use_another_node)
{
	struct events_simulate_setup setup = { .seed = 1,
					       .n_nodes = 6,
					       .jobs_per_s = 500,
					       .n_jobs = CHECKED_JOBS };
	struct events_simulate *s = events_simulate_new(&setup);

	sent_to = xcalloc(CHECKED_JOBS + 1, sizeof(*sent_to));
	events_simulate_run_until(s, UINT64_MAX - 1, on_checked, NULL);
	ck_assert(m.done);
	ck_assert_uint_gt(m.totals.n_retried, 0);
	events_simulate_free(s);
	free(sent_to);
}

static void check_sums(void)
{
	unsigned now[EVENTS_N_JOB_STATES] = { 0 }, n = 0;
	const struct ui_job *j;

	list_for_each(j, &m.open_jobs, entry) {
		now[j->state]++;
		n++;
		ck_assert(!j->node || j->node->slots[j->slot] == j);
	}
	ck_assert_uint_eq(n, m.n_jobs);
	ck_assert_mem_eq(now, m.n_by_state, sizeof(now));
}

static size_t memory(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

TEST(memory_does_not_grow_with_a_million_events)
{
	struct events_simulate_setup setup = {
		.seed = 11, .n_nodes = 28, .jobs_per_s = 500, .n_jobs = 200000
	};
	struct events_simulate *s = events_simulate_new(&setup);
	size_t early;

	events_simulate_run_until(s, 60000, on_counted, NULL);
	early = memory();
	while (events_simulate_next_ms(s) != UINT64_MAX) {
		events_simulate_run_until(s, last_ms + 10000, on_counted, NULL);
		check_sums();
	}
	ck_assert_uint_gt(n_events, 1000000);
	ck_assert(m.done);
	ck_assert_uint_eq(m.totals.n_remote + m.totals.n_local, 210001);
	ck_assert_uint_le(memory(), early + (256u << 10));
	events_simulate_free(s);
}
