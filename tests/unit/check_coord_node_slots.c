/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* The slots of a node during a build, in response to its heartbeats. */
#include "../lib/test.h"
#include "coord-fixture.h"

#include "coord/internal.h"

static char limited[128]; /* reason for a reduced number of slots */
static int64_t slots;
static uint32_t foreign;
static uint64_t busy_ms; /* time of the last report of foreign load */

static void on_limit(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	if (ev->kind != EVENTS_KIND_NODE || !ev->reason ||
	    !strstr(ev->reason, "slots"))
		return;
	ck_assert_str_eq(ev->text, "up");
	snprintf(limited, sizeof(limited), "%s", ev->reason);
	slots = ev->n_slots;
}

/* Send heartbeats until a changed limit is reported. */
static bool is_limit_reported(void)
{
	static uint64_t beat_ms;
	struct wire_health health = wire_health_unknown;
	struct wire_beat beat = { 0 };
	struct buf body = { 0 };

	if (limited[0])
		return true;
	if (clock_ms() <= beat_ms + 500)
		return false;
	beat_ms = clock_ms();
	if (foreign)
		busy_ms = beat_ms;
	health.foreign_milli = foreign;
	wire_health_encode_at(&body, &health, WIRE_VERSION);
	say(&nodes[0], WIRE_HEALTH, &body);
	wire_beat_encode(&body, &beat);
	say(&nodes[0], WIRE_BEAT, &body);
	return false;
}

static const char *awaited_state;

static bool is_in_awaited_state(void)
{
	return str_equal(first_node()->state, awaited_state);
}

FIXTURE(setup, teardown);
TIMEOUT(180);

TEST(foreign_load_temporarily_reduces_the_slots_of_a_node)
{
	struct events_subscriber listener = { .on_event = on_limit };

	events_hub_subscribe(hub, &listener);
	play_node(0, HONEST);
	start();
	wait_for_cells();
	ck_assert_uint_eq(coord_remote_slots(coord), 3);
	foreign = 2000;
	turn_until(is_limit_reported, 60000);
	ck_assert_str_eq(limited, "2 of 3 slots: 2.0 cores busy with other "
				  "work");
	ck_assert_int_eq(slots, 2);
	turn_until(never, 50);
	ck_assert_uint_eq(coord_remote_slots(coord), 2);
	/* The node still gets jobs. */
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	limited[0] = '\0';
	foreign = 0;
	turn_until(is_limit_reported, 60000);
	ck_assert_str_eq(limited, "back to 3 slots");
	ck_assert_int_eq(slots, 3);
	ck_assert_uint_ge(clock_ms() - busy_ms, 9000);
	turn_until(never, 50);
	ck_assert_uint_eq(coord_remote_slots(coord), 3);
	events_hub_unsubscribe(hub, &listener);
}

static const struct unusable_node {
	enum manner manner;
	const char *state, *reason;
} unusable_nodes[] = {
	{ UNFIT, "unfit", "seccomp is missing" },
	{ STRANGE, "no toolchain", "as told" },
};

/* Send heartbeats until the slots are reduced. */
static bool is_slot_limit_set(void)
{
	if (nodes[0].stream)
		is_limit_reported();
	return coord->nodes.v[0]->slot_limit.max_slots;
}

static void send_lease(uint16_t n)
{
	struct buf body = { 0 };

	buf_put_u16(&body, n);
	say(&nodes[0], WIRE_LEASE, &body);
}

/* The node serves other build hosts, so it also sends LEASE. */
TEST_EACH(reduced_slots_do_not_hide_why_a_node_gets_no_jobs, unusable_nodes)
{
	char *env[] = { (char *)"PATH=/usr/bin:/bin", NULL };

	play_node(0, row->manner);
	start();
	coord_announce_compiler(coord, gcc, env);
	awaited_state = row->state;
	turn_until(is_in_awaited_state, 60000);
	ck_assert_str_eq(first_node()->reason, row->reason);
	send_lease(100);
	foreign = 2000;
	turn_until(is_slot_limit_set, 60000);
	ck_assert_uint_eq(coord->nodes.v[0]->slot_limit.max_slots, 2);
	ck_assert_str_eq(first_node()->state, row->state);
	ck_assert_str_eq(first_node()->reason, row->reason);
}

