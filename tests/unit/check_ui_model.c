/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "ui/model.h"

#include "../lib/test.h"
#include "base/clock.h"
#include "base/printable.h"
#include "ui-fixture.h"

#include <malloc.h>

static void set_up(void)
{
	now_ms = 0;
	also = NULL;
	ui_model_init(&m);
}

static void tear_down(void)
{
	ui_model_release(&m);
}

FIXTURE(set_up, tear_down);
TIMEOUT(200);

TEST(jobs_are_counted_by_their_latest_state)
{
	node("a", "up", NULL);
	for (int i = 1; i <= 5; i++)
		job(i, EVENTS_JOB_QUEUED, NULL);
	job(1, EVENTS_JOB_SEND, "a");
	job(1, EVENTS_JOB_RECEIVE, "a");
	job(1, EVENTS_JOB_DONE, "a");
	job(2, EVENTS_JOB_SEND, "a");
	job(3, EVENTS_JOB_RUN, "local");
	job(3, EVENTS_JOB_DONE, "local");
	job(4, EVENTS_JOB_SCAN, NULL);
	ck_assert_uint_eq(m.totals.n_remote, 1);
	ck_assert_uint_eq(m.totals.n_local, 1);
	ck_assert_uint_eq(ui_model_count_running(&m), 2);
	ck_assert_uint_eq(m.n_by_state[EVENTS_JOB_QUEUED], 1);
	ck_assert_uint_eq(m.n_by_state[EVENTS_JOB_SCAN], 1);
	ck_assert_uint_eq(m.n_by_state[EVENTS_JOB_SEND], 1);
	ck_assert_uint_eq(m.totals.n_reasons, 1);
	ck_assert_str_eq(m.totals.reasons[0].text, ".incbin");
	ck_assert_uint_eq(m.totals.reasons[0].n_jobs, 1);
}

TEST(a_resent_job_is_counted_once_for_its_final_node)
{
	job(7, EVENTS_JOB_QUEUED, NULL);
	job(7, EVENTS_JOB_SEND, "a");
	job(7, EVENTS_JOB_SCAN, NULL);
	job(7, EVENTS_JOB_SEND, "b");
	ck_assert_uint_eq(
		ui_model_find_node(&m, "a")->n_by_state[EVENTS_JOB_SEND], 0);
	job(7, EVENTS_JOB_DONE, "b");
	job(7, EVENTS_JOB_RUN, "a"); /* too late: the job is done */
	ck_assert_uint_eq(m.totals.n_remote, 1);
	ck_assert_uint_eq(m.n_jobs, 0);
	ck_assert_uint_eq(ui_model_find_node(&m, "b")->reported->n_jobs, 1);
	for (int i = 0; i < EVENTS_N_JOB_STATES; i++)
		ck_assert_uint_eq(m.n_by_state[i], 0);
}

TEST(an_abandoned_job_is_removed_without_being_counted)
{
	job(1, EVENTS_JOB_QUEUED, NULL);
	job(1, EVENTS_JOB_SEND, "a");
	job(1, EVENTS_JOB_ABANDONED, NULL);
	job(2, EVENTS_JOB_ABANDONED, NULL);
	ck_assert_uint_eq(m.n_jobs, 0);
	ck_assert_uint_eq(m.totals.n_remote + m.totals.n_local, 0);
	ck_assert_uint_eq(
		ui_model_find_node(&m, "a")->n_by_state[EVENTS_JOB_SEND], 0);
	ck_assert_ptr_null(ui_model_find_node(&m, "a")->slots[0]);
}

