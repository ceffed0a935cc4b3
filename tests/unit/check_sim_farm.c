/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sim */
#include "../lib/test.h"
#include "base/vec.h"
#include "sim/farm.h"

static int parse(struct sim_farm *f, const char *text, struct err *err)
{
	return sim_farm_parse(f, "FARM", bytes_of(text, strlen(text)), err);
}

static const char farm[] = "[host]\n"
			   "\tcores = 8\n"
			   "\tspeed = 2\n"
			   "\tslots = 5\n"
			   "\tcpu = 12.5 ms\n"
			   "[node \"board\"]\n"
			   "\tcount = 2\n"
			   "\tcores = 2\n"
			   "\tcores = 4 x 0.5\n"
			   "\tslots = 7\n"
			   "\tpin = no\n"
			   "\tquota = 1.5\n"
			   "\trate = 100 Mbit/s\n"
			   "\tthrottle = 20 s x 0.25\n"
			   "\tthrottle = 2 min x 1\n"
			   "[node \"c\"]\n"
			   "\tcores = 1 # one\n"
			   "\tdies = 1 s\n"
			   "\treturns = 10000ms\n"
			   "[jobs]\n"
			   "\tcount = 20\n"
			   "\tmedian = 1.5 s\n"
			   "\tinput = 10 kB\n"
			   "\toutput = 1 MB\n"
			   "\tprepare = 3 s\n"
			   "\tlink = 4 s\n"
			   "\tmake-jobs = 9\n"
			   "\tseed = 7\n";

TEST(a_file_defines_nodes_and_jobs)
{
	struct sim_farm f;
	const struct sim_setup *s = &f.setup;
	const struct sim_node_setup *n;
	struct err err = { 0 };

	ck_assert_int_eq(parse(&f, farm, &err), 0);
	ck_assert_uint_eq(s->n_host_cores, 8);
	ck_assert_uint_eq(s->n_local_slots, 5);
	ck_assert_double_eq(s->local_slowness, 0.5);
	ck_assert_double_eq(s->host_ms, 12.5);
	ck_assert_uint_eq(s->n_make_jobs, 9);
	ck_assert_uint_eq(s->seed, 7);
	ck_assert_uint_eq(s->n_nodes, 3);
	n = &s->nodes[1];
	ck_assert_str_eq(n->name, "board-2");
	ck_assert_uint_eq(n->n_classes, 2);
	ck_assert_uint_eq(n->classes[1].n_cores, 4);
	ck_assert_double_eq(n->classes[1].slowness, 2);
	ck_assert_uint_eq(n->n_slots, 7);
	ck_assert(!n->can_pin);
	ck_assert_double_eq(n->bytes_per_ms, 12500);
	ck_assert_double_eq(sim_node_share(n), 0.25);
	ck_assert_uint_eq(n->n_throttles, 2);
	ck_assert_uint_eq(n->throttles[1].at_ms, 120000);
	ck_assert_double_eq(n->throttles[0].factor, 0.25);
	n = &s->nodes[2];
	ck_assert_str_eq(n->name, "c");
	ck_assert(n->can_pin);
	ck_assert_uint_eq(n->dies_ms, 1000);
	ck_assert_uint_eq(n->returns_ms, 10000);

	ck_assert_int_eq(sim_farm_generate_jobs(&f, &err), 0);
	ck_assert_uint_eq(s->n_jobs, 20);
	ck_assert_uint_eq(s->jobs[19].in_bytes, 10000);
	ck_assert_uint_eq(s->jobs[19].out_bytes, 1000000);
	ck_assert_uint_eq(s->serial_ms[0], 3000);
	ck_assert_uint_eq(s->end_ms, 4000);
	sim_farm_release(&f);
}

#define KEYS_OF_NODE                                                           \
	"unknown key; expected one of: cores, count, dies, pin, quota, rate, " \
	"returns, slots, throttle"
#define NODE "[node \"a\"]\ncores = 1\n"

static const struct invalid_farm {
	const char *text, *error;
} invalid_farms[] = {
	{ "", "FARM: no nodes; add a section [node \"NAME\"]" },
	{ "[node \"a\"]\nslots = 2\n",
	  "FARM:1: [node \"a\"]: no cores; set `cores = NUMBER`" },
	{ "[node]\ncores = 2\n",
	  "FARM:1: [node]: missing name; write [node \"NAME\"]" },
	{ "\n[farm]\n",
	  "FARM:2: [farm]: unknown section; expected host, node or jobs" },
	{ NODE "core = 2\n", "FARM:3: node.core: " KEYS_OF_NODE },
	{ NODE "cores\n",
	  "FARM:3: node.cores: missing value; write cores = VALUE" },
	{ NODE "slots = 0\n",
	  "FARM:3: node.slots: invalid value \"0\": expected 1 to 1024" },
	{ NODE "slots = 2 x\n",
	  "FARM:3: node.slots: invalid value \"2 x\": expected 1 to 1024" },
	{ NODE "rate = 100\n",
	  "FARM:3: node.rate: invalid value \"100\": expected 0.1 Mbit/s to "
	  "100 Gbit/s" },
	{ NODE "dies = 1.2.3 s\n",
	  "FARM:3: node.dies: invalid value \"1.2.3 s\": expected 1 ms to "
	  "6000 min" },
	{ NODE "cores = 4 x\n",
	  "FARM:3: node.cores: invalid value \"4 x\": expected a number of "
	  "cores, or their number and speed as in \"4 x 0.5\"" },
	{ NODE "throttle = 60 s\n",
	  "FARM:3: node.throttle: invalid value \"60 s\": expected a time and "
	  "the speed from then on, as in \"60 s x 0.5\"" },
	{ NODE "throttle = 9 s x 1\nthrottle = 9 s x 2\n",
	  "FARM:4: node.throttle: 9 s x 2: the time must be later than "
	  "that of the previous `throttle`; sort the lines by time" },
	{ NODE "pin = maybe\n",
	  "FARM:3: node.pin: invalid value \"maybe\": expected yes or no" },
	{ NODE "returns = 10 s\n",
	  "FARM:1: [node \"a\"]: `returns` without `dies`; set `dies = TIME`" },
	{ NODE "dies = 10 s\nreturns = 12 s\n",
	  "FARM:1: [node \"a\"]: the node returns before kfarm detects its "
	  "failure; set `returns` to at least 6 s after `dies`" },
	{ NODE "count = 10000\n[node \"b\"]\ncores = 1\n",
	  "FARM:4: more than 10000 nodes; reduce `count`" },
};

