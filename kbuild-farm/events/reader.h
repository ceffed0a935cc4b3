/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/reader.h - a stream of events as it comes, in pieces of any length.
 *
 * The first line must be EVENTS_STREAM of a version that is known.  After it
 * lines that are no events, or too long for one, are counted and left alone.
 * No more is held than one line and the piece that was added last.
 */
#ifndef EVENTS_READER_H
#define EVENTS_READER_H

#include "events/event.h"

struct events_reader {
	struct buf in;
	size_t at; /* of it, done with */
	size_t looked; /* where no newline is before */
	bool cutting; /* the rest of a line that is too long */
	bool began; /* EVENTS_STREAM was there */
	uint64_t broken; /* lines that are no events */
};

/* A zeroed one is at the beginning of a stream. */
void events_reader_release(struct events_reader *r);
void events_reader_add(struct events_reader *r, struct bytes piece);
/*
 * The next line that is complete: 1 with the event in *out, which the caller
 * releases; -ENOMSG for an event of a kind that is not known; 0: there is
 * none, add more; -EPROTO with `err` set: this is no stream of events.  *line
 * is the line without its newline, borrowed until the next call.
 */
int events_reader_next(struct events_reader *r, struct events_read *out,
		       struct bytes *line, struct err *err);

#endif
