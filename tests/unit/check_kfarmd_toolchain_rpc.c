/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
/*
 * Requests about an empty directory of toolchains.  check_kfarmd_bundle.c tests
 * requests about installed ones.
 */
#include "kfarmd/client.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/clock.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/toolchains.h"

#include <event2/event.h>

static char dir[TEMPDIR_SIZE];
static struct kfarmd node;
static unsigned n_held, n_dropped, n_freed;
static uint32_t n_listed;
static bool last, state;

static void on_held(const struct wire_held *m)
{
	ck_assert_uint_eq(m->request_id, 7);
	ck_assert(!last);
	ck_assert_uint_le(m->n_toolchains, WIRE_HELD_MAX);
	last = m->last;
	n_listed += m->n_toolchains;
	n_held++;
}

static void on_dropped(const struct wire_dropped *m)
{
	ck_assert_uint_eq(m->request_id, 9);
	state = m->state;
	text_has(m->detail, "gcc-1-x");
	n_dropped++;
}

static void on_send(void *ctx, enum wire_type type, struct buf *body)
{
	struct wire_dropped dropped;
	struct wire_held held;

	(void)ctx;
	if (type == WIRE_HELD) {
		ck_assert(!wire_held_decode(&held, buf_bytes(body)));
		on_held(&held);
		wire_held_release(&held);
	} else {
		ck_assert_int_eq(type, WIRE_DROPPED);
		ck_assert(!wire_dropped_decode(&dropped, buf_bytes(body)));
		on_dropped(&dropped);
		wire_dropped_release(&dropped);
	}
	buf_release(body);
}

static void on_request_freed(void *ctx, struct kfarmd_toolchain_rpc *request)
{
	(void)ctx;
	(void)request;
	n_freed++;
}

static const struct kfarmd_toolchain_rpc_ops ops = {
	.send = on_send,
	.on_freed = on_request_freed,
};

static void set_up(void)
{
	tempdir_make(dir);
	node = (struct kfarmd){ .base = event_base_new(),
				.toolchains_dir = xstrdup(dir) };
}

static void tear_down(void)
{
	free(node.toolchains_dir);
	event_base_free(node.base);
	tempdir_remove(dir);
}

static void run(void)
{
	uint64_t deadline = clock_ms() + 60000;

	while (!n_freed && clock_ms() < deadline)
		event_base_loop(node.base, EVLOOP_ONCE);
	ck_assert_uint_eq(n_freed, 1);
	ck_assert_uint_eq(node.n_active, 0);
}

FIXTURE(set_up, tear_down);
TIMEOUT(240);

TEST(an_empty_list_is_one_held_message)
{
	ck_assert_ptr_nonnull(
		kfarmd_toolchain_rpc_new(&node, 7, NULL, false, &ops, NULL));
	ck_assert_uint_eq(node.n_active, 1);
	run();
	ck_assert_uint_eq(n_held, 1);
	ck_assert(last);
	ck_assert_uint_eq(n_listed, 0);
}

/* Directories without a manifest are damaged toolchains, which are listed. */
TEST(a_long_list_is_split_into_two_held_messages)
{
	for (int i = 0; i < WIRE_HELD_MAX + 1; i++) {
		char *path = xasprintf("%s/gcc-%d", dir, i);

		ck_assert_int_eq(mkdir(path, 0700), 0);
		free(path);
	}
	ck_assert_ptr_nonnull(
		kfarmd_toolchain_rpc_new(&node, 7, NULL, false, &ops, NULL));
	run();
	ck_assert_uint_eq(n_held, 2);
	ck_assert(last);
	ck_assert_uint_eq(n_listed, WIRE_HELD_MAX + 1);
}

TEST(dropping_a_missing_toolchain_is_reported_as_a_failure)
{
	ck_assert_ptr_nonnull(kfarmd_toolchain_rpc_new(&node, 9, "gcc-1-x",
						       false, &ops, NULL));
	run();
	ck_assert_uint_eq(n_dropped, 1);
	ck_assert(state);
}

TEST(a_closed_request_sends_no_messages)
{
	struct kfarmd_toolchain_rpc *c = kfarmd_toolchain_rpc_new(
		&node, 7, NULL, true, &ops, NULL);

	ck_assert_ptr_nonnull(c);
	kfarmd_toolchain_rpc_close(c);
	run();
	ck_assert_uint_eq(n_held, 0);
}
