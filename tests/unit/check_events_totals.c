/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: events */
#include "../lib/test.h"

#include "events/totals.h"

#include "base/printable.h"

static struct events_totals t;

static void tear_down(void)
{
	events_totals_release(&t);
}

static void job_done(const char *node, const char *reason, int64_t retries)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	ev.state = EVENTS_JOB_DONE;
	ev.node = node;
	ev.remote = !reason;
	ev.reason = reason;
	ev.n_retries = retries;
	events_totals_add(&t, &ev);
}

static void tell_node(const char *name, const char *state, const char *reason)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);

	ev.node = name;
	ev.text = state;
	ev.reason = reason;
	events_totals_add(&t, &ev);
}

FIXTURE(NULL, tear_down);

TEST(new_diagnostics_are_counted_if_there_is_a_baseline)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DIAG);

	ev.n_warnings = 2;
	events_totals_add(&t, &ev);
	ck_assert(!t.has_baseline);
	ev.n_new_diags = 0;
	events_totals_add(&t, &ev);
	ck_assert(t.has_baseline);
	ev.n_new_diags = 2;
	events_totals_add(&t, &ev);
	ck_assert_uint_eq(t.n_warnings, 6);
	ck_assert_uint_eq(t.n_new_diags, 2);
	ev = events_event_make(EVENTS_KIND_COUNTS);
	ev.n_new_diags = 1;
	events_totals_add(&t, &ev);
	ck_assert_uint_eq(t.n_new_diags, 1);
	ck_assert_uint_eq(t.n_warnings, 0);
}

TEST(jobs_count_when_they_are_done)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	for (ev.state = 0; ev.state < EVENTS_JOB_DONE; ev.state++)
		events_totals_add(&t, &ev);
	ck_assert_uint_eq(t.n_remote + t.n_local, 0);
	job_done("a", NULL, 2);
	job_done("a", NULL, 0);
	job_done("local", ".incbin", 1);
	ck_assert_uint_eq(t.n_remote, 2);
	ck_assert_uint_eq(t.n_local, 1);
	ck_assert_uint_eq(t.n_retried, 3);
	ck_assert_uint_eq(events_totals_find_node(&t, "a")->n_jobs, 2);
	ck_assert_uint_eq(events_totals_find_node(&t, "local")->n_jobs, 1);
	ck_assert(events_node_is_local(events_totals_find_node(&t, "local")));
	ck_assert_ptr_null(events_totals_find_node(&t, "b"));
}

TEST(remote_and_local_tool_steps_are_counted)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	ev.state = EVENTS_JOB_QUEUED;
	ev.step = "object";
	events_totals_add(&t, &ev);
	ev.state = EVENTS_JOB_DONE;
	ev.node = "local";
	events_totals_add(&t, &ev);
	ck_assert_uint_eq(t.n_steps, 0);
	ev.node = "a";
	ev.remote = true;
	events_totals_add(&t, &ev);
	ck_assert_uint_eq(t.n_steps, 1);
	ck_assert_uint_eq(t.n_remote + t.n_local, 2);
	ev.remote = false;
	ev.cached = true;
	events_totals_add(&t, &ev);
	ck_assert_uint_eq(t.n_steps, 1);
	ev.cached = false;
	ev.remote = true;
	/* The tool steps that the shell ran locally are reported at the end. */
	for (ev.n_steps = 2; ev.n_steps <= 3; ev.n_steps++) {
		struct events_event host = events_event_make(EVENTS_KIND_HOST);

		host.n_shell_lines = 9;
		host.n_shell_steps = 2;
		host.n_local_steps = ev.n_steps;
		events_totals_add(&t, &host);
		ev.kind = EVENTS_KIND_STEPS;
		ev.reason = "un\033usual";
		events_totals_add(&t, &ev);
	}
	ck_assert_int_eq(t.n_local_steps, 3);
	ck_assert_int_eq(events_totals_node_steps(&t), 1);
	ck_assert_uint_eq(t.n_step_reasons, 1);
	ck_assert_str_eq(t.step_reasons[0].text, "un?usual");
	ck_assert_uint_eq(t.step_reasons[0].n_jobs, 3);
}

