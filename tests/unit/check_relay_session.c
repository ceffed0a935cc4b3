/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: relay */
#include "relay-fixture.h"

#include "relay/internal.h"

TIMEOUT(100);

FIXTURE(set_up, tear_down);

TEST(the_relay_presents_its_members_as_one_node)
{
	add_member(4);
	add_member(2);
	add_member(8)->model = "B";
	connect_client(WIRE_VERSION);
	ck_assert_uint_eq(client.hello.inventory.cores, 14);
	/* 4 + 1, 2 + 1 and 8 + 2 with the jobs that are queued ahead */
	ck_assert_uint_eq(client.hello.inventory.slots, 18);
	ck_assert_uint_eq(client.hello.inventory.memory_mib, 3 * 8192);
	ck_assert_uint_eq(client.fit.usable, 1);
	ck_assert_str_eq(client.fit.hosts.v[0], "x86_64");
	ck_assert_uint_eq(client.machine.n_classes, 2);
	ck_assert_str_eq(client.machine.classes[0].model, "A");
	ck_assert_uint_eq(client.machine.classes[0].n_cpus, 6);
	ck_assert_str_eq(client.machine.classes[1].model, "B");
	ck_assert_uint_eq(client.relay.members.n, 3);
	ck_assert_str_eq(client.relay.members.v[2], "m2");
	ck_assert_uint_eq(client.relay.n_keys, 1);
}

TEST(a_blob_crosses_the_uplink_once)
{
	add_member(1);
	add_member(1);
	connect_client(WIRE_VERSION);
	make_sandbox();
	while (members[0].blobs + members[1].blobs < 2)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	ck_assert_uint_eq(client.n_indices, 1);
	ck_assert_uint_eq(client.haves, 1);
}

TEST(members_get_a_sandbox_or_job_only_after_its_blobs_have_arrived)
{
	add_member(1);
	connect_client(WIRE_VERSION);
	request_sandbox();
	until(is_need_received);
	turn(100);
	/* The first session of the member is the one without jobs. */
	ck_assert_uint_eq(n_conns, 2);
	ck_assert_uint_eq(conns[1]->cell, 0);
	send_blob();
	until(is_have_received);
	ck_assert_uint_eq(conns[1]->cell, 1);
	send_view(1, 2, WIRE_PART_SOURCES, "source");
	send_job_after(1, 2);
	turn(100);
	ck_assert_uint_eq(members[0].jobs, 0);
	send_content("source");
	until(is_job_ended);
	ck_assert_uint_eq(client.results, 1);
}

TEST(a_job_that_waits_for_a_blob_can_be_cancelled)
{
	struct buf body = { 0 };

	add_member(1);
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_view(1, 2, WIRE_PART_SOURCES, "source");
	send_job_after(1, 2);
	wire_number_encode(&body, 1);
	say(WIRE_CANCEL, &body);
	send_content("source");
	/* The job number is free again. */
	send_job_after(1, 2);
	until(is_job_ended);
	ck_assert_uint_eq(members[0].jobs, 1);
}

TEST(a_blob_is_sent_although_its_sandbox_is_closed)
{
	struct buf body = { 0 };

	add_member(1)->defers = true;
	connect_client(WIRE_VERSION);
	request_sandbox();
	until(is_need_received);
	send_blob();
	until(is_need_deferred);
	wire_number_encode(&body, 1);
	say(WIRE_SHUT, &body);
	until(is_sandbox_shut);
	send_deferred();
	until(is_blob_received);
	ck_assert(!client.closed);
}

TEST(repeated_requests_of_one_member_do_not_affect_another)
{
	const struct conn *honest;

	add_member(1)->repeats = 100;
	add_member(1)->defers = true;
	connect_client(WIRE_VERSION);
	request_sandbox();
	until(is_need_received);
	send_blob();
	until(is_need_deferred);
	/* The first connection of each member is the one without jobs. */
	while (n_conns < 5)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	honest = find_deferred();
	send_deferred();
	while (honest->stream && !members[1].blobs)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	ck_assert_uint_eq(members[1].blobs, 1);
}