TEST(a_job_keeps_its_slot)
{
	const struct ui_node *a;

	for (int i = 1; i <= 3; i++) {
		job(i, EVENTS_JOB_QUEUED, NULL);
		job(i, EVENTS_JOB_SEND, "a");
	}
	a = ui_model_find_node(&m, "a");
	job(2, EVENTS_JOB_DONE, "a");
	ck_assert_ptr_null(a->slots[1]);
	job(3, EVENTS_JOB_RUN, "a");
	ck_assert_int_eq(a->slots[2]->number, 3);
	job(4, EVENTS_JOB_QUEUED, NULL);
	job(4, EVENTS_JOB_SEND, "a");
	ck_assert_int_eq(a->slots[1]->number, 4);
	ck_assert_uint_eq(a->n_slots, 3);
	ck_assert_uint_eq(a->n_by_state[EVENTS_JOB_SEND], 2);
	ck_assert_uint_eq(a->n_by_state[EVENTS_JOB_RUN], 1);
}

TEST(the_free_memory_of_a_node_is_unknown_before_its_first_load_report)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);

	ev.node = "a";
	ev.memory_bytes = 8000;
	play(&ev);
	ck_assert_int_eq(ui_model_find_node(&m, "a")->memory, EVENTS_UNKNOWN);
	ev = events_event_make(EVENTS_KIND_LOAD);
	ev.node = "a";
	ev.memory_bytes = 3000;
	play(&ev);
	ck_assert_int_eq(ui_model_find_node(&m, "a")->memory, 3000);
}

/* The result of a job is verified while its slot has the next job. */
TEST(a_job_beyond_the_slots_moves_to_a_free_slot)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);
	const struct ui_node *a;

	ev.node = "a";
	ev.text = "up";
	ev.n_slots = 2;
	play(&ev);
	for (int i = 1; i <= 4; i++) {
		job(i, EVENTS_JOB_QUEUED, NULL);
		job(i, EVENTS_JOB_RUN, "a");
	}
	a = ui_model_find_node(&m, "a");
	ck_assert_uint_eq(a->n_slots, 4);
	job(1, EVENTS_JOB_DONE, "a");
	ck_assert_uint_eq(a->n_slots, 3);
	ck_assert_int_eq(a->slots[0]->number, 4);
	job(3, EVENTS_JOB_DONE, "a");
	ck_assert_uint_eq(a->n_slots, 2);
	job(4, EVENTS_JOB_DONE, "a");
	ck_assert_ptr_null(a->slots[0]);
	ck_assert_int_eq(a->slots[1]->number, 2);
}

TEST(a_hedged_job_stays_on_its_node_until_it_is_done_locally)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	job(1, EVENTS_JOB_QUEUED, NULL);
	job(1, EVENTS_JOB_SEND, "a");
	ev.job = 1;
	ev.state = EVENTS_JOB_RUN;
	ev.node = "local";
	ev.reason = "its node is slow";
	ev.hedged = true;
	play(&ev);
	ck_assert_uint_eq(
		ui_model_find_node(&m, "a")->n_by_state[EVENTS_JOB_SEND], 1);
	ck_assert_uint_eq(m.totals.n_hedged, 1);
	job(1, EVENTS_JOB_DONE, "local");
	ck_assert_uint_eq(
		ui_model_find_node(&m, "a")->n_by_state[EVENTS_JOB_SEND], 0);
	ck_assert_uint_eq(m.totals.n_local, 1);
	ck_assert_uint_eq(m.totals.n_remote, 0);
}

TEST(the_build_host_is_first_but_not_counted_as_a_node)
{
	unsigned up;

	node("a", "up", NULL);
	node("b", "down", "no route to host");
	job(1, EVENTS_JOB_QUEUED, NULL);
	job(1, EVENTS_JOB_RUN, "local");
	ck_assert(ui_node_is_local(m.nodes[0]));
	ck_assert_uint_eq(m.n_nodes, 3);
	ck_assert_uint_eq(ui_model_count_nodes(&m, &up), 2);
	ck_assert_uint_eq(up, 1);
	ck_assert_str_eq(ui_model_find_node(&m, "b")->reported->reason,
			 "no route to host");
	node("b", "removed", "removed from the configuration");
	ck_assert_uint_eq(ui_model_count_nodes(&m, &up), 1);
}

