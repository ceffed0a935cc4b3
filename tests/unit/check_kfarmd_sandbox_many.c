/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire toolchain */
/*
 * Input updates (VIEW) with the maximum number of entries.
 */
#include "../lib/test.h"
#include "kfarmd-single.h"
#include "kfarmd/input-sink.h"

#define MANY WIRE_VIEW_ENTRIES_MAX

static const char tiny[] = "int x;\n";

static void add_many(struct play_view *view, const char *dir,
		     enum wire_inode_kind kind)
{
	for (unsigned i = 0; i < MANY; i++) {
		char *path = xasprintf("%s/%u", dir, i);

		play_entry(&node.c, view, path, kind);
		free(path);
	}
}

static void compile(unsigned job)
{
	play_put(&node.c, 0, ROOT "/a.c", tiny);
	play_remote(&node.c, job, "a.c", plain);
	ck_assert_int_eq(result(job)->wait_status, 0);
}

static void remove_dir(const char *path)
{
	struct play_view view = { 0 };

	play_entry(&node.c, &view, path, WIRE_INODE_ABSENT);
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
}

FIXTURE(one_set_up, one_tear_down);

/*
 * Heartbeats continue while tens of thousands of directories are created and
 * removed.
 */
TEST(heartbeats_continue_during_input_updates_of_maximum_size)
{
	struct play_view view = { 0 };

	add_many(&view, ROOT "/1", WIRE_INODE_DIR);
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	add_many(&view, ROOT "/2", WIRE_INODE_DIR);
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	compile(1);
	remove_dir(ROOT "/1");
	remove_dir(ROOT "/2");
	compile(2);
	ck_assert_uint_lt(node.c.most_silence, 10000);
}

TEST(kfarmd_exits_during_an_input_update_of_maximum_size)
{
	struct play_view view = { 0 };

	add_many(&view, ROOT, WIRE_INODE_DIR);
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	client_idle(150);
	/* tear_down() checks that kfarmd exits with status 0. */
}

/* Send the same update repeatedly, with consecutive numbers. */
static void send_again(const struct wire_view *first, unsigned times)
{
	struct buf body = { 0 };

	wire_view_encode(&body, first);
	for (unsigned i = 0; i < times && !node.c.closed; i++) {
		struct sent_view *sent = &node.c.view[node.c.n_views++];

		ck_assert_uint_lt(node.c.n_views, CLIENT_VIEWS);
		*sent = (struct sent_view){ .view = first->view + i };
		put_le32(body.data + 4, sent->view);
		wire_stream_send(node.c.stream, WIRE_VIEW, buf_bytes(&body),
				 WIRE_PLAIN);
		if (first->n_entries > 1 || i % 256 == 0)
			client_idle(1);
	}
	buf_release(&body);
}

/* The updates cannot be applied, because the first one waits for its file. */
TEST_RANGE(too_many_pending_input_updates_end_the_session, 0, 2)
{
	struct play_view view = { 0 };
	struct wire_view m = { .view = 3 };

	node.c.withholds = true;
	play_put(&node.c, 0, ROOT "/late.h", "late\n");
	add_many(&view, ROOT, WIRE_INODE_ABSENT);
	play_send_paths(&node.c);
	m.n_entries = _i ? 1 : view.n;
	m.entries = view.v;
	send_again(&m, _i ? KFARMD_INPUT_SINK_UPDATES_MAX + 1 : 17);
	m.n_entries = view.n;
	wire_view_release(&m);
	client_expect_bye(&node.c, "too many pending input updates");
}

/* The NEEDs that precede BYE exceed the socket buffer. */
TEST(a_client_that_reads_late_receives_the_reason_of_bye)
{
	struct play_view view = { 0 };
	struct wire_view m = { .view = 3 };

	node.c.withholds = true;
	play_put(&node.c, 0, ROOT "/late.h", "late\n");
	play_entry(&node.c, &view, ROOT "/absent.h", WIRE_INODE_ABSENT);
	play_send_paths(&node.c);
	wire_stream_set_paused(node.c.stream, true);
	m.n_entries = 1;
	m.entries = view.v;
	send_again(&m, KFARMD_INPUT_SINK_UPDATES_MAX + 1);
	wire_view_release(&m);
	while (!node.c.closed && !wire_stream_is_flushed(node.c.stream))
		client_idle(1);
	wire_stream_set_paused(node.c.stream, false);
	client_expect_bye(&node.c, "too many pending input updates");
}