TEST(the_entries_of_a_session_are_limited)
{
	add_member(1);
	connect_client(WIRE_VERSION);
	relay->max_entries = 2;
	make_sandbox();
	send_view(1, 2, WIRE_PART_SOURCES, text);
	turn(100);
	ck_assert(!client.closed);
	send_view(1, 3, WIRE_PART_SOURCES, text);
	until(is_closed);
	ck_assert_str_eq(client.bye, "the input updates of a session have more "
				     "than 2 entries");
}

TEST(the_session_continues_if_there_are_too_many_sandboxes)
{
	struct wire_cell cell = { .driver = (char *)"/usr/bin/gcc" };
	struct buf body = { 0 };

	add_member(1);
	connect_client(WIRE_VERSION);
	for (cell.cell = 1; cell.cell <= 21; cell.cell++) {
		wire_cell_encode_at(&body, &cell, client.version);
		say(WIRE_CELL, &body);
	}
	until(is_have_received);
	turn(100);
	ck_assert(!client.closed);
	ck_assert_uint_eq(client.haves, 5);
	ck_assert_str_eq(client.have_detail,
			 "too many sandboxes for one client");
}

TEST_RANGE(an_empty_view_ends_the_session, WIRE_PART_SOURCES,
	   WIRE_PART_TOOLCHAIN + 1)
{
	struct wire_cell cell = { .cell = 1, .driver = (char *)"/usr/bin/gcc" };
	struct wire_view view = { .cell = 1, .view = 1, .part = (uint8_t)_i };
	struct buf body = { 0 };

	add_member(1);
	connect_client(WIRE_VERSION);
	wire_cell_encode_at(&body, &cell, client.version);
	say(WIRE_CELL, &body);
	wire_view_encode_at(&body, &view, client.version);
	say(WIRE_VIEW, &body);
	until(is_closed);
	ck_assert_str_eq(client.bye, "VIEW: no entries");
}

TEST(a_bundle_that_a_member_cannot_run_is_rejected_before_its_files)
{
	struct wire_bundle bundle = { .bundle = 1,
				      .id = (char *)"gcc-1",
				      .host = (char *)"riscv64",
				      .metadata = (char *)"" };
	struct buf body = { 0 };

	add_member(1);
	connect_client(WIRE_VERSION);
	wire_bundle_encode_at(&body, &bundle, client.version);
	say(WIRE_BUNDLE, &body);
	until(is_have_received);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_REFUSED);
	ck_assert_str_eq(client.have_detail,
			 "gcc-1: built for riscv64, which a "
			 "member of the relay cannot run");
}

static const struct {
	struct wire_job job;
	struct wire_step step; /* no STEP if the job is 0 */
	const char *why;
} invalid[] = {
	{ { .job = 1, .cell = 1, .view = 2 },
	  { 0 },
	  "JOB: VIEW 2 not received" },
	{ { .job = 1, .cell = 1, .view = 1, .cwd = 77 },
	  { 0 },
	  "JOB: undefined path number 77" },
	{ { .job = 1,
	    .cell = 1,
	    .view = 1,
	    .n_flag_ranges = 1,
	    .flag_ranges = &(struct wire_run){ .n_flags = 1 } },
	  { 0 },
	  "JOB: undefined flag number" },
	{ { .job = 1, .cell = 1, .view = 1 },
	  { .job = 2, .kind = WIRE_STEP_SYMBOLS },
	  "JOB: the number is in use, or the preceding STEP or PIN belongs to "
	  "another job" },
	{ { .job = 1, .cell = 1, .view = 1 },
	  { .job = 1, .kind = WIRE_STEP_SYMBOLS, .tool = 77 },
	  "STEP: undefined path number 77" },
};