TEST(a_disabled_program_can_be_enabled_again)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DISABLED);

	ev.n_failed = 3;
	events_totals_add(&t, &ev); /* without the name of a program */
	ck_assert_uint_eq(t.n_disabled, 0);
	ev.tool = "obj\033tool";
	ev.text = "cannot read x";
	events_totals_add(&t, &ev);
	ev.node = "a";
	events_totals_add(&t, &ev);
	ck_assert_uint_eq(t.n_disabled, 2);
	ck_assert_str_eq(t.disabled[1].node, "a");
	ev.n_failed = 4;
	events_totals_add(&t, &ev);
	ck_assert_uint_eq(t.n_disabled, 2);
	ck_assert_str_eq(t.disabled[1].node, "a");
	ck_assert_uint_eq(t.disabled[1].n_failures, 4);
	ev.n_failed = 0;
	events_totals_add(&t, &ev);
	ck_assert_uint_eq(t.n_disabled, 1);
	ck_assert_str_eq(t.disabled[0].tool, "obj?tool");
	ck_assert_str_eq(t.disabled[0].text, "cannot read x");
	ck_assert_ptr_null(t.disabled[0].node);
	ck_assert_uint_eq(t.disabled[0].n_failures, 3);
	events_totals_add(&t, &ev);
	ck_assert_uint_eq(t.n_disabled, 1);
}

TEST(each_hedged_execution_is_counted)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	ev.state = EVENTS_JOB_RUN;
	ev.node = "local";
	ev.hedged = true;
	events_totals_add(&t, &ev);
	events_totals_add(&t, &ev);
	ck_assert_uint_eq(t.n_hedged, 2);
	ck_assert_uint_eq(t.n_nodes, 0);
}

static void expect_reason(size_t i, const char *text, unsigned jobs)
{
	ck_assert_uint_lt(i, t.n_reasons);
	ck_assert_str_eq(t.reasons[i].text, text);
	ck_assert_uint_eq(t.reasons[i].n_jobs, jobs);
}

TEST(reasons_are_sorted_by_their_number_of_jobs)
{
	struct events_event ev = events_event_make(EVENTS_KIND_REASON);

	job_done("local", "b", 0);
	job_done("local", "c", 0);
	job_done("local", "a", 0);
	expect_reason(0, "a", 1);
	expect_reason(1, "b", 1);
	expect_reason(2, "c", 1);
	job_done("local", "c", 0);
	job_done("local", "c", 0);
	job_done("local", "b", 0);
	expect_reason(0, "c", 3);
	expect_reason(1, "b", 2);
	expect_reason(2, "a", 1);
	/* A snapshot sets them. */
	ev.reason = "c";
	ev.n_local = 1;
	events_totals_add(&t, &ev);
	expect_reason(0, "b", 2);
	expect_reason(1, "a", 1);
	expect_reason(2, "c", 1);
	ck_assert_uint_eq(t.n_reasons, 3);
}

TEST(a_reason_keeps_its_text_pointer_when_it_moves)
{
	const char *text = events_totals_need_reason(&t, "z");

	ck_assert_str_eq(text, "z");
	expect_reason(0, "z", 0);
	for (int i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		job_done("local", name, 0);
	}
	job_done("local", "z", 0);
	job_done("local", "z", 0);
	expect_reason(0, "z", 2);
	ck_assert_ptr_eq(t.reasons[0].text, text);
	ck_assert_ptr_eq(events_totals_need_reason(&t, "z"), text);
	ck_assert_ptr_null(events_totals_need_reason(&t, NULL));
}

