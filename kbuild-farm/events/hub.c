/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/hub.h"

#include "base/clock.h"
#include "base/str.h"

#include <event2/event.h>
#include <stdlib.h>

#define SOON_US 100000

struct events_hub {
	uint64_t began_ms;
	struct events_consumer *first;
	struct events_consumer *next; /* whose turn it is, in a walk */
	struct event_base *base; /* NULL: there is no loop */
	struct event *soon, *second;
	events_snapshot *snapshot;
	void *snapshot_ctx;
	events_control *control;
	void *control_ctx;
};

struct events_hub *events_hub_new(void)
{
	struct events_hub *hub = xcalloc(1, sizeof(*hub));

	hub->began_ms = clock_ms();
	return hub;
}

void events_hub_free(struct events_hub *hub)
{
	if (!hub)
		return;
	events_hub_stop(hub);
	free(hub);
}

void events_hub_add(struct events_hub *hub, struct events_consumer *c)
{
	struct events_consumer **at = &hub->first;

	while (*at)
		at = &(*at)->next;
	c->next = NULL;
	*at = c;
	if (hub->base && c->loop)
		c->loop(c->ctx, hub->base);
}

void events_hub_remove(struct events_hub *hub, struct events_consumer *c)
{
	struct events_consumer **at = &hub->first;

	while (*at && *at != c)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = c->next;
	if (hub->next == c)
		hub->next = c->next;
}

uint64_t events_hub_now(const struct events_hub *hub)
{
	return clock_ms() - hub->began_ms;
}

static void call_due(struct events_hub *hub)
{
	uint64_t now = events_hub_now(hub);

	for (struct events_consumer *c = hub->first; c; c = hub->next) {
		hub->next = c->next;
		if (c->due)
			c->due(c->ctx, now);
	}
}

void events_hub_tell(struct events_hub *hub, struct events_event *ev)
{
	static const struct timeval soon = { .tv_usec = SOON_US };

	if (!hub->first)
		return;
	ev->at_ms = events_hub_now(hub);
	for (struct events_consumer *c = hub->first; c; c = hub->next) {
		hub->next = c->next;
		c->told(c->ctx, ev);
	}
	if (!hub->base)
		call_due(hub);
	else if (!event_pending(hub->soon, EV_TIMEOUT, NULL))
		event_add(hub->soon, &soon);
}

static void on_due(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	call_due(ctx);
}

static void call_loop(struct events_hub *hub, struct event_base *base)
{
	for (struct events_consumer *c = hub->first; c; c = hub->next) {
		hub->next = c->next;
		if (c->loop)
			c->loop(c->ctx, base);
	}
}

void events_hub_start(struct events_hub *hub, struct event_base *base)
{
	static const struct timeval second = { .tv_sec = 1 };

	events_hub_stop(hub);
	hub->soon = event_new(base, -1, 0, on_due, hub);
	hub->second = event_new(base, -1, EV_PERSIST, on_due, hub);
	if (!hub->soon || !hub->second || event_add(hub->second, &second))
		str_out_of_memory();
	hub->base = base;
	call_loop(hub, base);
}

void events_hub_stop(struct events_hub *hub)
{
	if (!hub || !hub->base)
		return;
	call_due(hub);
	event_free(hub->soon);
	event_free(hub->second);
	hub->soon = hub->second = NULL;
	hub->base = NULL;
	call_loop(hub, NULL);
}

void events_hub_set_snapshot(struct events_hub *hub, events_snapshot *fn,
			     void *ctx)
{
	hub->snapshot = fn;
	hub->snapshot_ctx = ctx;
}

void events_hub_snapshot(const struct events_hub *hub, events_sink *told,
			 void *told_ctx)
{
	struct events_event live = events_new(EVENTS_LIVE);

	if (hub->snapshot)
		hub->snapshot(hub->snapshot_ctx, told, told_ctx);
	live.at_ms = events_hub_now(hub);
	told(told_ctx, &live);
}

void events_hub_set_control(struct events_hub *hub, events_control *fn,
			    void *ctx)
{
	hub->control = fn;
	hub->control_ctx = ctx;
}

void events_hub_ask(const struct events_hub *hub, enum events_request what,
		    const char *node)
{
	if (hub->control)
		hub->control(hub->control_ctx, what, node);
}