/* Each member that receives an invalid job would end its session. */
TEST_EACH(an_invalid_job_is_not_forwarded, invalid)
{
	struct wire_job job = row->job;
	struct buf body = { 0 };

	add_member(1);
	connect_client(WIRE_VERSION);
	make_sandbox();
	if (row->step.job) {
		wire_step_encode_at(&body, &row->step, client.version);
		say(WIRE_STEP, &body);
	}
	job.source = (char *)"a.c";
	job.object = (char *)"a.o";
	wire_job_encode_at(&body, &job, client.version);
	say(WIRE_JOB, &body);
	until(is_closed);
	ck_assert_str_eq(client.bye, row->why);
	ck_assert_uint_eq(members[0].jobs, 0);
}

TEST(a_relay_falls_back_to_the_build_host_if_a_neighbor_fails)
{
	struct wire_neighbor neighbor = { .number = 7,
					  .address = (char *)"127.0.0.1:9" };
	struct wire_fetch fetch = { .neighbor = 7, .size = sizeof(text) - 1 };
	struct buf body = { 0 };

	add_member(1);
	connect_client(WIRE_VERSION);
	request_sandbox();
	until(is_need_received);
	wire_neighbor_encode_at(&body, &neighbor, client.version);
	say(WIRE_NEIGHBOR, &body);
	digest_bytes(bytes_str(text), &fetch.digest);
	wire_fetch_encode_at(&body, &fetch, client.version);
	say(WIRE_FETCH, &body);
	while (client.n_indices < 2)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	send_blob();
	until(is_have_received);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_READY);
}

TEST(a_result_is_forwarded_unchanged_and_names_its_member)
{
	add_member(1);
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(7);
	until(is_job_ended);
	ck_assert_uint_eq(client.results, 1);
	ck_assert_uint_eq(client.result_job, 7);
	ck_assert_str_eq(client.via, "m0");
	ck_assert_str_eq(buf_str(&client.output), "object");
}

static const struct {
	enum manner manner;
	unsigned jobs; /* jobs that the first member receives */
} failures[] = { { DEAD, 1 }, { BROKEN, 1 }, { ENDLESS_OUTPUT, 1 } };

TEST_EACH(another_member_executes_a_failed_job, failures)
{
	add_member(2)->manner = row->manner;
	add_member(1)->late = true;
	connect_client(WIRE_VERSION);
	make_sandbox();
	while (members[1].blobs < 1)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(members[0].jobs, row->jobs);
	ck_assert_uint_eq(client.results, 1);
	ck_assert_str_eq(client.via, "m1");
	ck_assert_str_eq(buf_str(&client.output), "object");
}

TEST(a_job_with_too_much_output_fails)
{
	add_member(1)->manner = LARGE_OUTPUT;
	connect_client(WIRE_VERSION);
	relay->max_output = 500;
	make_sandbox();
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(client.fails, 1);
	ck_assert_uint_eq(client.fail.class, WIRE_FAIL_NODE);
	ck_assert_str_eq(client.fail.reason,
			 "output of the unfinished jobs of the member is too "
			 "large");
	ck_assert_uint_eq(relay->members[0].output_bytes, 0);
}

TEST(output_that_was_not_requested_is_not_forwarded)
{
	add_member(1)->manner = UNREQUESTED_OUTPUT;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(client.results, 1);
	ck_assert_str_eq(buf_str(&client.output), "object");
}

TEST(delivered_output_is_not_counted_against_the_limit)
{
	add_member(1);
	connect_client(WIRE_VERSION);
	make_sandbox();
	/* The limit permits the output of one job. */
	relay->max_output = 100;
	for (unsigned i = 1; i < 4; i++) {
		client.results = 0;
		send_job(i);
		until(is_job_ended);
		ck_assert_uint_eq(client.results, 1);
	}
}

TEST(the_client_receives_the_failure_of_the_last_member)
{
	add_member(1)->manner = BROKEN;
	add_member(1)->manner = BROKEN;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(client.fails, 1);
	ck_assert_uint_eq(client.fail.class, WIRE_FAIL_NODE);
	ck_assert_uint_eq(members[0].jobs + members[1].jobs, 2);
	ck_assert_uint_eq(client.output.len, 0);
	ck_assert_ptr_nonnull(client.via);
}

