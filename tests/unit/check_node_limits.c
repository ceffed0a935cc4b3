/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node */
#include "node/limits.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>

static const struct sample {
	uint16_t cores, given;
	uint32_t available;
	unsigned configured;
	unsigned slots;
	const char *why;
} samples[] = {
	{ 1, 0, 0, 0, 2, "1 core + 1 queued ahead" },
	{ 2, 0, 8000, 0, 3, "2 cores + 1 queued ahead" },
	{ 4, 0, 8000, 0, 5, "4 cores + 1 queued ahead" },
	{ 6, 0, 8000, 0, 8, "6 cores + 2 queued ahead" },
	{ 64, 0, 90000, 0, 80, "64 cores + 16 queued ahead" },
	{ 4, 0, 1024, 0, 4,
	  "4 cores + 1 queued ahead, less for 1024 MiB of free memory at "
	  "256 a job" },
	{ 4, 0, 100, 0, 1,
	  "4 cores + 1 queued ahead, less for 100 MiB of free memory at "
	  "256 a job" },
	{ 4, 3, 8000, 0, 3,
	  "4 cores + 1 queued ahead, limited to 3 by its kfarmd" },
	{ 4, 0, 8000, 2, 2,
	  "4 cores + 1 queued ahead, limited to 2 by the configuration" },
	{ 4, 9, 8000, 9, 5, "4 cores + 1 queued ahead" },
	{ 4, 3, 8000, 2, 2,
	  "4 cores + 1 queued ahead, limited to 3 by its kfarmd, "
	  "limited to 2 by the configuration" },
	{ 0, 0, 0, 0, 2, "1 core + 1 queued ahead" },
	/* What it claims is no reason for make -j 81923. */
	{ 65535, 0, 0, 0, 1024,
	  "65535 cores + 16384 queued ahead, no node gets more than 1024" },
	{ 65535, 0, 0, 1000, 1000,
	  "65535 cores + 16384 queued ahead, no node gets more than 1024, "
	  "limited to 1000 by the configuration" },
};

START_TEST(limit_follows_cores_memory_and_configuration)
{
	const struct sample *s = &samples[_i];
	struct wire_inventory inv = { .cores = s->cores,
				      .slots = s->given,
				      .available_mib = s->available };
	struct node_limit l;

	node_limit(&l, &inv, s->configured);
	ck_assert_uint_eq(l.slots, s->slots);
	ck_assert_str_eq(l.why, s->why);
	free(l.why);
}
END_TEST

/* cores, --slots of kfarmd, what a person may ask for */
static const struct {
	unsigned cores, given, most;
} asked[] = {
	{ 4, 0, 8 }, { 4, 6, 6 },      { 4, 40, 8 },     { 0, 0, 2 },
	{ 1, 1, 1 }, { 511, 0, 1022 }, { 512, 0, 1024 }, { 65535, 0, 1024 },
};

START_TEST(a_person_may_ask_for_two_jobs_a_core)
{
	struct wire_inventory inv = { .cores = asked[_i].cores,
				      .slots = asked[_i].given,
				      .available_mib = 100 };

	ck_assert_uint_eq(node_limit_most(&inv), asked[_i].most);
}
END_TEST

START_TEST(local_limit_is_the_cores)
{
	struct wire_inventory inv = { .cores = 8, .available_mib = 100 };
	struct node_limit l;

	node_limit_local(&l, &inv);
	ck_assert_uint_eq(l.slots, 8);
	ck_assert_str_eq(l.why, "8 cores");
	free(l.why);
}
END_TEST

START_TEST(half_of_a_limit_is_never_none)
{
	const struct wire_inventory inv = { .cores = 4 };
	struct node_limit l;

	node_limit(&l, &inv, 0);
	node_limit_halve(&l);
	ck_assert_uint_eq(l.slots, 2);
	ck_assert_str_eq(l.why, "4 cores + 1 queued ahead, half of 5 for a "
				"nightly build");
	node_limit_halve(&l);
	ck_assert_uint_eq(l.slots, 1);
	node_limit_halve(&l);
	ck_assert_uint_eq(l.slots, 1);
	free(l.why);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("node/limits");
	TCase *tc = tcase_create("limits");

	tcase_add_loop_test(tc, limit_follows_cores_memory_and_configuration, 0,
			    sizeof(samples) / sizeof(*samples));
	tcase_add_loop_test(tc, a_person_may_ask_for_two_jobs_a_core, 0,
			    sizeof(asked) / sizeof(*asked));
	tcase_add_test(tc, half_of_a_limit_is_never_none);
	tcase_add_test(tc, local_limit_is_the_cores);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