/* A node that was lost is in backoff until it passes a known-answer test. */
TEST(a_node_in_backoff_is_reported_without_its_toolchain)
{
	play_node(0, HONEST);
	start();
	wait_for_cells();
	nodes[0].manner = STRANGE;
	wire_stream_free(nodes[0].stream);
	nodes[0].stream = NULL;
	awaited_state = "no toolchain";
	turn_until(is_in_awaited_state, 60000);
	ck_assert_str_eq(first_node()->state, "no toolchain");
	ck_assert_str_eq(first_node()->reason, "as told");
}

static char limits[4][128]; /* reasons for nodes' slots, by node number */
static uint64_t used_ms; /* by the job of the node that runs it */

static void on_slots_event(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	if (ev->kind == EVENTS_KIND_NODE && ev->reason &&
	    strstr(ev->reason, "slots:"))
		snprintf(limits[ev->node[strlen("node")] - '0'],
			 sizeof(limits[0]), "%s", ev->reason);
}

static bool one_has_a_job(void)
{
	return nodes[0].jobs + nodes[1].jobs > 0;
}

/* Send a heartbeat of a machine with two busy cores. */
static void beat_of(struct node *n, uint32_t cpu_ms)
{
	struct wire_health health = wire_health_unknown;
	struct wire_beat_job job = { .job = n->job.job, .cpu_ms = cpu_ms };
	struct wire_beat beat = { .jobs = &job, .n_jobs = n->jobs ? 1 : 0 };
	struct buf body = { 0 };

	health.foreign_milli = n->jobs ? 0 : 2000;
	wire_health_encode_at(&body, &health, WIRE_VERSION);
	say(n, WIRE_HEALTH, &body);
	wire_beat_encode(&body, &beat);
	say(n, WIRE_BEAT, &body);
}

/*
 * Send heartbeats of all nodes for 6 s, and longer until the limit of a node is
 * reported if `limit` is the place for its reason; the job of one node uses two
 * cores.
 */
static void beat_on(const char *limit)
{
	uint64_t began = clock_ms();

	while (clock_ms() < began + 6000 ||
	       (limit && !*limit && clock_ms() < began + 60000)) {
		used_ms = 2 * (clock_ms() - began);
		beat_of(&nodes[0], (uint32_t)used_ms);
		beat_of(&nodes[1], (uint32_t)used_ms);
		turn_until(never, 300);
	}
}

