/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/hub.h"

#include "base/clock.h"
#include "base/str.h"

#include <event2/event.h>
#include <stdlib.h>

#define SOON_US 100000

struct events_hub {
	uint64_t start_ms; /* start of the clock; pauses move it forward */
	uint64_t paused_ms; /* elapsed time when the clock was paused */
	bool paused;
	struct events_subscriber *subscribers;
	struct events_subscriber *next; /* next in the current iteration */
	struct event_base *base; /* NULL if not started */
	struct event *soon_timer, *second_timer;
	events_snapshot_fn *snapshot;
	void *snapshot_ctx;
	events_control_fn *control;
	void *control_ctx;
};

struct events_hub *events_hub_new(void)
{
	struct events_hub *hub = xcalloc(1, sizeof(*hub));

	hub->start_ms = clock_ms();
	return hub;
}

void events_hub_free(struct events_hub *hub)
{
	if (!hub)
		return;
	events_hub_stop(hub);
	free(hub);
}

void events_hub_subscribe(struct events_hub *hub, struct events_subscriber *c)
{
	struct events_subscriber **at = &hub->subscribers;

	while (*at)
		at = &(*at)->next;
	c->next = NULL;
	*at = c;
	if (hub->base && c->on_loop)
		c->on_loop(c->ctx, hub->base);
}

void events_hub_unsubscribe(struct events_hub *hub, struct events_subscriber *c)
{
	struct events_subscriber **at = &hub->subscribers;

	while (*at && *at != c)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = c->next;
	if (hub->next == c)
		hub->next = c->next;
}

uint64_t events_hub_elapsed_ms(const struct events_hub *hub)
{
	return hub->paused ? hub->paused_ms : clock_ms() - hub->start_ms;
}

void events_hub_pause_clock(struct events_hub *hub)
{
	hub->paused_ms = events_hub_elapsed_ms(hub);
	hub->paused = true;
}

void events_hub_resume_clock(struct events_hub *hub)
{
	if (hub->paused)
		hub->start_ms = clock_ms() - hub->paused_ms;
	hub->paused = false;
}

static void call_on_due(struct events_hub *hub)
{
	uint64_t now = events_hub_elapsed_ms(hub);

	for (struct events_subscriber *c = hub->subscribers; c; c = hub->next) {
		hub->next = c->next;
		if (c->on_due)
			c->on_due(c->ctx, now);
	}
}

void events_hub_publish(struct events_hub *hub, struct events_event *ev)
{
	static const struct timeval soon = { .tv_usec = SOON_US };

	if (!hub || !hub->subscribers)
		return;
	ev->at_ms = events_hub_elapsed_ms(hub);
	for (struct events_subscriber *c = hub->subscribers; c; c = hub->next) {
		hub->next = c->next;
		c->on_event(c->ctx, ev);
	}
	if (!hub->base)
		call_on_due(hub);
	else if (!event_pending(hub->soon_timer, EV_TIMEOUT, NULL))
		event_add(hub->soon_timer, &soon);
}

static void on_due(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	call_on_due(ctx);
}

static void call_on_loop(struct events_hub *hub, struct event_base *base)
{
	for (struct events_subscriber *c = hub->subscribers; c; c = hub->next) {
		hub->next = c->next;
		if (c->on_loop)
			c->on_loop(c->ctx, base);
	}
}

void events_hub_start(struct events_hub *hub, struct event_base *base)
{
	static const struct timeval second = { .tv_sec = 1 };

	events_hub_stop(hub);
	hub->soon_timer = event_new(base, -1, 0, on_due, hub);
	hub->second_timer = event_new(base, -1, EV_PERSIST, on_due, hub);
	if (!hub->soon_timer || !hub->second_timer ||
	    event_add(hub->second_timer, &second))
		str_out_of_memory();
	hub->base = base;
	call_on_loop(hub, base);
}

void events_hub_stop(struct events_hub *hub)
{
	if (!hub || !hub->base)
		return;
	call_on_due(hub);
	event_free(hub->soon_timer);
	event_free(hub->second_timer);
	hub->soon_timer = hub->second_timer = NULL;
	hub->base = NULL;
	call_on_loop(hub, NULL);
}

void events_hub_set_snapshot(struct events_hub *hub, events_snapshot_fn *fn,
			     void *ctx)
{
	hub->snapshot = fn;
	hub->snapshot_ctx = ctx;
}

void events_hub_send_snapshot(const struct events_hub *hub,
			      events_event_fn *on_event, void *event_ctx)
{
	struct events_event live = events_event_make(EVENTS_KIND_LIVE);

	if (hub->snapshot)
		hub->snapshot(hub->snapshot_ctx, on_event, event_ctx);
	live.at_ms = events_hub_elapsed_ms(hub);
	on_event(event_ctx, &live);
}

void events_hub_set_control(struct events_hub *hub, events_control_fn *fn,
			    void *ctx)
{
	hub->control = fn;
	hub->control_ctx = ctx;
}

void events_hub_request(const struct events_hub *hub,
			enum events_request request, const char *node)
{
	if (hub->control)
		hub->control(hub->control_ctx, request, node);
}