TEST(a_connected_node_without_jobs_is_idle)
{
	node("a", "connecting", NULL);
	now_ms = 1000;
	node("a", "up", NULL);
	ck_assert_uint_eq(ui_node_idle_ms(m.nodes[0], 4000), 3000);
	now_ms = 5000;
	job(1, EVENTS_JOB_QUEUED, NULL);
	job(1, EVENTS_JOB_SEND, "a");
	ck_assert_uint_eq(ui_node_idle_ms(m.nodes[0], 9000), 0);
	now_ms = 8000;
	job(1, EVENTS_JOB_DONE, "a");
	ck_assert_uint_eq(ui_node_idle_ms(m.nodes[0], 16000), 8000);
	ck_assert_uint_eq(ui_node_mean_ms(m.nodes[0]), 3000);
	node("a", "down", "gone");
	ck_assert_uint_eq(ui_node_idle_ms(m.nodes[0], 16000), 0);
}

TEST(file_names_are_relative_to_the_tree)
{
	tree("/src/linux");
	job(1, EVENTS_JOB_QUEUED, NULL);
	ck_assert_str_eq(TAILQ_FIRST(&m.open_jobs)->file, "kernel/a.c");
	job(1, EVENTS_JOB_DONE, "a");
	ck_assert_str_eq(m.last_file, "kernel/a.c");
}

TEST(throughput_is_averaged_over_the_last_seconds)
{
	for (unsigned s = 0; s < 100; s++) {
		now_ms = s * 1000;
		for (unsigned i = 0; i < s % 10; i++)
			job(s * 10 + i + 1, EVENTS_JOB_DONE, "a");
	}
	now_ms = 100500;
	ck_assert_uint_eq(ui_model_second(&m, now_ms, 1)->n_remote, 9);
	ck_assert_uint_eq(ui_model_second(&m, now_ms, 10)->n_remote, 0);
	ck_assert_uint_eq(ui_model_second(&m, now_ms, 55)->n_remote, 5);
	ck_assert_uint_eq(ui_model_second(&m, now_ms, 99)->n_remote,
			  0); /* too old */
	ck_assert_uint_eq(ui_model_rate_milli(&m, now_ms, 10), 4500);
	ck_assert_uint_eq(ui_model_rate_milli(&m, now_ms + 5000, 10), 3500);
	ck_assert_uint_eq(ui_model_rate_milli(&m, now_ms + 3600000, 60), 0);
	ck_assert_uint_eq(ui_model_rate_milli(&m, 0, 60), 0);
}

TEST(a_late_subscriber_initially_has_the_mean_rate_of_the_build)
{
	struct events_event ev = events_event_make(EVENTS_KIND_COUNTS);

	ev.at_ms = now_ms = 50500;
	ev.n_remote = 101;
	ui_model_add_event(&m, &ev);
	ck_assert_uint_eq(ui_model_rate_milli(&m, now_ms, 10), 2000);
	for (now_ms = 51000; now_ms < 53000; now_ms += 200)
		job((int64_t)now_ms, EVENTS_JOB_DONE, "a");
	ck_assert_uint_eq(ui_model_rate_milli(&m, 53500, 10), 5000);
}

TEST(traffic_is_the_difference_between_two_load_events)
{
	struct events_event ev = events_event_make(EVENTS_KIND_LOAD);

	ev.node = "a";
	ev.sent_bytes = 1000000;
	ev.celsius_milli = 61500;
	ev.speed_milli = 700;
	play(&ev);
	now_ms = 1000;
	ev.sent_bytes += 500;
	ev.received_bytes = 20;
	play(&ev);
	ck_assert_uint_eq(m.seconds[1].sent_bytes, 500);
	ck_assert_uint_eq(m.seconds[1].received_bytes, 20);
	ck_assert_uint_eq(m.seconds[0].sent_bytes, 0);
	ck_assert_int_eq(m.nodes[0]->temperature, 61500);
	ck_assert_int_eq(m.nodes[0]->clock_speed, 700);
	ck_assert_int_eq(m.nodes[0]->other_load, EVENTS_UNKNOWN);
	/* A node reconnects with reset counters, which is not traffic. */
	ev.sent_bytes = 0;
	play(&ev);
	ck_assert_uint_eq(m.seconds[1].sent_bytes, 500);
}

