/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* Nodes that are added and removed during a build, and their identity. */
#include "../lib/test.h"
#include "coord-fixture.h"

#include "coord/dispatch.h"
#include "coord/internal.h"
#include "sched/sched.h"

/* Apply a configuration with these nodes. */
static void follow(unsigned wanted, void (*change)(struct node_entry *e))
{
	struct node_roster now = { .v = xcalloc(roster.n, sizeof(*now.v)) };
	struct err err;

	for (size_t i = 0; i < roster.n; i++) {
		struct node_entry *e = &now.v[now.n];

		if (!(wanted >> i & 1))
			continue;
		*e = roster.v[i];
		e->name = xstrdup(e->name);
		e->address_text = xstrdup(e->address_text);
		must(node_address_parse(&e->address, e->address_text, &err));
		if (change)
			change(e);
		now.n++;
	}
	coord_update_roster(coord, &now);
	ck_assert_uint_eq(now.n, 0);
}

/* Start with the first `n` nodes. */
static void start_with(size_t n)
{
	struct node_roster all = roster;

	roster.n = n;
	start();
	roster = all;
}

static const struct events_node *find_reported_node(const char *name)
{
	const struct events_totals *t = stats();

	for (size_t i = 0; i < t->n_nodes; i++) {
		if (!strcmp(t->nodes[i]->name, name))
			return t->nodes[i];
	}
	return NULL;
}

static const char *name_wanted, *state_wanted;

static bool has_state(void)
{
	const struct events_node *n = find_reported_node(name_wanted);

	return n && !strcmp(n->state, state_wanted);
}

static void expect_state(const char *name, const char *state)
{
	name_wanted = name;
	state_wanted = state;
	turn_until(has_state, 60000);
	ck_assert_ptr_nonnull(find_reported_node(name));
	ck_assert_msg(has_state(), "%s is %s: %s", name,
		      find_reported_node(name)->state,
		      find_reported_node(name)->reason);
}

static void expect_compiled_by(unsigned jobs0, unsigned jobs1)
{
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, jobs0);
	ck_assert_uint_eq(nodes[1].jobs, jobs1);
}

FIXTURE(setup, teardown);
TIMEOUT(120);

TEST(a_node_that_is_added_gets_jobs)
{
	play_node(0, STRANGE);
	play_node(1, HONEST);
	start_with(1);
	expect_state("node0", "up");
	ck_assert_ptr_null(find_reported_node("node1"));
	follow(3, NULL);
	expect_state("node1", "up");
	wait_for_cells();
	compile(NULL);
	expect_compiled_by(0, 1);
}

TEST(a_node_added_to_a_build_without_nodes_gets_jobs)
{
	play_node(0, HONEST);
	start_with(0);
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "no nodes configured");
	follow(1, NULL);
	expect_state("node0", "up");
	wait_for_cells();
	compile_again(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 1);
}

static void compile_locally(const char *reason)
{
	if (wrapper)
		compile_again(NULL);
	else
		compile(NULL);
	turn_until(answered, 60000);
	ck_assert_msg(local_why != NULL, "compiled by a node");
	ck_assert_str_eq(local_why, reason);
}

TEST(on_demand_the_second_unit_dials_the_nodes)
{
	char *env[] = { (char *)"PATH=/usr/bin:/bin", NULL };

	play_node(0, HONEST);
	connects_on_demand = true;
	start();
	coord_announce_compiler(coord, gcc, env);
	compile_locally("before nodes were needed");
	turn_until(never, 50);
	ck_assert_ptr_null(find_reported_node("node0"));
	ck_assert_ptr_null(nodes[0].stream);
	compile_locally("before nodes were needed");
	expect_state("node0", "up");
	turn_until(all_have_cells, 60000);
	ck_assert(all_have_cells());
	compile_again(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 1);
	ck_assert_uint_eq(stats()->n_local, 2);
}

TEST(on_demand_a_unit_is_compiled_locally_if_no_node_is_up)
{
	char *path = at("node0");

	play_node(0, HONEST);
	connects_on_demand = true;
	start();
	unlink(path);
	free(path);
	compile_locally("before nodes were needed");
	compile_locally("before nodes were needed");
	expect_state("node0", "down");
	compile_locally("no node is up");
}

TEST(on_demand_nodes_of_a_new_configuration_are_dialed)
{
	play_node(0, HONEST);
	play_node(1, HONEST);
	connects_on_demand = true;
	start();
	follow(2, NULL);
	compile_locally("before nodes were needed");
	compile_locally("before nodes were needed");
	expect_state("node1", "up");
	ck_assert_ptr_null(find_reported_node("node0"));
}

TEST(a_node_that_is_removed_gets_no_job)
{
	play_node(0, HONEST);
	play_node(1, HONEST);
	start();
	wait_for_cells();
	follow(2, NULL);
	expect_state("node0", "removed");
	ck_assert_str_eq(find_reported_node("node0")->reason,
			 "removed from the configuration");
	compile(NULL);
	expect_compiled_by(0, 1);
	/* The node is added again. */
	follow(1, NULL);
	expect_state("node1", "removed");
	expect_state("node0", "up");
}