TEST_EACH(an_error_names_the_line_and_the_remedy, invalid_farms)
{
	struct sim_farm f;
	struct err err = { 0 };
	int ret = parse(&f, row->text, &err);

	ck_assert_str_eq(err.text, row->error);
	ck_assert_int_eq(ret, -EINVAL);
	sim_farm_release(&f);
}

TEST(job_generation_requires_a_median_time_or_a_recorded_build)
{
	struct sim_farm f;
	struct err err = { 0 };

	ck_assert_int_eq(parse(&f, NODE "[jobs]\ncount = 3\n", &err), 0);
	ck_assert_int_eq(sim_farm_generate_jobs(&f, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "no jobs; set `count = NUMBER` and `median = TIME`, "
			 "or `build = latest`, in [jobs]");
	sim_farm_release(&f);
}

/* make requests d.o only after all other units have ended. */
static struct history_unit units[] = {
	{ .object = "b.o",
	  .job_number = 2,
	  .queued_ms = 1010,
	  .done_ms = 1900,
	  .cpu_ms = 700,
	  .remote = true },
	{ .object = "a.o",
	  .job_number = 1,
	  .queued_ms = 1000,
	  .done_ms = 1400,
	  .cpu_ms = 0,
	  .remote = true },
	{ .object = "d.o",
	  .job_number = 4,
	  .queued_ms = 2500,
	  .done_ms = 3000,
	  .cpu_ms = 400 },
	{ .object = "c.o",
	  .job_number = 3,
	  .queued_ms = 2100,
	  .done_ms = 2200,
	  .cpu_ms = 90,
	  .remote = true },
	{ .object = "unfinished.o",
	  .job_number = 5,
	  .queued_ms = 2600,
	  .done_ms = -1,
	  .cpu_ms = -1 },
};

TEST(a_recorded_build_has_a_phase_after_each_serial_step)
{
	static struct history_node node = { .name = "n",
					    .sent_bytes = 900,
					    .received_bytes = 300 };
	const struct history_build build = {
		.number = 3, .wall_ms = 3700, .n_remote = 3, .host_ms = 600
	};
	const struct history_details details = { .units = units,
						 .n_units = ARRAY_SIZE(units),
						 .nodes = &node,
						 .n_nodes = 1 };
	struct sim_farm f;
	const struct sim_job_setup *jobs;
	struct err err = { 0 };

	ck_assert_int_eq(parse(&f, NODE, &err), 0);
	ck_assert_int_eq(sim_farm_set_build(&f, &build, &details, &err), 0);
	jobs = f.setup.jobs;
	ck_assert_uint_eq(f.setup.n_jobs, 4);
	ck_assert_str_eq(jobs[0].name, "a.o");
	ck_assert_uint_eq(jobs[0].cost_ms, 1);
	ck_assert_uint_eq(jobs[1].cost_ms, 700);
	ck_assert_uint_eq(jobs[1].in_bytes, 300);
	ck_assert_uint_eq(jobs[1].out_bytes, 100);
	/* 200 ms without an outstanding unit are no serial step. */
	ck_assert_uint_eq(jobs[2].phase, 0);
	ck_assert_uint_eq(jobs[3].phase, 1);
	ck_assert_uint_eq(f.setup.serial_ms[0], 1000);
	ck_assert_uint_eq(f.setup.serial_ms[1], 300);
	ck_assert_uint_eq(f.setup.end_ms, 700);
	/* 600 ms without the local compile, for 4 jobs */
	ck_assert_double_eq(f.setup.host_ms, 50);
	sim_farm_release(&f);
}

TEST(a_recorded_build_needs_units)
{
	const struct history_build build = { .number = 3 };
	const struct history_details details = { 0 };
	struct sim_farm f;
	struct err err = { 0 };

	ck_assert_int_eq(parse(&f, NODE, &err), 0);
	ck_assert_int_eq(sim_farm_set_build(&f, &build, &details, &err),
			 -ENODATA);
	ck_assert_str_eq(err.text,
			 "build 3: the history has no units of this build; "
			 "choose another build that `kfarm history` lists");
	sim_farm_release(&f);
}
