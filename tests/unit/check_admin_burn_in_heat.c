/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: peer admin */
/* Core classes, temperatures and throttling of a node during a burn-in. */
#include "../lib/test.h"

#include "admin/burn-in.h"

static const struct node_entry entry = { .name = (char *)"x" };
static struct wire_core_class cores[3];
static struct wire_machine machine;
static struct wire_health health;
static struct wire_heat heat;
static struct peer_stats figures;
static struct admin_node_test_result is;
static struct admin_test_state_node n;

/* A board with two classes, and CPUs that are excluded from jobs. */
static void set_up(void)
{
	cores[0] = (struct wire_core_class){ .model = (char *)"Cortex-A72",
					     .n_cpus = 2,
					     .n_usable = 2,
					     .max_khz = 1800000 };
	cores[1] = cores[2] = (struct wire_core_class){
		.model = (char *)"Cortex-A53",
		.n_cpus = 4,
		.n_usable = 4,
		.max_khz = 1416000
	};
	cores[2].n_usable = 0;
	machine = (struct wire_machine){ .n_classes = 3, .classes = cores };
	health = wire_health_unknown;
	heat = (struct wire_heat){ 0 };
	figures = (struct peer_stats){ .machine = &machine,
				       .health = &health,
				       .heat = &heat,
				       .can_pin_jobs = true };
	admin_node_test_result_init(&is, &entry);
	n = (struct admin_test_state_node){
		.result = &is, .stage = ADMIN_NODE_TEST_STAGE_BURN_IN
	};
}

static void tear_down(void)
{
	admin_node_test_result_release(&is);
}

FIXTURE(set_up, tear_down);

TEST(core_classes_with_different_models_are_named_by_model)
{
	admin_burn_heat_init_classes(&n, &figures);
	ck_assert(n.jobs_pinned && !is.classes_merged);
	ck_assert_uint_eq(is.n_classes, 3);
	ck_assert_uint_eq(admin_node_test_count_classes(&is), 2);
	ck_assert_str_eq(is.class_results[0].name, "Cortex-A72");
	ck_assert_str_eq(is.class_results[1].name, "Cortex-A53");
	ck_assert_uint_eq(is.class_results[1].n_cpus, 4);
	ck_assert_uint_eq(is.class_results[2].n_cpus, 0);
}

TEST(core_classes_of_the_same_model_are_named_by_clock)
{
	cores[2].n_usable = 1;
	cores[2].max_khz = 1000000;
	cores[0].max_khz = 0;
	cores[0].model = (char *)"";
	admin_burn_heat_init_classes(&n, &figures);
	ck_assert_str_eq(is.class_results[0].name, "class 0");
	ck_assert_str_eq(is.class_results[1].name, "1416 MHz");
	ck_assert_str_eq(is.class_results[2].name, "1000 MHz");
}

/* Protocol version 8 and older: classes, but no PIN. */
TEST(a_node_without_pinning_is_counted_as_a_whole)
{
	figures.can_pin_jobs = false;
	admin_burn_heat_init_classes(&n, &figures);
	ck_assert(!n.jobs_pinned && is.classes_merged);
	ck_assert_uint_eq(is.n_classes, 0);
	machine.n_classes = 1; /* a single class */
	admin_burn_heat_init_classes(&n, &figures);
	ck_assert(!n.jobs_pinned && !is.classes_merged);
}

TEST(jobs_are_not_pinned_after_the_core_classes_change)
{
	admin_burn_heat_init_classes(&n, &figures);
	is.up = true;
	admin_burn_heat_init_classes(&n, &figures);
	ck_assert(n.jobs_pinned);
	cores[0].model = (char *)"Cortex-A76";
	admin_burn_heat_init_classes(&n, &figures);
	ck_assert(!n.jobs_pinned);
	ck_assert_str_eq(is.class_results[0].name, "Cortex-A72");
	machine.n_classes = 0;
	admin_burn_heat_init_classes(&n, &figures);
	ck_assert(!n.jobs_pinned);
}

static void beat(uint64_t now_ms, uint32_t speed, uint32_t mk)
{
	struct wire_heat_class c[2] = { { speed, speed < 1000 ? 2 : 0 },
					{ 1000, 0 } };
	struct wire_heat_zone z[2] = { { (char *)"cpu", mk },
				       { (char *)"gpu", mk - 9000 } };

	heat = (struct wire_heat){ 2, c, 2, z };
	health.speed_milli = speed;
	health.n_throttled = c[0].n_throttled;
	health.temperature_mk = mk;
	admin_burn_heat_record(&n, &figures, now_ms);
}

