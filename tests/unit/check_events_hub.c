/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: events */
#include "events/hub.h"

#include "../lib/test.h"
#include "../lib/turn-loop.h"
#include "base/clock.h"

#include <event2/event.h>

struct counter {
	struct events_subscriber c;
	unsigned told, due;
	uint64_t last_ms;
	unsigned loops; /* number of calls of on_loop() */
	struct event_base *loop;
	struct counter *removes; /* a subscriber to remove in a callback */
};

static struct events_hub *hub;
static struct event_base *base;
static struct counter a, b;

static void on_told(void *ctx, const struct events_event *ev)
{
	struct counter *c = ctx;

	c->told++;
	c->last_ms = ev->at_ms;
	if (c->removes)
		events_hub_unsubscribe(hub, &c->removes->c);
}

static void on_due(void *ctx, uint64_t at_ms)
{
	struct counter *c = ctx;

	(void)at_ms;
	c->due++;
}

static void on_loop(void *ctx, struct event_base *loop)
{
	struct counter *c = ctx;

	c->loops++;
	c->loop = loop;
	if (c->removes)
		events_hub_unsubscribe(hub, &c->removes->c);
}

static void listen_to(struct counter *c)
{
	*c = (struct counter){ .c = { .on_event = on_told,
				      .on_due = on_due,
				      .on_loop = on_loop,
				      .ctx = c } };
	events_hub_subscribe(hub, &c->c);
}

static void set_up(void)
{
	hub = events_hub_new();
	base = event_base_new();
	listen_to(&a);
	listen_to(&b);
}

static void tear_down(void)
{
	events_hub_free(hub);
	event_base_free(base);
}

static void tell(void)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NOTE);

	events_hub_publish(hub, &ev);
}

FIXTURE(set_up, tear_down);

TEST(events_reach_all_subscribers_until_they_unsubscribe)
{
	tell();
	ck_assert_uint_eq(a.told, 1);
	ck_assert_uint_eq(b.told, 1);
	events_hub_unsubscribe(hub, &a.c);
	tell();
	ck_assert_uint_eq(a.told, 1);
	ck_assert_uint_eq(b.told, 2);
}

TEST(a_callback_may_unsubscribe_itself_or_another_subscriber)
{
	a.removes = &b;
	tell();
	ck_assert_uint_eq(a.told, 1);
	ck_assert_uint_eq(b.told, 0);
	listen_to(&b);
	b.removes = &b;
	a.removes = NULL;
	tell();
	tell();
	ck_assert_uint_eq(a.told, 3);
	ck_assert_uint_eq(b.told, 1);
}

TEST(without_a_loop_each_event_calls_on_due_at_once)
{
	tell();
	tell();
	ck_assert_uint_eq(a.due, 2);
}

TEST(a_burst_of_events_calls_on_due_once)
{
	uint64_t began = clock_ms();
	unsigned due;

	events_hub_start(hub, base);
	for (int i = 0; i < 1000; i++)
		tell();
	ck_assert_uint_eq(a.told, 1000);
	ck_assert_uint_eq(a.due, 0);
	turn_loop(base, 400);
	due = a.due;
	ck_assert_uint_ge(due, 1);
	/* Due once a second without events. */
	ck_assert_uint_le(due, 1 + (clock_ms() - began) / 1000);
	events_hub_stop(hub);
	ck_assert_uint_eq(a.due, due + 1);
}

TEST(on_due_is_called_each_second_without_events)
{
	uint64_t began = clock_ms();

	events_hub_start(hub, base);
	turn_loop(base, 1500);
	ck_assert_uint_ge(a.due, 1);
	ck_assert_uint_le(a.due, 1 + (clock_ms() - began) / 1000);
}

TEST(subscribers_receive_the_loop_at_start_and_null_at_stop)
{
	struct counter late, silent = { .c = { .on_event = on_told } };

	silent.c.ctx = &silent;
	events_hub_subscribe(hub, &silent.c);
	ck_assert_uint_eq(a.loops, 0);
	events_hub_start(hub, base);
	ck_assert_ptr_eq(a.loop, base);
	listen_to(&late);
	ck_assert_uint_eq(late.loops, 1);
	ck_assert_ptr_eq(late.loop, base);
	a.removes = &b;
	events_hub_stop(hub);
	ck_assert_uint_eq(a.loops, 2);
	ck_assert_ptr_null(a.loop);
	ck_assert_ptr_eq(b.loop, base); /* removed before its call */
	ck_assert_ptr_null(late.loop);
	events_hub_stop(hub);
	ck_assert_uint_eq(a.loops, 2);
}

TEST(event_times_advance_with_the_clock)
{
	uint64_t began = clock_ms();

	tell();
	while (clock_ms() < began + 20)
		;
	tell();
	ck_assert_uint_ge(a.last_ms, 19);
	ck_assert_uint_ge(events_hub_elapsed_ms(hub), a.last_ms);
}

static void spin(uint64_t ms)
{
	uint64_t began = clock_ms();

	while (clock_ms() < began + ms)
		;
}

TEST(event_times_exclude_a_pause_of_the_clock)
{
	uint64_t paused, resumed;

	spin(5);
	events_hub_pause_clock(hub);
	paused = events_hub_elapsed_ms(hub);
	ck_assert_uint_ge(paused, 5);
	spin(50);
	tell();
	ck_assert_uint_eq(a.last_ms, paused);
	resumed = clock_ms();
	events_hub_resume_clock(hub);
	spin(5);
	tell();
	ck_assert_uint_ge(a.last_ms, paused + 5);
	ck_assert_uint_le(a.last_ms, paused + clock_ms() - resumed);
}

static void snapshot(void *ctx, events_event_fn *told, void *told_ctx)
{
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);

	(void)ctx;
	told(told_ctx, &ev);
}

TEST(a_snapshot_ends_with_live)
{
	struct counter late = { 0 };

	events_hub_send_snapshot(hub, on_told, &late);
	ck_assert_uint_eq(late.told, 1);
	events_hub_set_snapshot(hub, snapshot, NULL);
	events_hub_send_snapshot(hub, on_told, &late);
	ck_assert_uint_eq(late.told, 3);
	ck_assert_uint_eq(a.told, 0);
}

static enum events_request asked_what;
static const char *asked_node;

static void on_request(void *ctx, enum events_request what, const char *node)
{
	ck_assert_ptr_eq(ctx, &base);
	asked_what = what;
	asked_node = node;
}

TEST(requests_reach_the_control_callback_while_one_is_set)
{
	asked_node = NULL;
	events_hub_request(hub, EVENTS_REQ_DRAIN, "a");
	ck_assert_ptr_null(asked_node);
	events_hub_set_control(hub, on_request, &base);
	events_hub_request(hub, EVENTS_REQ_FEWER_SLOTS, "a");
	ck_assert_str_eq(asked_node, "a");
	ck_assert_int_eq(asked_what, EVENTS_REQ_FEWER_SLOTS);
	events_hub_set_control(hub, NULL, NULL);
	events_hub_request(hub, EVENTS_REQ_DRAIN, "b");
	ck_assert_str_eq(asked_node, "a");
}
