/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
/*
 * Random farms in virtual time: SCHED_RUNS farms, starting with the seed
 * SCHED_SEED (1), and a large one.
 */
#include "../lib/test.h"
#include "sched-farm.h"

#include <time.h>

#define HOUR_MS 3600000ull
#ifdef __SANITIZE_ADDRESS__
#define RUNS    40
#define LARGE_S 100
#else
#define RUNS    500
#define LARGE_S 10
#endif

static uint64_t env_number(const char *name, uint64_t default_value)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : default_value;
}

/* Return a random number of thousandths from 0 to `most`, often 0. */
static unsigned chance(struct farm *f, unsigned most)
{
	return farm_chance(f, 300) ? 0 : (unsigned)farm_random(f, most + 1);
}

static void random_setup(struct farm *f, uint64_t seed)
{
	struct farm_setup *p = &f->setup;

	f->random = seed * 0x2545f4914f6cdd1d + 7;
	*p = (struct farm_setup){
		.seed = seed,
		.nodes = (unsigned)farm_random(f, 9),
		.slots = 1 + (unsigned)farm_random(f, 6),
		.local_slots = 1 + (unsigned)farm_random(f, 5),
		.units = 1 + (unsigned)farm_random(f, 150),
		.at_once = 1 + (unsigned)farm_random(f, 60),
		.scans_max = 1 + (unsigned)farm_random(f, 64),
		.patience_ms = 100 + (unsigned)farm_random(f, 2000),
		.job_ms = 100 + (unsigned)farm_random(f, 4000),
		.local_ms = 100 + (unsigned)farm_random(f, 6000),
		.kill = chance(f, 100),
		.local = chance(f, 100),
		.unsent = chance(f, 50),
		.fail = chance(f, 300),
		.stall = chance(f, 100),
		.swallow = chance(f, 100),
		.wrong = chance(f, 100),
		.changed = chance(f, 100),
		.verdict_local = chance(f, 100),
		.touch = chance(f, 100),
		.hedge_fails = chance(f, 500),
		.hedge_bad = chance(f, 300),
		.die = chance(f, 100),
		.spoil = chance(f, 100),
		.wear = chance(f, 100),
		.unfit = chance(f, 100),
		.no_cell = chance(f, 300),
		.never = chance(f, 100),
		.drain = chance(f, 200),
		.classes = chance(f, 1000),
	};
}

static uint64_t run_seed(uint64_t seed, struct farm *total)
{
	struct farm f = { 0 };
	uint64_t digest;

	random_setup(&f, seed);
	farm_run(&f, 2 * HOUR_MS);
	digest = f.digest;
	total->n_events += f.n_events;
	total->n_actions += f.n_actions;
	total->delivered += f.delivered;
	total->compiled += f.compiled;
	total->killed += f.killed;
	total->hedges += f.hedges;
	total->backups += f.backups;
	farm_release(&f);
	return digest;
}

TIMEOUT(3600);

TEST(each_unit_of_a_random_farm_ends_once_and_runs_are_repeatable)
{
	uint64_t runs = env_number("SCHED_RUNS", RUNS);
	uint64_t seed = env_number("SCHED_SEED", 1);
	struct farm total = { 0 }, again = { 0 };

	for (uint64_t i = 0; i < runs; i++, seed++) {
		uint64_t digest = run_seed(seed, &total);

		if (digest != run_seed(seed, &again))
			ck_abort_msg("seed %ju: two runs differ",
				     (uintmax_t)seed);
	}
	printf("%ju runs: %ju events, %ju actions; units: %u delivered, "
	       "%u compiled here, %u left before; %u hedges, %u backups\n",
	       (uintmax_t)runs, (uintmax_t)total.n_events,
	       (uintmax_t)total.n_actions, total.delivered, total.compiled,
	       total.killed, total.hedges, total.backups);
	ck_assert_uint_gt(total.backups, 0);
}

TIMEOUT(300);

TEST(scheduling_100000_units_on_500_nodes_takes_seconds_of_cpu_time)
{
	struct farm f = { .setup = { .seed = 1,
				     .nodes = 500,
				     .slots = 16,
				     .local_slots = 16,
				     .units = 100000,
				     .at_once = 9000,
				     .scans_max = 64,
				     .patience_ms = 1000,
				     .job_ms = 2000,
				     .local_ms = 2000,
				     .local = 2,
				     .fail = 10,
				     .stall = 1,
				     .wrong = 1,
				     .die = 1 } };
	clock_t began = clock();
	double took_s;

	farm_run(&f, 2 * HOUR_MS);
	/* CPU time, which does not depend on other processes. */
	took_s = (double)(clock() - began) / CLOCKS_PER_SEC;
	printf("500 nodes, 100000 units: %.2f s for %.1f s; %ju events, "
	       "%u delivered, %u compiled here, %u hedges\n",
	       took_s, (double)f.now_ms / 1e3, (uintmax_t)f.n_events,
	       f.delivered, f.compiled, f.hedges);
	ck_assert_double_lt(took_s, LARGE_S);
	farm_release(&f);
}
