/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: relay */
/* The state of a relay's members (relay/relay). */
#include "relay-fixture.h"

#include "base/file-stamp.h"
#include "relay/internal.h"

TIMEOUT(100);

FIXTURE(set_up, tear_down);

TEST(a_member_that_has_the_relay_as_a_member_is_not_used)
{
	char *path = xasprintf("%s/key.pem", dir);
	struct tls_key *key;
	struct err err;

	must(tls_key_load_or_create(&key, path, &err));
	add_member(1)->below = *tls_key_fingerprint(key);
	tls_key_free(key);
	free(path);
	connect_client(WIRE_VERSION);
	/* FIT precedes the loop only if the member's RELAY arrives later. */
	while (client.relay.members.n)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	request_sandbox();
	until(is_have_received);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_REFUSED);
}

TEST(the_session_ends_when_its_last_member_is_lost)
{
	add_member(1)->manner = SILENT_JOB;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_on_a_member);
	event_del(members[0].listener);
	shutdown(event_get_fd(members[0].listener), SHUT_RDWR);
	for (size_t i = 0; i < n_conns; i++) {
		wire_stream_free(conns[i]->stream);
		conns[i]->stream = NULL;
	}
	until(is_closed);
	ck_assert_ptr_nonnull(strstr(client.bye, "no member is left"));
}

TEST(the_lease_is_the_sum_of_the_leases_of_the_members)
{
	add_member(8)->lease = 3;
	add_member(4);
	connect_client(WIRE_VERSION);
	make_sandbox();
	until(is_lease_received);
	/* 3 instead of 8 + 2, and 4 + 1 */
	ck_assert_uint_eq(client.lease, 8);
}

TEST(a_usable_relay_names_its_unusable_members)
{
	add_member(4);
	add_member(2)->unfit = 1000;
	connect_client(WIRE_VERSION);
	ck_assert_uint_eq(client.fit.usable, 1);
	ck_assert_str_eq(client.fit.reason, "m1: unfit");
}

static bool is_member_listed(void)
{
	return client.relay.members.n > 0;
}

TEST(an_unfit_member_is_queried_again)
{
	add_member(1)->unfit = 1;
	connect_client(WIRE_VERSION);
	ck_assert_uint_eq(client.fit.usable, 0);
	ck_assert_str_eq(client.fit.reason, "no member is usable: m0: unfit");
	until(is_member_listed);
	ck_assert_uint_eq(members[0].unfit, 0);
}

/* Send RELAY with the key of one member, whose bytes are `key`. */
static void member_relay(struct conn *c, uint8_t key)
{
	struct wire_relay_key member = { 0 };
	struct wire_relay m = { .keys = &member, .n_keys = 1 };
	struct buf body = { 0 };

	memset(&member.fingerprint, key, sizeof(member.fingerprint));
	wire_relay_encode_at(&body, &m, c->version);
	member_send(c, WIRE_RELAY, &body);
}

static bool is_last_key_listed(void)
{
	struct digest key;

	memset(&key, 100, sizeof(key));
	for (unsigned i = 0; i < client.relay.n_keys; i++) {
		if (digest_equal(&client.relay.keys[i].fingerprint, &key))
			return true;
	}
	return false;
}

TEST(frequent_member_changes_are_reported_once_per_second)
{
	uint64_t start = clock_ms();

	add_member(1);
	connect_client(WIRE_VERSION);
	for (uint8_t key = 1; key <= 100; key++) {
		member_relay(conns[0], key);
		turn(2);
	}
	until(is_last_key_listed);
	ck_assert_uint_le(client.relays, 2 + (clock_ms() - start) / 1000);
}

/* Change the configuration, and let the relay notice this. */
static void configure(const char *more)
{
	write_configuration(more);
	event_active(relay->timer, EV_TIMEOUT, 0);
	turn(2);
}

static bool is_job_2_done(void)
{
	return client.result_job == 2;
}

static bool is_job_3_done(void)
{
	return client.result_job == 3;
}

TEST(a_drained_member_completes_its_jobs_and_gets_no_more)
{
	const struct relay_link *links;

	add_member(2)->capacity = 512;
	add_member(2)->manner = SILENT_JOB;
	members[1].model = "B";
	connect_client(WIRE_VERSION);
	make_sandbox();
	while (members[0].blobs + members[1].blobs < 2)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	turn(100);
	links = TAILQ_FIRST(&relay->sessions)->links;
	send_job(1);
	while (!members[1].jobs)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	configure("[node \"m1\"]\ndrain = true\n");
	ck_assert(!relay_member_is_usable(&relay->members[1]));
	send_job(2);
	until(is_job_2_done);
	ck_assert_str_eq(client.via, "m0");
	ck_assert_int_eq(links[1].state, RELAY_LINK_UP);
	configure("");
	ck_assert(relay_member_is_usable(&relay->members[1]));
	members[1].manner = HONEST;
	send_job(3);
	until(is_job_3_done);
	ck_assert_str_eq(client.via, "m1");
}

static bool is_second_member_busy(void)
{
	return members[1].jobs > 0;
}

static bool is_sandbox_lost(void)
{
	return client.have_state == WIRE_HAVE_LOST;
}