TEST(a_busy_member_gets_the_job_again)
{
	add_member(1)->manner = BUSY_ONCE;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(client.results, 1);
	ck_assert_uint_eq(members[0].jobs, 2);
}

TEST(a_job_that_ends_each_session_fails)
{
	add_member(1)->manner = DEAD;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(client.fails, 1);
	ck_assert_uint_eq(client.fail.class, WIRE_FAIL_NODE);
	ck_assert_str_eq(client.via, "m0");
	ck_assert_ptr_nonnull(strstr(client.fail.reason, "lost"));
	ck_assert_uint_le(members[0].jobs, 3);
	ck_assert_uint_eq(client.output.len, 0);
}

static void exclude(const char *member)
{
	struct wire_exclude m = { .member = (char *)member };
	struct buf body = { 0 };

	wire_exclude_encode_at(&body, &m, client.version);
	say(WIRE_EXCLUDE, &body);
}

TEST(an_excluded_member_gets_no_more_jobs)
{
	add_member(2)->manner = SILENT_JOB;
	add_member(1)->late = true;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_on_a_member);
	exclude("m0");
	/* The other member executes the job again. */
	until(is_job_ended);
	ck_assert_str_eq(client.via, "m1");
	client.results = 0;
	send_job(2);
	until(is_job_ended);
	ck_assert_str_eq(client.via, "m1");
	ck_assert_uint_eq(members[0].jobs, 1);
	until(is_lease_received);
	ck_assert_uint_eq(client.lease, 2);
}

TEST(an_exclusion_is_forwarded_once_to_the_relay_of_the_member)
{
	add_member(1);
	connect_client(WIRE_VERSION);
	make_sandbox();
	exclude("m0/board1");
	exclude("m0/board1");
	exclude("nobody");
	send_job(1);
	until(is_job_ended);
	ck_assert_str_eq(client.via, "m0");
	ck_assert_str_eq(members[0].excluded, "board1");
	ck_assert_uint_eq(members[0].exclusions, 1);
}

TEST(a_cancelled_job_is_cancelled_on_its_member)
{
	struct buf body = { 0 };

	add_member(1)->manner = SILENT_JOB;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_on_a_member);
	wire_number_encode(&body, 1);
	say(WIRE_CANCEL, &body);
	until(is_job_cancelled);
	ck_assert_uint_eq(client.results + client.fails, 0);
}

TEST(a_sandbox_is_rejected_when_all_members_reject_it)
{
	add_member(1)->refuses = true;
	add_member(1)->refuses = true;
	connect_client(WIRE_VERSION);
	request_sandbox();
	until(is_need_received);
	send_blob();
	until(is_have_received);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_REFUSED);
	ck_assert_ptr_null(strstr(client.have_detail, "silent"));
}

TEST(a_sandbox_does_not_wait_for_a_member_without_sessions)
{
	add_member(1)->full = true;
	connect_client(WIRE_VERSION);
	request_sandbox();
	until(is_have_received);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_REFUSED);
	ck_assert_ptr_nonnull(strstr(client.have_detail, "m0: "));
}

static bool is_dialed_twice(void)
{
	const struct relay_session *s = TAILQ_FIRST(&relay->sessions);

	return s->links && s->links[0].n_failures == 2;
}

/* The third dial of the member fails at once, and closes all sandboxes. */
TEST(a_failed_dial_while_a_sandbox_ends_rejects_each_sandbox_once)
{
	struct wire_cell cell = { .driver = (char *)"/usr/bin/gcc" };
	struct relay_session *s;
	struct relay_target *t;
	struct buf body = { 0 };

	add_member(1);
	connect_client(WIRE_VERSION);
	ok(unlink(members[0].path));
	for (cell.cell = 1; cell.cell <= 3; cell.cell++) {
		wire_cell_encode_at(&body, &cell, client.version);
		say(WIRE_CELL, &body);
	}
	until(is_dialed_twice);
	ck_assert_uint_eq(client.haves, 0);
	s = TAILQ_FIRST(&relay->sessions);
	while (clock_ms() < sched_next_ms(s->sched))
		usleep(1000);
	list_for_each(t, &s->targets, entry)
		t->activity_ms = 0;
	relay_inputs_tick(s);
	while (client.haves < 3)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_REFUSED);
	turn(100);
	ck_assert_uint_eq(client.haves, 3);
}