TEST(the_latest_phases_and_diagnostics_are_retained)
{
	char text[32];

	ck_assert_str_eq(ui_model_phase(&m), "start");
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "number %d", i);
		say(EVENTS_KIND_PHASE, text);
		diag(text, i % 2 ? EVENTS_SEV_ERROR : EVENTS_SEV_WARNING);
	}
	ck_assert_str_eq(ui_model_phase(&m), "number 999");
	ck_assert_uint_eq(m.n_phases, UI_PHASES);
	ck_assert_uint_eq(m.n_diags, 1000);
	ck_assert_str_eq(m.diags[999 % UI_DIAGS].text, "number 999");
	ck_assert_uint_eq(m.totals.n_warnings, 500);
	ck_assert_uint_eq(m.totals.n_errors, 500);
}

TEST(reasons_beyond_the_limit_are_counted_as_other_reasons)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);
	char text[32];
	unsigned sum = 0;

	ev.state = EVENTS_JOB_DONE;
	ev.node = "local";
	ev.reason = text;
	for (int i = 0; i < 600; i++) {
		snprintf(text, sizeof(text), "reason %d", i);
		play(&ev);
	}
	ck_assert_uint_eq(m.totals.n_reasons, EVENTS_REASONS_MAX + 1);
	ck_assert_str_eq(m.totals.reasons[0].text, "other reasons");
	for (unsigned i = 0; i < m.totals.n_reasons; i++)
		sum += m.totals.reasons[i].n_jobs;
	ck_assert_uint_eq(sum, 600);
}

TEST(text_of_events_is_stored_in_printable_form)
{
	static const char evil[] = "a\033[2Jb\r\xff\xe2\x80\xae";

	node(evil, evil, evil);
	say(EVENTS_KIND_PHASE, evil);
	diag(evil, EVENTS_SEV_ERROR);
	tree(evil);
	ck_assert(printable_is_safe(bytes_str(m.nodes[0]->reported->name), 0));
	ck_assert(printable_is_safe(bytes_str(m.nodes[0]->reported->state), 0));
	ck_assert(
		printable_is_safe(bytes_str(m.nodes[0]->reported->reason), 0));
	ck_assert(printable_is_safe(bytes_str(ui_model_phase(&m)), 0));
	ck_assert(printable_is_safe(bytes_str(m.tree), 0));
	ck_assert(printable_is_safe(bytes_str(m.diags[0].text),
				    PRINTABLE_WHITESPACE));
	/* Spellings with the same printable form are one node. */
	node(evil, "up", NULL);
	ck_assert_uint_eq(m.n_nodes, 1);
}

TEST(events_without_fields_add_no_node)
{
	for (enum events_kind kind = 0; kind < EVENTS_N_KINDS; kind++) {
		for (unsigned state = 0; state < EVENTS_N_JOB_STATES; state++) {
			struct events_event ev = events_event_make(kind);

			ev.state = state;
			play(&ev);
		}
	}
	ck_assert_uint_eq(m.n_nodes, 0);
}

/* ----------------------------------------------------------- snapshots */

static void add_to_other(void *other, const struct events_event *ev)
{
	struct buf line = { 0 };
	struct events_parsed read;
	struct err err;

	/* Encode and decode the event, as for a late subscriber. */
	events_encode(&line, ev);
	ck_assert_msg(!events_decode(&read, buf_bytes(&line), &err), "%s: %s",
		      buf_str(&line), err.text);
	ui_model_add_event(other, &read.ev);
	events_parsed_release(&read);
	buf_release(&line);
}

static void encode_event(void *out, const struct events_event *ev)
{
	events_encode(out, ev);
}

