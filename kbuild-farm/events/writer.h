/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/writer.h - the stream on paper, for one reader: lines of JSON.
 *
 * A reader that does not keep up loses events and is told how many
 * (EVENTS_DROPPED, as soon as there is room); nothing waits for it.
 */
#ifndef EVENTS_WRITER_H
#define EVENTS_WRITER_H

#include "base/outlet.h"
#include "events/event.h"

#define EVENTS_WAITING (1u << 20) /* bytes that wait for a reader */

struct events_writer {
	struct outlet out;
	struct buf line;
	uint64_t dropped; /* since it was told */
	bool began; /* the first line is there */
	int64_t began_s; /* when the build began, since 1970 */
};

/* The descriptor stays the caller's; the build is `now_ms` old. */
void events_writer_init(struct events_writer *w, int fd, uint64_t now_ms);
/* A sink (events/hub.h) of a struct events_writer; puts EVENTS_STREAM in front
 * of the first event. */
void events_writer_tell(void *ctx, const struct events_event *ev);
/* Write what is taken within `timeout_ms`. */
void events_writer_flush(struct events_writer *w, int timeout_ms);
/* The errno of the write that ended it; 0: it goes on. */
int events_writer_error(const struct events_writer *w);
void events_writer_release(struct events_writer *w);

#endif
