/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/hub.h - hands each event of a build to all who want to know.
 *
 * The dispatcher and the build tell; a consumer is a view, a file, somebody who
 * connected.  Without consumers an event costs nothing but the call.  A
 * consumer does not block, tells nothing itself, and does no work in told()
 * that can wait for due().
 */
#ifndef EVENTS_HUB_H
#define EVENTS_HUB_H

#include "events/event.h"

struct event_base;
struct events_hub;

typedef void events_sink(void *ctx, const struct events_event *ev);

/* The caller's, and stays in its place until it is removed. */
struct events_consumer {
	/* Something happened; `ev` is borrowed for the call. */
	events_sink *told;
	/*
	 * Time to draw or to write: 0.1 s after the first event since it was
	 * called last, and every second.  May be NULL.
	 */
	void (*due)(void *ctx, uint64_t at_ms);
	/*
	 * The loop that the build runs in, for events of the consumer's own:
	 * from events_hub_start(), or at once when it is added later.  NULL
	 * from events_hub_stop(), behind the last due(): they must be gone
	 * when this returns, as the loop will be.  May be NULL.
	 */
	void (*loop)(void *ctx, struct event_base *base);
	void *ctx;
	struct events_consumer *next; /* the hub's */
};

/* Time begins now. */
struct events_hub *events_hub_new(void);
/* NULL is fine.  Consumers need not be removed. */
void events_hub_free(struct events_hub *hub);

void events_hub_add(struct events_hub *hub, struct events_consumer *c);
/* May be called from the consumer's own told(), due() and loop(). */
void events_hub_remove(struct events_hub *hub, struct events_consumer *c);

/* Tell it to all, with the time.  ev->at_ms is set by this. */
void events_hub_tell(struct events_hub *hub, struct events_event *ev);
/* Milliseconds since time began. */
uint64_t events_hub_now(const struct events_hub *hub);

/*
 * Call due() from this loop; until then, and after events_hub_stop(), it is
 * called for each event at once.
 */
void events_hub_start(struct events_hub *hub, struct event_base *base);
/* Calls due() a last time, and loop() with NULL.  NULL is fine, and one that
 * was not started. */
void events_hub_stop(struct events_hub *hub);

/*
 * Who knows the state so far: told() to call with the events that make it up,
 * when somebody comes later.
 */
typedef void events_snapshot(void *ctx, events_sink *told, void *told_ctx);
void events_hub_set_snapshot(struct events_hub *hub, events_snapshot *fn,
			     void *ctx);
/* Tell it, and EVENTS_LIVE behind it. */
void events_hub_snapshot(const struct events_hub *hub, events_sink *told,
			 void *told_ctx);

/*
 * What a view may ask of the build that it shows, about a node of it.  Each is
 * for this build alone; what came of it is told by EVENTS_NODE.
 */
enum events_request {
	EVENTS_DRAIN, /* it gets no more jobs, those on it may end */
	EVENTS_RESUME, /* and it gets some again */
	/*
	 * One job more at once, or one less: at least 1, at most twice as many
	 * as it has cores, and never more than its kfarmd takes.
	 */
	EVENTS_MORE_SLOTS,
	EVENTS_FEWER_SLOTS,
};

/* Who does that; `fn` NULL: nobody.  `node` is borrowed for the call. */
typedef void events_control(void *ctx, enum events_request what,
			    const char *node);
void events_hub_set_control(struct events_hub *hub, events_control *fn,
			    void *ctx);
/*
 * Ask it, from a consumer's due() or loop, not from its told().  Nothing
 * happens when nobody does it, or there is no such node.
 */
void events_hub_ask(const struct events_hub *hub, enum events_request what,
		    const char *node);

#endif
