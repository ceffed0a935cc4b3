/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/server.h - Event streams on a descriptor or the event socket.
 *
 * A writer sends events as lines of JSON to one reader and never blocks.  If
 * the reader is too slow, the writer drops events, and sends their number
 * (EVENTS_KIND_DROPPED) as soon as the queue has space again.
 *
 * The server listens on the socket of a running build.  Clients of the same
 * user or of root receive a snapshot of the state, then EVENTS_KIND_LIVE, then
 * all further events.  Input from clients is ignored, and a slow client does
 * not delay the others.
 */
#ifndef EVENTS_SERVER_H
#define EVENTS_SERVER_H

#include "base/err.h"
#include "base/outqueue.h"
#include "events/hub.h"

/* queued bytes per reader, in addition to a snapshot */
#define EVENTS_PENDING_MAX (1u << 20)

struct events_writer {
	struct outqueue queue;
	struct buf line;
	/* events dropped since the last EVENTS_KIND_DROPPED */
	uint64_t n_dropped;
	bool started; /* the first line was written */
	int64_t start_s; /* start of the build, seconds since 1970 */
};

/*
 * Start a stream on `fd`, which is borrowed.  `now_ms` is the time since the
 * build began.
 */
void events_writer_init(struct events_writer *w, int fd, uint64_t now_ms);
/*
 * Queue an event.  If the queue lacks space, first write the queued bytes that
 * the reader accepts without a wait.  `ctx` is a struct events_writer, so that
 * the function can serve as an events_event_fn.  Writes EVENTS_KIND_STREAM
 * before the first event.
 */
void events_writer_add(void *ctx, const struct events_event *ev);
/* Write queued bytes that the reader accepts within `timeout_ms`. */
void events_writer_flush(struct events_writer *w, int timeout_ms);
/* Return the errno of the write that ended the stream, or 0. */
int events_writer_error(const struct events_writer *w);
void events_writer_release(struct events_writer *w);

/* maximum number of clients; further connections are closed immediately */
#define EVENTS_CLIENTS_MAX 32

struct events_server;

/*
 * Listen on `path`.  Borrows `hub` and `base`.  Returns 0 or a negative errno
 * with `err` set.
 */
int events_server_new(struct events_server **out, struct events_hub *hub,
		      struct event_base *base, const char *path,
		      struct err *err);
/*
 * Write queued events for at most 0.1 s in total, close all connections and
 * remove the socket.  `s` may be NULL.
 */
void events_server_free(struct events_server *s);

#endif
