/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/reader.h - Incremental reader for a stream of events.
 *
 * The first line must be EVENTS_KIND_STREAM of a supported version.  Later
 * lines that are invalid or too long are counted and skipped.  The reader
 * stores at most one line and the piece that was added last.
 */
#ifndef EVENTS_READER_H
#define EVENTS_READER_H

#include "events/event.h"

struct events_reader {
	struct buf in;
	size_t consumed_bytes; /* processed bytes of `in` */
	/* unprocessed bytes of `in` before this offset have no newline */
	size_t searched_bytes;
	bool skipping; /* skipping the rest of a line that is too long */
	bool started; /* EVENTS_KIND_STREAM was read */
	uint64_t n_invalid; /* lines that are not events */
};

/* A zeroed reader is at the beginning of a stream. */
void events_reader_release(struct events_reader *r);
void events_reader_add(struct events_reader *r, struct bytes piece);
/*
 * Read the next complete line.  Returns 1 with the event in *out, which the
 * caller releases; -ENOMSG for an event of an unknown kind; 0 if more input is
 * needed; -EPROTO with `err` set if this is not a stream of events. *line is
 * the line without its newline, borrowed until the next call.
 */
int events_reader_next(struct events_reader *r, struct events_parsed *out,
		       struct bytes *line, struct err *err);

#endif