/* Jobs of another node count as foreign load only on a different machine. */
TEST_RANGE(load_of_the_build_on_the_same_machine_is_not_foreign, 0, 2)
{
	struct events_subscriber listener = { .on_event = on_slots_event };
	unsigned idle;

	memset(limits, 0, sizeof(limits));
	events_hub_subscribe(hub, &listener);
	nodes[0].boot_id = "one";
	nodes[1].boot_id = _i ? "two" : "one";
	play_node(0, BROODING);
	play_node(1, BROODING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(one_has_a_job, 60000);
	ck_assert(one_has_a_job());
	idle = nodes[0].jobs ? 1 : 0;
	beat_on(_i ? limits[idle] : NULL);
	ck_assert_str_eq(limits[!idle], "");
	ck_assert_str_eq(limits[idle], _i ? "2 of 3 slots: 2.0 cores busy with "
					    "other work" :
					    "");
	events_hub_unsubscribe(hub, &listener);
}

/* Minimum interval of reported heartbeats, as in peer/peer.c. */
#define REPORT_MS 200

/* Return the maximum number of reports since `began`, a time of clock_ms(). */
static unsigned most_reports(uint64_t began)
{
	return (unsigned)((clock_ms() - began) / REPORT_MS) + 1;
}

static unsigned loads;

static void on_load_event(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	loads += ev->kind == EVENTS_KIND_LOAD;
}

/* Each heartbeat could add a line to the event log. */
TEST(frequent_heartbeats_do_not_flood_the_event_log)
{
	struct events_subscriber listener = { .on_event = on_load_event };
	struct wire_beat beat = { 0 };
	struct buf body = { 0 };
	uint64_t began;

	events_hub_subscribe(hub, &listener);
	play_node(0, HONEST);
	start();
	wait_for_cells();
	loads = 0;
	began = clock_ms();
	for (int i = 0; i < 20000; i++) {
		wire_beat_encode(&body, &beat);
		say(&nodes[0], WIRE_BEAT, &body);
		if (i % 1000 == 0)
			turn_until(never, 20);
	}
	/* The result follows all heartbeats. */
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_ge(loads, 1);
	ck_assert_uint_le(loads, most_reports(began));
	events_hub_unsubscribe(hub, &listener);
}

static unsigned awaited_slots;

static bool has_slots(void)
{
	return coord_remote_slots(coord) == awaited_slots;
}

static void wait_for_slots(unsigned n)
{
	awaited_slots = n;
	turn_until(has_slots, 60000);
	ck_assert_uint_eq(coord_remote_slots(coord), n);
}

TEST(a_lease_limits_the_slots)
{
	struct events_subscriber listener = { .on_event = on_limit };

	events_hub_subscribe(hub, &listener);
	roster.weight_percent = 30;
	play_node(0, HONEST);
	start();
	wait_for_cells();
	ck_assert_uint_eq(nodes[0].weight.percent, 30);
	wait_for_slots(3);
	send_lease(1);
	wait_for_slots(1);
	ck_assert_str_eq(limited, "1 of 3 slots: lease: other build hosts use "
				  "the node");
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	send_lease(100);
	wait_for_slots(3);
	ck_assert_str_eq(limited, "back to 3 slots");
	send_lease(2);
	wait_for_slots(2);
	send_lease(WIRE_LEASE_UNLIMITED);
	wait_for_slots(3);
	/* A lease of 0 violates the protocol. */
	send_lease(0);
	wait_for_slots(0);
	events_hub_unsubscribe(hub, &listener);
}

static unsigned awaited_clock;

static bool has_clock(void)
{
	struct wire_health health = wire_health_unknown;
	const struct coord_node *n = coord->nodes.v[0];
	struct wire_beat beat = { 0 };
	struct buf body = { 0 };

	if (n->n_classes && n->classes[0].clock_milli == awaited_clock)
		return true;
	health.speed_milli = 200;
	wire_health_encode_at(&body, &health, WIRE_VERSION);
	say(&nodes[0], WIRE_HEALTH, &body);
	wire_beat_encode(&body, &beat);
	say(&nodes[0], WIRE_BEAT, &body);
	return false;
}

static void wait_for_clock(unsigned milli)
{
	awaited_clock = milli;
	turn_until(has_clock, 60000);
	ck_assert_uint_eq(coord->nodes.v[0]->classes[0].clock_milli, milli);
}

/* HEAT is the better source if it contains a clock. */
TEST(a_heat_message_without_a_clock_does_not_hide_that_of_health)
{
	struct wire_heat_class class = { .speed_milli = 500 };
	struct wire_heat heat = { .classes = &class, .n_classes = 1 };
	struct buf body = { 0 };

	play_node(0, HONEST);
	start();
	wait_for_cells();
	wait_for_clock(200);
	wire_heat_encode_at(&body, &heat, WIRE_VERSION);
	say(&nodes[0], WIRE_HEAT, &body);
	wait_for_clock(500);
	class.speed_milli = WIRE_HEALTH_UNKNOWN;
	wire_heat_encode_at(&body, &heat, WIRE_VERSION);
	say(&nodes[0], WIRE_HEAT, &body);
	wait_for_clock(200);
}

TEST(a_low_weight_halves_the_slots_of_a_node_without_leases)
{
	roster.weight_percent = 30;
	nodes[0].version = 11;
	play_node(0, HONEST);
	start();
	wait_for_cells();
	ck_assert_uint_eq(nodes[0].weight.percent, 0);
	wait_for_slots(1);
}

TEST(a_full_weight_is_not_sent)
{
	play_node(0, HONEST);
	start();
	wait_for_cells();
	ck_assert_uint_eq(nodes[0].weight.percent, 0);
	wait_for_slots(3);
}

TEST(a_busy_node_gets_the_job_again)
{
	play_node(0, BUSY);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 2);
}