TEST(no_request_waits_for_a_member_that_is_lost_between_two_dials)
{
	struct wire_tools tools = { .request_id = 1 };
	struct buf body = { 0 };

	add_member(1)->full = true;
	add_member(1)->refuses = true;
	connect_client(WIRE_VERSION);
	request_sandbox();
	until(is_need_received);
	send_blob();
	wire_tools_encode_at(&body, &tools, client.version);
	until(is_session_rejected);
	/* Let the relay notice the end of the rejected session. */
	turn(10);
	say(WIRE_TOOLS, &body);
	turn(10);
	/* The first connection of each member is the one without jobs. */
	for (size_t i = 0; i < n_conns; i++) {
		if (conns[i]->member != &members[0])
			continue;
		wire_stream_free(conns[i]->stream);
		conns[i]->stream = NULL;
	}
	until(is_have_received);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_REFUSED);
	ck_assert_uint_eq(members[0].rejected, 1);
	/* The wait did not end by the timeout of the other member. */
	ck_assert_ptr_null(strstr(client.have_detail, "silent"));
	until(is_request_answered);
}

TEST(a_request_times_out_without_the_reply_of_a_member)
{
	struct wire_tools tools = { .request_id = 1 };
	struct wire_drop drop = { .request_id = 2, .id = (char *)"gcc-1" };
	struct buf body = { 0 };

	add_member(1);
	add_member(1)->mute = true;
	connect_client(WIRE_VERSION);
	relay->reply_ms = 1000;
	wire_tools_encode_at(&body, &tools, client.version);
	say(WIRE_TOOLS, &body);
	until(is_request_answered);
	/* No member of the test replies to DROP. */
	wire_drop_encode_at(&body, &drop, client.version);
	say(WIRE_DROP, &body);
	until(is_drop_answered);
	ck_assert_ptr_nonnull(
		strstr(client.drop_detail, "no reply within 1 s"));
	ck_assert(!strncmp(client.drop_detail, "m", 1));
}

TEST(all_toolchains_are_listed_in_several_messages)
{
	struct wire_tools tools = { .request_id = 1 };
	struct buf body = { 0 };

	add_member(1)->n_toolchains = WIRE_HELD_MAX + 2;
	add_member(1)->n_toolchains = WIRE_HELD_MAX + 1;
	connect_client(WIRE_VERSION);
	wire_tools_encode_at(&body, &tools, client.version);
	say(WIRE_TOOLS, &body);
	until(is_request_answered);
	ck_assert_uint_eq(client.n_held, WIRE_HELD_MAX + 1);
}

/* The relay compares each pair of toolchains. */
static const unsigned list_lengths[] = { 4096, 4097 };

TEST_EACH(a_list_of_too_many_toolchains_is_ignored, list_lengths)
{
	struct wire_tools tools = { .request_id = 1 };
	struct buf body = { 0 };

	add_member(1)->n_toolchains = *row;
	connect_client(WIRE_VERSION);
	wire_tools_encode_at(&body, &tools, client.version);
	say(WIRE_TOOLS, &body);
	until(is_request_answered);
	ck_assert_uint_eq(client.n_held, *row > 4096 ? 0 : 4096);
}

TEST(a_rejected_bundle_names_the_member_that_did_not_reply)
{
	struct wire_bundle bundle = { .bundle = 1,
				      .id = (char *)"gcc-1",
				      .host = (char *)"x86_64",
				      .metadata = (char *)"" };
	struct buf body = { 0 };

	add_member(1)->late = true;
	connect_client(WIRE_VERSION);
	relay->reply_ms = 100;
	wire_bundle_encode_at(&body, &bundle, client.version);
	say(WIRE_BUNDLE, &body);
	send_view(1, 1, WIRE_PART_TOOLCHAIN_END, text);
	until(is_need_received);
	send_blob();
	until(is_have_received);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_REFUSED);
	ck_assert_str_eq(client.have_detail, "m0: no reply within 1 s");
}