TEST(reasons_and_nodes_are_bounded)
{
	unsigned sum = 0;
	char name[32];

	for (int i = 0; i < 2 * EVENTS_NODES_MAX; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		job_done(name, name, 0);
	}
	ck_assert_uint_eq(t.n_nodes, EVENTS_NODES_MAX);
	ck_assert_uint_eq(t.n_reasons, EVENTS_REASONS_MAX + 1);
	expect_reason(0, "other reasons",
		      2 * EVENTS_NODES_MAX - EVENTS_REASONS_MAX);
	for (size_t i = 0; i < t.n_reasons; i++)
		sum += t.reasons[i].n_jobs;
	ck_assert_uint_eq(sum, t.n_local);
}

TEST(a_load_event_replaces_the_counts_of_a_node)
{
	struct events_event ev = events_event_make(EVENTS_KIND_LOAD);
	const struct events_node *a;

	tell_node("a", "up", NULL);
	job_done("a", NULL, 0);
	ev.node = "a";
	ev.n_done = 5;
	ev.n_failed = 2;
	ev.n_retries = 1;
	ev.cpu_ms = 1500;
	ev.sent_bytes = 10;
	ev.received_bytes = 20;
	events_totals_add(&t, &ev);
	a = events_totals_find_node(&t, "a");
	ck_assert_uint_eq(a->n_jobs, 5);
	ck_assert_uint_eq(a->n_failed, 2);
	ck_assert_uint_eq(a->n_retries, 1);
	ck_assert_int_eq(a->cpu_ms, 1500);
	ck_assert_int_eq(a->sent_bytes, 10);
	ck_assert_int_eq(a->received_bytes, 20);
	job_done("a", NULL, 0);
	ck_assert_uint_eq(a->n_jobs, 6);
}

TEST(a_node_has_its_last_state)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);
	const struct events_node *a;

	ev.node = "a";
	ev.text = "up";
	ev.n_slots = 8;
	events_totals_add(&t, &ev);
	a = events_totals_find_node(&t, "a");
	ck_assert(events_node_is_up(a));
	ck_assert_ptr_null(a->reason);
	tell_node("a", "down", "no route to host");
	ck_assert(!events_node_is_up(a));
	ck_assert_str_eq(a->reason, "no route to host");
	ck_assert_int_eq(a->n_slots, 8);
	tell_node("a", "up", NULL);
	ck_assert_ptr_null(a->reason);
	ck_assert_uint_eq(t.n_nodes, 1);
}

TEST(a_snapshot_sets_the_counts)
{
	struct events_event ev = events_event_make(EVENTS_KIND_COUNTS);

	job_done("a", NULL, 1);
	ev.n_remote = 10;
	ev.n_local = 9;
	ev.n_retries = 8;
	ev.n_hedged = 7;
	ev.n_warnings = 6;
	ev.n_errors = 5;
	events_totals_add(&t, &ev);
	ev = events_event_make(EVENTS_KIND_DIAG);
	ev.n_warnings = 1;
	ev.n_errors = 2;
	events_totals_add(&t, &ev);
	ev = events_event_make(EVENTS_KIND_HOST);
	ev.cpu_ms = 41000;
	ev.scan_ms = 12000;
	events_totals_add(&t, &ev);
	ck_assert_uint_eq(t.n_remote, 10);
	ck_assert_uint_eq(t.n_local, 9);
	ck_assert_uint_eq(t.n_retried, 8);
	ck_assert_uint_eq(t.n_hedged, 7);
	ck_assert_uint_eq(t.n_warnings, 7);
	ck_assert_uint_eq(t.n_errors, 7);
	ck_assert_int_eq(t.cpu_ms, 41000);
	ck_assert_int_eq(t.scan_ms, 12000);
}

TEST(stored_texts_are_printable)
{
	static const char evil[] = "a\033[2Jb\r\xff\xe2\x80\xae";

	tell_node(evil, evil, evil);
	job_done(evil, evil, 0);
	ck_assert_uint_eq(t.n_nodes, 1);
	ck_assert(printable_is_safe(bytes_str(t.nodes[0]->name), 0));
	ck_assert(printable_is_safe(bytes_str(t.nodes[0]->state), 0));
	ck_assert(printable_is_safe(bytes_str(t.nodes[0]->reason), 0));
	ck_assert(printable_is_safe(bytes_str(t.reasons[0].text), 0));
}