TEST(a_sandbox_is_lost_when_its_last_member_is_drained_and_has_no_job)
{
	struct buf body = { 0 };

	add_member(1)->refuses = true;
	add_member(1)->manner = SILENT_JOB;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_second_member_busy);
	configure("[node \"m1\"]\ndrain = true\n");
	turn(100);
	ck_assert_uint_eq(client.haves, 1);
	ck_assert_uint_eq(members[1].cancels, 0);
	wire_number_encode(&body, 1);
	say(WIRE_CANCEL, &body);
	until(is_sandbox_lost);
	ck_assert_uint_eq(client.fails, 0);
}

TEST(a_resumed_member_gets_the_sandboxes_of_a_session)
{
	add_member(1);
	add_member(1);
	connect_client(WIRE_VERSION);
	configure("[node \"m0\"]\ndrain = true\n");
	make_sandbox();
	ck_assert_uint_eq(members[0].blobs, 0);
	configure("");
	while (!members[0].blobs)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
}

TEST(the_relay_applies_a_changed_number_of_slots)
{
	add_member(8);
	connect_client(WIRE_VERSION);
	make_sandbox();
	ck_assert_uint_eq(relay_count_slots(relay), 10);
	configure("[node \"m0\"]\nslots = 3\n");
	ck_assert_uint_eq(relay_count_slots(relay), 3);
	ck_assert_uint_eq(TAILQ_FIRST(&relay->sessions)->links[0].n_slots, 3);
	configure("");
	ck_assert_uint_eq(relay_count_slots(relay), 10);
}

/* Let the relay check the configuration after its stamp has become reliable. */
static void check_configuration(void)
{
	struct file_stamp stamp;
	struct stat st;

	ok(stat(configuration_files.v[0], &st));
	file_stamp_from_stat(&stamp, &st);
	ck_assert(file_stamp_wait(&stamp));
	event_active(relay->timer, EV_TIMEOUT, 0);
	turn(2);
}

TEST(only_a_changed_configuration_is_parsed)
{
	add_member(8);
	connect_client(WIRE_VERSION);
	check_configuration();
	/* Parsing the file would restore this value. */
	relay->members[0].entry.slots = 3;
	check_configuration();
	ck_assert_uint_eq(relay->members[0].entry.slots, 3);
	configure("[core]\nx = 1\n");
	ck_assert_uint_eq(relay->members[0].entry.slots, 0);
}

TEST(a_change_of_an_included_file_is_applied)
{
	char *path = xasprintf("%s/more.conf", dir);
	struct err err;

	add_member(8);
	connect_client(WIRE_VERSION);
	configure("[include]\npath = more.conf\n");
	check_configuration();
	ck_assert_uint_eq(relay->members[0].entry.slots, 0);
	must(fs_write(path, bytes_str("[node \"m0\"]\nslots = 3\n"), 0644,
		      &err));
	check_configuration();
	ck_assert_uint_eq(relay->members[0].entry.slots, 3);
	free(path);
}

/* Changes of the configuration of m0 and m1, and the relay's message. */
static const struct {
	const char *more, *problem;
} changes[] = {
	{ "", NULL },
	{ "[core]\nx = 1\n", NULL },
	{ "[node \"m0\"]\nssh = root@m0\n", NULL },
	{ "[node \"m0\"]\naddress = unix:/m\n", "restart the relay" },
	{ "[node \"m0\"]\ncodec = zstd\n", "restart the relay" },
	{ "[node \"m2\"]\naddress = unix:/m\n", "restart the relay" },
	{ "[node \"m0\"]\nslots = 0\n",
	  "invalid number of slots: 0; continuing with the current members" },
};

TEST_EACH(a_change_that_requires_a_restart_is_reported, changes)
{
	add_member(1);
	add_member(1);
	connect_client(WIRE_VERSION);
	configure(row->more);
	if (row->problem)
		text_has(relay->config_problem, row->problem);
	else
		ck_assert_ptr_null(relay->config_problem);
	ck_assert_uint_eq(relay_count_slots(relay), 4);
	/* The remaining section is that of m0. */
	n_members = 1;
	configure("");
	n_members = 2;
	text_has(relay->config_problem, "restart the relay");
	configure("");
	ck_assert_ptr_null(relay->config_problem);
}

static bool is_second_member_usable(void)
{
	return relay_member_is_usable(&relay->members[1]);
}

TEST(a_machine_with_two_names_is_one_member)
{
	member_key = "SHA256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";
	add_member(4);
	add_member(4);
	connect_client(WIRE_VERSION);
	ck_assert_str_eq(relay->members[1].problem, "same machine as m0");
	ck_assert_uint_eq(client.hello.inventory.cores, 4);
	ck_assert_uint_eq(client.hello.inventory.slots, 5);
	configure("[node \"m0\"]\ndrain = true\n");
	ck_assert(!is_second_member_usable());
	/* The second name is used while the first one is not reachable. */
	event_del(members[0].listener);
	shutdown(event_get_fd(members[0].listener), SHUT_RDWR);
	wire_stream_free(conns[0]->stream);
	conns[0]->stream = NULL;
	until(is_second_member_usable);
}