TEST(a_member_with_another_version_than_the_client_is_not_used)
{
	add_member(1)->version = WIRE_VERSION - 1;
	add_member(1);
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(members[0].jobs, 0);
	ck_assert_uint_eq(members[1].jobs, 1);
}

TEST(a_client_of_version_12_gets_results_without_relay_fields)
{
	add_member(1);
	connect_client(12);
	make_sandbox();
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(client.results, 1);
	ck_assert_ptr_null(client.via);
	ck_assert(!client.has_relay);
}

/* Add one member with slow cores and one with fast cores, both ready. */
static void start_slow_and_fast_member(enum manner fast_manner)
{
	add_member(2)->capacity = 512;
	add_member(2)->manner = fast_manner;
	members[1].model = "B";
	connect_client(WIRE_VERSION);
	make_sandbox();
	while (members[0].blobs + members[1].blobs < 2)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	/* Let the relay read both HAVEs. */
	turn(100);
}

TEST(a_job_goes_to_the_member_that_finishes_it_first)
{
	struct wire_pin pin = { .job = 1, .class = 1 };
	struct buf body = { 0 };

	start_slow_and_fast_member(HONEST);
	ck_assert_str_eq(client.machine.classes[1].model, "A");
	/* The class of the client does not restrict the choice. */
	wire_pin_encode_at(&body, &pin, client.version);
	say(WIRE_PIN, &body);
	send_job(1);
	until(is_job_ended);
	ck_assert_str_eq(client.via, "m1");
}

TEST(a_straggler_is_hedged_on_another_member)
{
	start_slow_and_fast_member(SILENT_JOB);
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(client.results, 1);
	ck_assert_uint_eq(members[1].jobs, 1);
	ck_assert_str_eq(client.via, "m0");
	ck_assert_str_eq(buf_str(&client.output), "object");
	while (!members[1].cancels)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
}

/* Let the relay handle a result of job 1 that a member has sent. */
static void handle_result(size_t member)
{
	struct relay_session *s = TAILQ_FIRST(&relay->sessions);
	struct wire_result m = { .job = 1 };
	struct buf body = { 0 };
	struct err err;

	wire_result_encode_at(&body, &m, client.version);
	must(relay_jobs_handle(&s->links[member], WIRE_RESULT, buf_bytes(&body),
			       &err));
	buf_release(&body);
}

/* Report a failure of the client's first job on a member, then its result. */
static void end_attempt_before_result(size_t member)
{
	struct sched_event failed = { .kind = SCHED_EV_JOB_FAILED,
				      .fail = SCHED_FAIL_DEADLINE };
	struct relay_session *s = TAILQ_FIRST(&relay->sessions);

	relay_dispatch_job_event(TAILQ_FIRST(&s->jobs), &s->links[member],
				 &failed);
	handle_result(member);
}

TEST(a_result_that_the_dispatcher_ignores_does_not_replace_the_next)
{
	add_member(2)->manner = SILENT_JOB;
	add_member(1)->late = true;
	connect_client(WIRE_VERSION);
	make_sandbox();
	while (members[1].blobs < 1)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	send_job(1);
	until(is_job_on_a_member);
	end_attempt_before_result(0);
	until(is_job_ended);
	ck_assert_uint_eq(client.results, 1);
	ck_assert_str_eq(client.via, "m1");
	ck_assert_str_eq(buf_str(&client.output), "object");
}

