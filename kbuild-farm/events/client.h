/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/client.h - hears a running build at its socket (events/server.h).
 *
 * It never blocks and holds no more than events/reader does, whatever comes.
 * When the build says that it left events out (EVENTS_DROPPED), it connects
 * once more, which brings the whole state; that happens once a second at most.
 */
#ifndef EVENTS_CLIENT_H
#define EVENTS_CLIENT_H

#include "events/hub.h"

struct event_base;
struct events_client;

/* Calls from the loop. */
struct events_client_ops {
	events_sink *told;
	/*
	 * Each event's line as it came, without its newline, also of kinds
	 * that are not known.  May be NULL.
	 */
	void (*line)(void *ctx, struct bytes line);
	/* It is connected anew: what was told is void, all of it comes again.
	 */
	void (*again)(void *ctx);
	/*
	 * Nothing more comes; `why` is NULL where the build closed, as it does
	 * at its end.  The client may be freed here.
	 */
	void (*ended)(void *ctx, const char *why);
};

/*
 * `ops` is kept, not copied.  0; -ECONNREFUSED, -ENOENT: nobody is there;
 * -EAGAIN: too many wait to be heard, try again; another error.
 */
int events_client_new(struct events_client **out, struct event_base *base,
		      const char *path, const struct events_client_ops *ops,
		      void *ctx, struct err *err);
/* NULL is fine. */
void events_client_free(struct events_client *c);

#endif