TEST(the_label_of_one_of_several_builds_has_number_and_config)
{
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);
	struct buf label = { 0 };

	ev.command = "Image";
	ev.arch = "arm64";
	ev.config = "/home/a/board.config";
	play(&ev);
	ui_model_add_label(&m, &label);
	ck_assert_str_eq(buf_str(&label), "arm64");
	buf_reset(&label);
	ev.build_number = 2;
	ev.n_builds = 3;
	play(&ev);
	ui_model_add_label(&m, &label);
	ck_assert_str_eq(buf_str(&label), "2/3 arm64 board.config");
	buf_release(&label);
}

/* A late viewer must not count the busy time of a node as idle. */
TEST(a_snapshot_preserves_the_idle_and_mean_times_of_a_node)
{
	struct events_event beat = events_event_make(EVENTS_KIND_LOAD);
	struct ui_model late;

	node("a", "up", NULL);
	now_ms = 1000;
	job(1, EVENTS_JOB_QUEUED, NULL);
	job(1, EVENTS_JOB_RUN, "a");
	now_ms = 30000;
	job(1, EVENTS_JOB_DONE, "a");
	beat.node = "a";
	beat.n_done = 1;
	play(&beat);
	now_ms = 31000;
	job(2, EVENTS_JOB_QUEUED, NULL);
	ck_assert_uint_eq(ui_node_idle_ms(ui_model_find_node(&m, "a"), now_ms),
			  1000);
	ui_model_init(&late);
	ui_model_snapshot(&m, add_to_other, &late);
	ck_assert_uint_eq(
		ui_node_idle_ms(ui_model_find_node(&late, "a"), now_ms), 1000);
	ck_assert_uint_eq(ui_node_mean_ms(ui_model_find_node(&late, "a")),
			  29000);
	ui_model_release(&late);
}

static void step_done(int64_t job)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	ev.job = job;
	ev.state = EVENTS_JOB_DONE;
	ev.node = "a";
	ev.remote = true;
	ev.step = "symbols";
	play(&ev);
}

/* Later events must also have the same effect on both models. */
TEST(a_model_built_from_a_snapshot_is_equal)
{
	struct buf first = { 0 }, second = { 0 };
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);
	struct ui_model other;

	tree("/src/linux");
	ev.command = "Image";
	ev.arch = "arm64";
	ev.config = "tinyconfig";
	ev.build_number = 2;
	ev.n_builds = 3;
	ev.series_key = "abc";
	ev.commit = "def";
	ev.from_scratch = true;
	play(&ev);
	ev = events_event_make(EVENTS_KIND_LOAD);
	say(EVENTS_KIND_PHASE, "compile");
	play(&(struct events_event){ .kind = EVENTS_KIND_ACTIVITY,
				     .activity = "host programs" });
	node("a", "up", NULL);
	node("b", "down", "no route to host");
	play(&(struct events_event){ .kind = EVENTS_KIND_NODE,
				     .node = "c",
				     .site = "lab",
				     .members = "b1 b2",
				     .text = "up" });
	play(&(struct events_event){ .kind = EVENTS_KIND_NODE,
				     .node = "eth/1",
				     .pool = "eth",
				     .text = "up" });
	for (int i = 1; i <= 20; i++) {
		now_ms += 10;
		job(i, EVENTS_JOB_QUEUED, NULL);
		job(i, EVENTS_JOB_SEND, i % 2 ? "a" : "local");
		if (i % 3 == 0)
			job(i, EVENTS_JOB_DONE, i % 2 ? "a" : "local");
	}
	ev.node = "a";
	ev.n_done = 3;
	ev.sent_bytes = 12345;
	ev.celsius_milli = 50000;
	play(&ev);
	ev = events_event_make(EVENTS_KIND_JOB);
	ev.job = 1;
	ev.state = EVENTS_JOB_RUN;
	ev.hedged = true;
	play(&ev);
	diag("a.c:1: warning: x\n", EVENTS_SEV_WARNING);
	diag("a.c:2: error: x\n", EVENTS_SEV_ERROR);

	step_done(2);
	ev = events_event_make(EVENTS_KIND_DISABLED);
	ev.tool = "objtool";
	ev.n_failed = 3;
	play(&ev);

	ui_model_init(&other);
	ui_model_snapshot(&m, add_to_other, &other);
	ui_model_snapshot(&m, encode_event, &first);
	ui_model_snapshot(&other, encode_event, &second);
	ck_assert_str_eq(buf_str(&first), buf_str(&second));
	ck_assert_int_eq(other.build_number, 2);
	ck_assert_int_eq(other.n_builds, 3);
	ck_assert_str_eq(other.config, "tinyconfig");
	ck_assert(strv_equal(&other.groups, &m.groups));
	ck_assert_uint_eq(other.groups.n, 3);
	ck_assert_str_eq(ui_model_find_node(&other, "c")->site, "lab");
	ck_assert_str_eq(ui_model_find_node(&other, "c")->members, "b1 b2");
	ck_assert_str_eq(ui_model_find_node(&other, "eth/1")->pool, "eth");
	ck_assert_str_eq(other.activity, "host programs");
	ck_assert_str_eq(other.series_key, "abc");
	ck_assert_str_eq(other.commit, "def");
	ck_assert(other.fresh);
	ck_assert_uint_eq(other.n_jobs, m.n_jobs);
	ck_assert_uint_eq(other.totals.n_errors, 1);
	ck_assert_uint_eq(other.totals.n_steps, 1);
	ck_assert_uint_eq(other.totals.n_disabled, 1);
	also = add_to_other;
	also_ctx = &other;
	for (int i = 1; i <= 20; i++)
		job(i, EVENTS_JOB_DONE, "a");
	ck_assert_uint_eq(other.n_jobs, 0);
	ck_assert_uint_eq(other.totals.n_remote, m.totals.n_remote);
	buf_release(&first);
	buf_release(&second);
	ui_model_release(&other);
}