TEST(a_job_ends_although_the_second_of_two_results_is_not_used)
{
	start_slow_and_fast_member(SILENT_JOB);
	members[0].manner = SILENT_JOB;
	send_job(1);
	/* The second member executes the job as a hedged request. */
	while (members[0].jobs + members[1].jobs < 2)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	end_attempt_before_result(1);
	handle_result(0);
	until(is_job_ended);
	ck_assert_uint_eq(client.fails, 1);
	ck_assert_uint_eq(client.fail.class, WIRE_FAIL_BUSY);
}

TEST(the_jobs_of_a_lost_sandbox_end)
{
	add_member(1)->manner = SILENT_JOB;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_on_a_member);
	for (size_t i = 0; i < n_conns; i++) {
		if (conns[i]->stream && conns[i]->job)
			member_have(conns[i], WIRE_HAVE_LOST);
	}
	until(is_job_ended);
	ck_assert_uint_eq(client.fail.class, WIRE_FAIL_TOOLCHAIN);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_LOST);
}

TEST(a_blob_that_was_not_requested_ends_the_session)
{
	add_member(1);
	connect_client(WIRE_VERSION);
	request_sandbox();
	until(is_need_received);
	send_blob();
	send_blob();
	until(is_closed);
	ck_assert_ptr_nonnull(strstr(client.bye, "not requested"));
}

TEST(heartbeats_in_rapid_sequence_are_ignored)
{
	const struct relay_job *job;

	add_member(1)->manner = SILENT_JOB;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_on_a_member);
	member_beat(conns[1], 1);
	member_beat(conns[1], 2);
	turn(100);
	job = TAILQ_FIRST(&TAILQ_FIRST(&relay->sessions)->jobs);
	ck_assert(job->attempts[0].running);
	ck_assert_uint_eq(job->attempts[0].cpu_ms, 1);
}

static bool is_session_stopped(void)
{
	return !daemon_state.n_sessions ||
	       TAILQ_FIRST(&relay->sessions)->stopped;
}

TEST(malformed_flags_end_the_session)
{
	struct buf body = { 0 };

	add_member(1);
	connect_client(WIRE_VERSION);
	buf_put_u32(&body, 7); /* not the next number */
	buf_put_u32(&body, 0);
	say(WIRE_FLAGS, &body);
	until(is_closed);
	ck_assert_str_eq(client.bye, "malformed FLAGS");
}

/* Queue output for the client, which ignores it. */
static void queue_output(size_t mib)
{
	struct buf body = { 0 };
	uint32_t random = 1;

	for (size_t i = 0; i < 16 * mib; i++) {
		/* incompressible */
		while (body.len < 64u << 10)
			buf_put_u32(&body, random = random * 69069 + 1);
		relay_session_send(TAILQ_FIRST(&relay->sessions), WIRE_CC_BEAT,
				   &body);
	}
}

static bool is_second_sandbox_requested(void)
{
	return relay_session_find(TAILQ_FIRST(&relay->sessions), 2);
}

/* A client would close the connection during a longer pause. */
TEST(reading_from_a_slow_client_resumes_before_all_output_is_sent)
{
	add_member(1);
	connect_client(WIRE_VERSION);
	relay->max_backlog = 6u << 20;
	wire_stream_set_paused(client.stream, true);
	queue_output(7);
	request_sandbox_numbered(1);
	turn(100);
	request_sandbox_numbered(2);
	turn(100);
	ck_assert(!is_second_sandbox_requested());
	wire_stream_set_paused(client.stream, false);
	while (wire_stream_received_bytes(client.stream) < 5u << 19)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	wire_stream_set_paused(client.stream, true);
	until(is_second_sandbox_requested);
	ck_assert_uint_gt(relay_session_backlog(TAILQ_FIRST(&relay->sessions)),
			  WIRE_LOW_WATER);
}

/* More output precedes BYE than the socket accepts. */
TEST(a_slow_client_receives_the_reason_for_a_closed_session)
{
	struct buf body = { 0 };

	add_member(1);
	connect_client(WIRE_VERSION);
	wire_stream_set_paused(client.stream, true);
	queue_output(1);
	buf_put_u32(&body, 7); /* not the next number */
	say(WIRE_FLAGS, &body);
	until(is_session_stopped);
	turn(100);
	wire_stream_set_paused(client.stream, false);
	until(is_closed);
	ck_assert_str_eq(client.bye, "malformed FLAGS");
	turn(100);
	ck_assert_uint_eq(daemon_state.n_sessions, 0);
}

