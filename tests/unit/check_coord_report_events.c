/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* Events of nodes, and of a job whose wrapper has exited. */
#include "coord/report-events.h"

#include "../lib/test.h"
#include "coord-fixture.h"
#include "node/roster.h"
#include "peer/peer.h"

#include <fcntl.h>

static int last_state; /* of the job; -1: no event */

static void on_job_event(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	if (ev->kind == EVENTS_KIND_JOB)
		last_state = (int)ev->state;
}

static struct events_subscriber listener = { .on_event = on_job_event };

static void listen_to_job(void)
{
	setup();
	last_state = -1;
	events_hub_subscribe(hub, &listener);
}

static void leave(void)
{
	wire_stream_free(wrapper);
	wrapper = NULL;
	turn_until(never, 50);
}

FIXTURE(listen_to_job, teardown);
TIMEOUT(120);

TEST(a_delivered_job_is_reported_as_done)
{
	play_node(0, HONEST);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_int_eq(last_state, EVENTS_JOB_DONE);
	leave();
	ck_assert_int_eq(last_state, EVENTS_JOB_DONE);
	ck_assert_uint_eq(stats()->n_remote, 1);
}

TEST(a_local_compile_is_reported_as_done_when_its_wrapper_exits)
{
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_int_eq(last_state, EVENTS_JOB_RUN);
	leave();
	ck_assert_int_eq(last_state, EVENTS_JOB_DONE);
	ck_assert_uint_eq(stats()->n_local, 1);
}

/* Append to the list of compiles without a response. */
static void add_unanswered(const char *text)
{
	char *path = at("socket.unanswered");
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	ck_assert_int_eq(bytes_write(fd, bytes_str(text)), 0);
	close(fd);
	free(path);
}

static void expect_unanswered(unsigned n)
{
	ck_assert_uint_eq(stats()->n_local, n);
	ck_assert_uint_eq(stats()->n_remote, 0);
	ck_assert_uint_eq(stats()->n_reasons, 1);
	ck_assert_str_eq(stats()->reasons[0].text, "no answer from kfarm");
	ck_assert_uint_eq(stats()->reasons[0].n_jobs, n);
}

TEST(compiles_without_a_response_are_reported_as_local_jobs)
{
	start();
	/* Without a result cache, a compile that also links is no job. */
	add_unanswered("0 0 a.c\n0 1 b.c\n12 0 c d.c\n0 0 e");
	coord_report_unanswered_jobs(coord);
	expect_unanswered(2);
	add_unanswered(".c\n");
	coord_report_unanswered_jobs(coord);
	expect_unanswered(3);
}

/* The wrapper gave up before it received CC_LOCAL. */
TEST(a_compile_without_a_response_is_counted_once)
{
	char *line = xasprintf("%u 0 unit.c\n", wrapper_pid + 1);

	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_int_eq(last_state, EVENTS_JOB_RUN);
	add_unanswered(line);
	leave();
	ck_assert_int_eq(last_state, EVENTS_JOB_ABANDONED);
	expect_unanswered(1);
	free(line);
}

static bool has_job(void)
{
	return nodes[0].jobs > 0;
}

TEST(a_job_without_a_wrapper_is_reported_as_abandoned)
{
	play_node(0, BROODING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(has_job, 60000);
	ck_assert_int_eq(last_state, EVENTS_JOB_SEND);
	leave();
	ck_assert_int_eq(last_state, EVENTS_JOB_ABANDONED);
	ck_assert_uint_eq(stats()->n_remote + stats()->n_local, 0);
}

TEST(a_node_is_reported_with_its_pool_and_site)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);
	struct node_entry entry = { .name = "n", .pool = "p", .site = "s" };
	struct peer_stats figures = { 0 };

	/* The node has not sent HELLO. */
	coord_report_fill_node(&ev, &entry, &figures, 0);
	ck_assert_str_eq(ev.node, "n");
	ck_assert_str_eq(ev.pool, "p");
	ck_assert_str_eq(ev.site, "s");
	ck_assert_int_eq(ev.n_slots, EVENTS_UNKNOWN);
}

TEST(a_delivered_result_that_the_wrapper_drops_is_counted_once)
{
	char *line;

	play_node(0, HONEST);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	line = xasprintf("%u 0 unit.c\n", wrapper_pid);
	add_unanswered(line);
	leave();
	coord_report_unanswered_jobs(coord);
	ck_assert_uint_eq(stats()->n_remote, 1);
	ck_assert_uint_eq(stats()->n_local, 0);
	free(line);
}
