/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/client.h - Client for the event socket of a running build.
 *
 * The client never blocks, and its memory is limited (events/reader.h).  If the
 * build has dropped events (EVENTS_KIND_DROPPED), the client reconnects to
 * receive the whole state, at most once per second.
 */
#ifndef EVENTS_CLIENT_H
#define EVENTS_CLIENT_H

#include "events/hub.h"

struct event_base;
struct events_client;

/* Callbacks, which the event loop calls. */
struct events_client_ops {
	events_event_fn *on_event;
	/*
	 * Called with each received line without its newline, even if the kind
	 * of the event is unknown.  May be NULL.
	 */
	void (*on_line)(void *ctx, struct bytes line);
	/*
	 * The client has reconnected: discard all previous events, because the
	 * whole state follows.
	 */
	void (*on_reconnected)(void *ctx);
	/*
	 * The stream has ended.  `why` is NULL if the build closed the
	 * connection, as it does at its end.  The callback may free the client.
	 */
	void (*on_ended)(void *ctx, const char *why);
};

/*
 * Connect to the socket `path`.  Borrows `ops`.  Returns 0; -ECONNREFUSED or
 * -ENOENT if no build listens; -EAGAIN if the backlog is full; or another
 * negative errno.
 */
int events_client_new(struct events_client **out, struct event_base *base,
		      const char *path, const struct events_client_ops *ops,
		      void *ctx, struct err *err);
/* `c` may be NULL. */
void events_client_free(struct events_client *c);

#endif
