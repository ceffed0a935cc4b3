/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/outlet.h - bytes for a reader who may be slow, and must not stop us: a
 * terminal after Ctrl-S, a pager, a pipe that nobody reads, a full disk.
 *
 * What the reader does not take waits here, up to `max` bytes.  The descriptor
 * may be shared with others, so it is not made non-blocking: it is asked
 * before each write, and a pipe that is ready takes PIPE_BUF bytes.
 */
#ifndef BASE_OUTLET_H
#define BASE_OUTLET_H

#include "base/buf.h"

struct outlet {
	int fd; /* borrowed */
	size_t max;
	struct buf waiting;
	int error; /* errno of the write that failed: nothing goes there now */
};

void outlet_init(struct outlet *o, int fd, size_t max);
/* Is there room for `n` bytes more?  There is for all after an error. */
bool outlet_has_room(const struct outlet *o, size_t n);
/* Queue all of it, or nothing where it has no room. */
void outlet_add(struct outlet *o, struct bytes in);
/* Write what is taken within `timeout_ms` (0: at once). */
void outlet_flush(struct outlet *o, int timeout_ms);
/* Forgets what waits. */
void outlet_release(struct outlet *o);

#endif