/*
 * The node is lost after the event that makes the dispatcher renew its
 * connection, but before the dispatcher handles that event.
 */
TEST(the_loss_of_a_session_does_not_end_the_next_one)
{
	const struct sched_event exhausted = { .kind = SCHED_EV_IDS_EXHAUSTED },
				 lost = { .kind = SCHED_EV_NODE_LOST,
					  .hello_received = true };

	play_node(0, HONEST);
	start();
	wait_for_cells();
	/* Two dials are at least a second apart. */
	turn_until(never, 1500);
	coord_dispatch_event(coord, &exhausted);
	coord_dispatch_event(coord, &lost);
	coord_dispatch(coord);
	wait_for_cells();
	compile(NULL);
	expect_compiled_by(1, 0);
}

static bool has_job(void)
{
	return nodes[0].jobs > 0;
}

TEST(removal_of_a_node_does_not_cancel_its_job)
{
	play_node(0, BROODING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(has_job, 60000);
	follow(0, NULL);
	expect_state("node0", "removed");
	ck_assert_uint_eq(nodes[0].cancels, 0);
	turn_until(answered, 60000);
	expect_state("node0", "removed");
}

static void set_drain(struct node_entry *e)
{
	e->drained = true;
}

static void set_resume(struct node_entry *e)
{
	e->drained = false;
}

TEST(draining_follows_the_configuration)
{
	play_node(0, HONEST);
	roster.v[0].drained = true;
	start();
	expect_state("node0", "drained");
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_uint_eq(nodes[0].jobs, 0);
	follow(1, set_resume);
	expect_state("node0", "up");
	follow(1, set_drain);
	expect_state("node0", "drained");
	/* The configuration is unchanged. */
	follow(1, set_drain);
	ck_assert_str_eq(find_reported_node("node0")->state, "drained");
}

static void set_one_slot(struct node_entry *e)
{
	e->slots = 1;
}

/* Return the slots of node0 that the dispatcher uses. */
static unsigned slots_in_use(void)
{
	struct sched_node_counts counts;

	sched_node_counts(coord->sched, 0, &counts);
	return counts.n_slots;
}

TEST(a_changed_number_of_slots_is_applied_to_a_connected_node)
{
	play_node(0, HONEST);
	start();
	expect_state("node0", "up");
	ck_assert_uint_eq(slots_in_use(), 3);
	follow(1, set_one_slot);
	ck_assert_uint_eq(slots_in_use(), 1);
	ck_assert_int_eq(find_reported_node("node0")->n_slots, 1);
	ck_assert_str_eq(find_reported_node("node0")->state, "up");
	follow(1, NULL);
	ck_assert_uint_eq(slots_in_use(), 3);
	ck_assert_int_eq(find_reported_node("node0")->n_slots, 3);
}

static void set_two_slots(struct node_entry *e)
{
	e->slots = 2;
}

/* Version 11 has no leases. */
TEST(a_changed_number_of_slots_is_halved_for_a_low_weight)
{
	roster.weight_percent = 30;
	nodes[0].version = 11;
	play_node(0, HONEST);
	start();
	expect_state("node0", "up");
	ck_assert_uint_eq(slots_in_use(), 1);
	follow(1, set_two_slots);
	ck_assert_uint_eq(slots_in_use(), 1);
}

static void set_address(struct node_entry *e, const char *address)
{
	struct err err;

	free(e->address_text);
	node_address_release(&e->address);
	e->address_text = xstrdup(address);
	must(node_address_parse(&e->address, address, &err));
}

static char *right_address;

static void set_right(struct node_entry *e)
{
	set_address(e, right_address);
}

static void set_nowhere(struct node_entry *e)
{
	set_address(e, "unix:/nowhere/at/all");
}

/* Return true during the backoff of node0, which has no pending dial. */
static bool is_backing_off(void)
{
	struct sched_node_counts counts;

	sched_node_counts(coord->sched, 0, &counts);
	return counts.state == SCHED_NODE_DOWN;
}

TEST(a_changed_address_is_dialed_at_once)
{
	play_node(0, HONEST);
	right_address = xstrdup(roster.v[0].address_text);
	set_nowhere(&roster.v[0]);
	start();
	expect_state("node0", "down");
	turn_until(is_backing_off, 60000);
	follow(1, set_right);
	/* These turns take far less time than the backoff. */
	for (int i = 0; i < 50 && !nodes[0].stream; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_ptr_nonnull(nodes[0].stream);
	expect_state("node0", "up");
	/* The address is not used while the node is connected. */
	follow(1, set_nowhere);
	turn_until(never, 200);
	ck_assert_str_eq(find_reported_node("node0")->state, "up");
	free(right_address);
}

/* ------------------------------------------------------------- identity */

static void set_key(size_t i, const char *boot_id)
{
	digest_bytes(bytes_str("one key"), &roster.v[i].pin);
	nodes[i].boot_id = boot_id;
}

static void set_other_key(struct node_entry *e)
{
	if (!strcmp(e->name, "node1"))
		digest_bytes(bytes_str(e->name), &e->pin);
}

TEST(two_machines_with_one_key_get_no_job)
{
	play_node(0, HONEST);
	play_node(1, HONEST);
	play_node(2, HONEST);
	set_key(0, "boot one");
	set_key(1, "boot two");
	start();
	expect_state("node0", "out");
	expect_state("node1", "out");
	expect_state("node2", "up");
	ck_assert_str_eq(find_reported_node("node0")->reason,
			 "node0 and node1 are two machines with the same "
			 "key (copied disk?); run `kfarm nodes rekey node1`");
	/* Once one has its own key, both are valid nodes. */
	follow(7, NULL);
	expect_state("node0", "out");
	expect_state("node1", "out");
	follow(7, set_other_key);
	expect_state("node0", "up");
	expect_state("node1", "up");
}

TEST(a_third_machine_with_the_same_key_gets_no_job)
{
	play_node(0, HONEST);
	play_node(1, HONEST);
	play_node(2, HONEST);
	set_key(0, "boot one");
	set_key(1, "boot two");
	set_key(2, "boot three");
	start_with(2);
	expect_state("node0", "out");
	expect_state("node1", "out");
	follow(7, NULL);
	expect_state("node2", "out");
}

TEST(a_machine_configured_twice_is_used_once)
{
	play_node(0, HONEST);
	play_node(1, HONEST);
	set_key(0, "boot one");
	set_key(1, "boot one");
	start();
	expect_state("node1", "out");
	expect_state("node0", "up");
	ck_assert_str_eq(find_reported_node("node1")->reason,
			 "node0 and node1 are the same machine; run `kfarm "
			 "nodes remove --keep node1`");
}

TEST(nodes_with_equal_machine_ids_are_both_used)
{
	play_node(0, HONEST);
	play_node(1, HONEST);
	nodes[0].boot_id = "boot one";
	nodes[1].boot_id = "boot two";
	digest_bytes(bytes_str("machine"), &nodes[0].machine_id);
	nodes[1].machine_id = nodes[0].machine_id;
	start();
	expect_state("node0", "up");
	expect_state("node1", "up");
	turn_until(never, 100);
	ck_assert_uint_gt(coord_remote_slots(coord), 0);
}

/* Close the session of node 0, and wait for its state. */
static void end_session(const char *state)
{
	wire_stream_free(nodes[0].stream);
	nodes[0].stream = NULL;
	expect_state("node0", state);
}

TEST(two_machines_that_alternate_as_one_node_are_detected)
{
	play_node(0, HONEST);
	set_key(0, "boot one");
	start();
	expect_state("node0", "up");
	nodes[0].boot_id = "boot two";
	end_session("down");
	/* The node could have been restarted, so it is connected again. */
	expect_state("node0", "resting");
	turn_until(never, 50);
	ck_assert_str_ne(find_reported_node("node0")->state, "out");
	nodes[0].boot_id = "boot one";
	end_session("out");
	ck_assert_str_eq(
		find_reported_node("node0")->reason,
		"two machines alternate as node0 with the same key and "
		"address; power one off, then run `kfarm nodes rekey node0`");
}

TEST(a_changed_address_permits_an_earlier_boot_id)
{
	play_node(0, HONEST);
	set_key(0, "boot one");
	right_address = xstrdup(roster.v[0].address_text);
	start();
	expect_state("node0", "up");
	nodes[0].boot_id = "boot two";
	end_session("down");
	expect_state("node0", "resting");
	nodes[0].boot_id = "boot one";
	follow(1, set_nowhere);
	end_session("down");
	follow(1, set_right);
	expect_state("node0", "up");
	free(right_address);
}

static unsigned n_node_events;

static void count_node_event(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	n_node_events += ev->kind == EVENTS_KIND_NODE;
}

static bool has_node_event(void)
{
	return n_node_events > 0;
}

TEST(a_relay_cannot_flood_the_event_log_with_its_members)
{
	struct events_subscriber listener = { .on_event = count_node_event };
	struct wire_relay m = { 0 };
	struct wire_beat beat = { 0 };
	struct buf body = { 0 };

	play_node(0, HONEST);
	start();
	wait_for_cells();
	events_hub_subscribe(hub, &listener);
	for (unsigned i = 0; i < 100; i++) {
		strv_own(&m.members, xasprintf("board%u", i));
		wire_relay_encode_at(&body, &m, WIRE_VERSION);
		say(&nodes[0], WIRE_RELAY, &body);
	}
	wire_relay_release(&m);
	wire_beat_encode(&body, &beat);
	say(&nodes[0], WIRE_BEAT, &body);
	turn_until(has_node_event, 60000);
	turn_until(never, 100);
	ck_assert_uint_eq(n_node_events, 1);
	events_hub_unsubscribe(hub, &listener);
}