static struct digest admitted_key;
static char *clients_path;

/* Connect a client whose key is in the list of clients. */
static void connect_admitted_client(void)
{
	char pin[TLS_KEY_FINGERPRINT_SIZE], *line;
	struct err err;

	digest_bytes(bytes_str("key"), &admitted_key);
	tls_key_format_fingerprint(&admitted_key, pin);
	line = xasprintf("%s host\n", pin);
	clients_path = xasprintf("%s/clients", dir);
	must(fs_write(clients_path, bytes_str(line), 0644, &err));
	free(line);
	daemon_state.clients = tls_clients_new(clients_path);
	client_key = &admitted_key;
	add_member(1);
	connect_client(WIRE_VERSION);
}

TEST(the_session_of_a_removed_client_ends)
{
	connect_admitted_client();
	ok(unlink(clients_path));
	until(is_closed);
	ck_assert_str_eq(client.bye, "client removed from the list of clients");
	free(clients_path);
}

TEST(the_sessions_of_a_key_are_limited)
{
	int fds[KFARMD_SESSIONS_PER_KEY];

	connect_admitted_client();
	for (size_t i = 0; i < KFARMD_SESSIONS_PER_KEY; i++)
		fds[i] = connect_silent_client();
	ck_assert_uint_eq(daemon_state.n_sessions, KFARMD_SESSIONS_PER_KEY);
	for (size_t i = 0; i < KFARMD_SESSIONS_PER_KEY; i++)
		close(fds[i]);
	free(clients_path);
}

static json_int_t number_at(const json_t *o, const char *group,
			    const char *name)
{
	return json_integer_value(
		json_object_get(json_object_get(o, group), name));
}

static const char *text_at(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

TEST(the_status_describes_sessions_and_members)
{
	const json_t *session, *job, *member;
	json_t *status = json_object();

	add_member(1)->manner = SILENT_JOB;
	add_member(1)->full = true;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(7);
	until(is_job_on_a_member);
	relay_describe(relay, status);
	ck_assert(json_is_true(json_object_get(status, "fit")));
	ck_assert_int_eq(number_at(status, "slots", "limit"), 4);
	ck_assert_int_eq(number_at(status, "slots", "compilers"), 2);
	ck_assert_int_eq(number_at(status, "slots", "taken"), 1);
	ck_assert_int_eq(number_at(status, "slots", "running"), 0);
	session = json_array_get(json_object_get(status, "clients"), 0);
	ck_assert_str_eq(text_at(session, "from"), "test");
	job = json_array_get(json_object_get(session, "jobs"), 0);
	ck_assert_str_eq(text_at(job, "file"), "a.c");
	ck_assert_str_eq(text_at(job, "state"), "receiving");
	ck_assert_str_eq(text_at(job, "member"), "m0");
	member = json_array_get(json_object_get(status, "members"), 1);
	ck_assert_str_eq(text_at(member, "name"), "m1");
	json_decref(status);
}

TEST(a_draining_relay_rejects_new_jobs_and_waits_for_running_ones)
{
	struct buf body = { 0 };

	add_member(1)->manner = SILENT_JOB;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_on_a_member);
	daemon_state.slots.draining = true;
	send_job(2);
	until(is_job_ended);
	ck_assert_uint_eq(client.fail.class, WIRE_FAIL_BUSY);
	ck_assert_str_eq(client.fail.reason, "kfarmd is shutting down");
	ck_assert(!client.closed);
	wire_number_encode(&body, 1);
	say(WIRE_CANCEL, &body);
	until(is_closed);
	ck_assert_str_eq(client.bye, "kfarmd is shutting down");
	ck_assert_uint_eq(daemon_state.finished.n_jobs[KFARMD_END_DROPPED], 1);
}