static unsigned n_node_events;

static void count_node_event(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	n_node_events += ev->kind == EVENTS_KIND_NODE;
}

/* Leases are reported with heartbeats only. */
TEST(frequent_leases_do_not_flood_the_event_log)
{
	struct events_subscriber listener = { .on_event = count_node_event };
	uint64_t began;

	events_hub_subscribe(hub, &listener);
	play_node(0, HONEST);
	start();
	wait_for_cells();
	n_node_events = 0;
	began = clock_ms();
	for (int i = 0; i < 20000; i++) {
		send_lease((uint16_t)(1 + i % 2));
		if (i % 1000 == 0)
			turn_until(never, 20);
	}
	wait_for_slots(2);
	ck_assert_uint_ge(n_node_events, 1);
	ck_assert_uint_le(n_node_events, most_reports(began));
	events_hub_unsubscribe(hub, &listener);
}

static bool has_failed(void)
{
	struct sched_node_counts counts;

	sched_node_counts(coord->sched, 0, &counts);
	return counts.n_errors > 0;
}

/* Before version 12, FAIL has no retry_ms, whose default is not 0. */
TEST(a_failure_reported_by_an_earlier_version_is_a_node_fault)
{
	nodes[0].version = 11;
	play_node(0, FAILING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(has_failed, 60000);
	ck_assert(has_failed());
}

/* Input states for `local` slots, and the resulting number of extra recipes. */
static const struct {
	struct sched_counts f;
	unsigned local, more;
} recipes[] = {
	{ { .n_slots = 5 }, 2, 0 },
	{ { .n_slots = 5, .n_remote = 4, .n_local = 1 }, 2, 4 },
	{ { .n_slots = 5, .n_remote = 4, .n_local = 1, .n_waiting_local = 3 },
	  2,
	  7 },
	/* All slots compile, so one more recipe can start. */
	{ { .n_slots = 5, .n_remote = 4, .n_local = 2 }, 2, 5 },
	{ { .n_slots = 5, .n_local = 2, .n_waiting_local = 3 }, 2, 4 },
	{ { .n_slots = 5, .n_local = 3 }, 2, 2 },
	{ { .n_slots = 5, .n_local = 1 }, 1, 1 },
	/* At most one waiting recipe per slot, or 64 if that is more. */
	{ { .n_slots = 5, .n_waiting_local = 64 }, 2, 64 },
	{ { .n_slots = 5, .n_waiting_local = 65 }, 2, 64 },
	{ { .n_slots = 500, .n_remote = 500, .n_waiting_local = 900 },
	  2,
	  1000 },
	/* No slot would be free for the next job. */
	{ { .n_local = 2, .n_waiting_local = 3 }, 2, 0 },
	{ { .n_remote = 1, .n_local = 2, .n_waiting_local = 3 }, 2, 1 },
};

TEST_EACH(remote_and_waiting_recipes_do_not_occupy_local_slots, recipes)
{
	ck_assert_uint_eq(coord_extra_recipes(&row->f, row->local), row->more);
}