/* --------------------------------------------------------- long builds */

static void play_job(int64_t i)
{
	static const char *const nodes[] = { "a", "b", "c", "local" };
	const char *where = nodes[i % 4];

	now_ms = (uint64_t)i * 2;
	job(i, EVENTS_JOB_QUEUED, NULL);
	if (i % 4 < 3) {
		job(i, EVENTS_JOB_SCAN, NULL);
		job(i, EVENTS_JOB_SEND, where);
	} else {
		job(i, EVENTS_JOB_RUN, where);
	}
	/* A hundred jobs are in flight. */
	if (i > 100)
		job(i - 100, EVENTS_JOB_DONE, nodes[(i - 100) % 4]);
}

TEST(a_million_jobs_take_no_more_memory_than_a_thousand)
{
	uint64_t began = clock_cpu_us(), took;
	struct mallinfo2 before, after;

	for (int64_t i = 1; i <= 1000; i++)
		play_job(i);
	before = mallinfo2();
	for (int64_t i = 1001; i <= 1000000; i++)
		play_job(i);
	after = mallinfo2();
	took = clock_cpu_us() - began;
	ck_assert_uint_eq(m.n_jobs, 100);
	ck_assert_uint_eq(m.totals.n_remote + m.totals.n_local, 999900);
	ck_assert_msg(after.uordblks < before.uordblks + 16384,
		      "%zu bytes more", after.uordblks - before.uordblks);
	/* Each job has four events, of about 0.3 us on an idle machine. */
	ck_assert_msg(took < 60000000, "%llu us", (unsigned long long)took);
}

TEST(the_number_of_open_jobs_is_limited)
{
	for (int64_t i = 1; i <= UI_JOBS_MAX + 1000; i++)
		job(i, EVENTS_JOB_QUEUED, NULL);
	ck_assert_uint_eq(m.n_jobs, UI_JOBS_MAX);
}

TEST(the_number_of_nodes_is_limited)
{
	char name[32];

	for (int i = 0; i < 2 * EVENTS_NODES_MAX; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		node(name, "up", NULL);
	}
	ck_assert_uint_eq(m.n_nodes, EVENTS_NODES_MAX);
}