TEST(heat_is_recorded_by_zone_and_throttling_by_core_class)
{
	admin_burn_heat_init_classes(&n, &figures);
	beat(1000, 1000, 340000);
	beat(2000, 666, 350000);
	beat(3000, 800, 345000);
	beat(4000, 1000, 341000);
	ck_assert_uint_eq(is.max_mk, 350000);
	ck_assert_uint_eq(is.min_speed_milli, 666);
	ck_assert_uint_eq(is.throttled_ms, 2000);
	ck_assert_uint_eq(is.class_results[0].min_speed_milli, 666);
	ck_assert_uint_eq(is.class_results[0].max_throttled, 2);
	ck_assert_uint_eq(is.class_results[0].throttled_ms, 2000);
	ck_assert_uint_eq(is.class_results[1].min_speed_milli, 1000);
	ck_assert_uint_eq(is.class_results[1].throttled_ms, 0);
	ck_assert_uint_eq(is.n_zones, 2);
	ck_assert_str_eq(is.zones[1].name, "gpu");
	ck_assert_uint_eq(is.zones[1].max_mk, 341000);
}

/* An administrator has limited the clock, and then the board gets hot. */
TEST(a_lower_clock_without_cooling_is_not_throttling)
{
	admin_burn_heat_init_classes(&n, &figures);
	health.cooling_milli = 0;
	beat(1000, 800, 340000);
	beat(2000, 800, 340000);
	ck_assert_uint_eq(is.min_speed_milli, 800);
	ck_assert_uint_eq(is.throttled_ms, 0);
	ck_assert_uint_eq(is.max_throttled, 0);
	ck_assert_uint_eq(is.class_results[0].min_speed_milli, 800);
	ck_assert_uint_eq(is.class_results[0].throttled_ms, 0);
	ck_assert_uint_eq(is.class_results[0].max_throttled, 0);
	health.cooling_milli = 1;
	beat(3000, 666, 360000);
	ck_assert_uint_eq(is.throttled_ms, 1000);
	ck_assert_uint_eq(is.max_throttled, 2);
	ck_assert_uint_eq(is.class_results[0].throttled_ms, 1000);
	ck_assert_uint_eq(is.class_results[0].max_throttled, 2);
}

TEST(an_outage_does_not_count_as_throttled_time)
{
	struct admin_test_state trial = { 0 };

	n.trial = &trial;
	admin_burn_heat_init_classes(&n, &figures);
	beat(1000, 666, 360000);
	beat(2000, 666, 360000);
	admin_test_state_ops.on_state_changed(&n, PEER_DOWN, "reset by peer");
	beat(62000, 666, 360000);
	beat(63000, 666, 360000);
	ck_assert_uint_eq(is.throttled_ms, 2000);
	ck_assert_uint_eq(is.class_results[0].throttled_ms, 2000);
}

/* Invented zones and classes do not exhaust memory. */
TEST(the_number_of_zones_and_core_classes_is_limited)
{
	struct wire_heat_class c[WIRE_CLASSES_MAX] = { 0 };
	struct wire_heat_zone z;
	char name[16];

	admin_burn_heat_init_classes(&n, &figures);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "zone%u", i);
		z = (struct wire_heat_zone){ name, 300000 + i };
		heat = (struct wire_heat){ WIRE_CLASSES_MAX, c, 1, &z };
		admin_burn_heat_record(&n, &figures, 1000 + i);
	}
	ck_assert_uint_eq(is.n_zones, WIRE_ZONES_MAX);
	ck_assert_uint_eq(is.n_classes, 3);
}

TEST(heat_before_the_burn_in_is_not_recorded)
{
	admin_burn_heat_init_classes(&n, &figures);
	n.stage = ADMIN_NODE_TEST_STAGE_CANARY;
	beat(1000, 500, 370000);
	ck_assert_uint_eq(is.max_mk, WIRE_HEALTH_UNKNOWN);
	ck_assert_uint_eq(is.n_zones, 0);
	ck_assert_uint_eq(is.class_results[0].throttled_ms, 0);
}
