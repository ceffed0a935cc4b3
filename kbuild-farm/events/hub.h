/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/hub.h - Distribution of a build's events to subscribers.
 *
 * The coordinator and the build publish events.  A subscriber is a view, a file
 * or the event socket.  Without subscribers an event costs only the call.  A
 * subscriber must not block or publish events.  Work that can wait belongs in
 * on_due() instead of on_event().
 */
#ifndef EVENTS_HUB_H
#define EVENTS_HUB_H

#include "events/event.h"

struct event_base;
struct events_hub;

typedef void events_event_fn(void *ctx, const struct events_event *ev);

/* Owned by the caller; must not move until it is unsubscribed. */
struct events_subscriber {
	events_event_fn *on_event; /* `ev` is borrowed for the call */
	/*
	 * Called to draw or write: 0.1 s after the first event since the last
	 * call, and every second.  `at_ms` is events_hub_elapsed_ms().  May be
	 * NULL.
	 */
	void (*on_due)(void *ctx, uint64_t at_ms);
	/*
	 * Called with the loop in which the build runs, so that the subscriber
	 * can add libevent events.  The caller is events_hub_start() or, if the
	 * hub has already been started, events_hub_subscribe().
	 * events_hub_stop() calls on_due() and then this function with NULL,
	 * and the subscriber must free its libevent events.  May be NULL.
	 */
	void (*on_loop)(void *ctx, struct event_base *base);
	void *ctx;
	struct events_subscriber *next; /* private to the hub */
};

/*
 * Create a hub.  Event times are relative to this call and do not include the
 * time for which the clock was paused.
 */
struct events_hub *events_hub_new(void);
/* `hub` may be NULL, and may still have subscribers. */
void events_hub_free(struct events_hub *hub);

/* Add a subscriber, which receives all further events. */
void events_hub_subscribe(struct events_hub *hub, struct events_subscriber *c);
/* Remove a subscriber.  May be called from its callbacks. */
void events_hub_unsubscribe(struct events_hub *hub,
			    struct events_subscriber *c);

/* Set ev->at_ms and pass the event to all subscribers.  `hub` may be NULL. */
void events_hub_publish(struct events_hub *hub, struct events_event *ev);
/* Return the time since events_hub_new(), without pauses. */
uint64_t events_hub_elapsed_ms(const struct events_hub *hub);
/*
 * Pause the clock while a build waits for its build directory.  All events get
 * the same time until events_hub_resume_clock().
 */
void events_hub_pause_clock(struct events_hub *hub);
void events_hub_resume_clock(struct events_hub *hub);

/*
 * Start to call on_due() from this loop.  Before this call, and after
 * events_hub_stop(), on_due() is called immediately after each event.
 */
void events_hub_start(struct events_hub *hub, struct event_base *base);
/*
 * Call on_due() a last time, and on_loop() with NULL.  Does nothing if the hub
 * is NULL or was not started.
 */
void events_hub_stop(struct events_hub *hub);

/*
 * Type of a function that calls on_event() with a snapshot: the events that
 * reproduce the current state for a late subscriber.
 */
typedef void events_snapshot_fn(void *ctx, events_event_fn *on_event,
				void *event_ctx);
void events_hub_set_snapshot(struct events_hub *hub, events_snapshot_fn *fn,
			     void *ctx);
/* Send a snapshot, followed by EVENTS_KIND_LIVE. */
void events_hub_send_snapshot(const struct events_hub *hub,
			      events_event_fn *on_event, void *event_ctx);

/*
 * Requests of a view concerning a node.  A request applies only to this build,
 * and EVENTS_KIND_NODE reports its effect.
 */
enum events_request {
	EVENTS_REQ_DRAIN, /* send no more jobs; running jobs finish */
	EVENTS_REQ_RESUME, /* send jobs again */
	/*
	 * The next two requests change the node's slot limit by one.  The limit
	 * remains between 1 and twice the number of cores, and does not exceed
	 * the slot limit that is configured in kfarmd.
	 */
	EVENTS_REQ_MORE_SLOTS,
	EVENTS_REQ_FEWER_SLOTS,
};

/* The handler of requests.  `node` is borrowed for the call. */
typedef void events_control_fn(void *ctx, enum events_request what,
			       const char *node);
/* Set the handler; NULL ignores requests. */
void events_hub_set_control(struct events_hub *hub, events_control_fn *fn,
			    void *ctx);
/*
 * Pass a request to the handler.  Must not be called from on_event().  Requests
 * for unknown nodes are ignored.
 */
void events_hub_request(const struct events_hub *hub,
			enum events_request request, const char *node);

#endif
