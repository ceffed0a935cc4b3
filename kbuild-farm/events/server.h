/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/server.h - the events of a running build, for whoever of this user
 * connects to its socket: first what makes up the state so far, then
 * EVENTS_LIVE, then all that happens.
 *
 * Nothing is read from them: who wants no more closes.  One that reads too
 * slowly loses events (events/writer.h) and delays nobody.
 */
#ifndef EVENTS_SERVER_H
#define EVENTS_SERVER_H

#include "base/err.h"
#include "events/hub.h"

#define EVENTS_CLIENTS_MAX 32 /* at once; the next is closed at once */

struct events_server;

/* Both are borrowed.  Returns 0 or a negative errno with `err` set. */
int events_server_new(struct events_server **out, struct events_hub *hub,
		      struct event_base *base, const char *path,
		      struct err *err);
/*
 * Gives those who are connected a tenth of a second in all for what still
 * waits, closes, and removes the socket.  NULL is fine.
 */
void events_server_free(struct events_server *s);

#endif
