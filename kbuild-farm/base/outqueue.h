/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/outqueue.h - Output queue for a slow reader that must not block kfarm.
 *
 * Examples of such readers are a terminal after Ctrl-S, a pager, and a process
 * that does not read its pipe.  Output that the reader does not accept is
 * queued, up to `max_bytes`.
 *
 * The descriptor may be shared with other processes, so it remains in blocking
 * mode.  To avoid blocking, poll() precedes each write, and each write has at
 * most PIPE_BUF bytes: a pipe that poll() reports as ready accepts PIPE_BUF
 * bytes.
 */
#ifndef BASE_OUTQUEUE_H
#define BASE_OUTQUEUE_H

#include "base/buf.h"

struct outqueue {
	int fd; /* borrowed */
	size_t max_bytes;
	struct buf pending;
	/* errno of the write that failed; further output is discarded */
	int error;
};

void outqueue_init(struct outqueue *o, int fd, size_t max);
/*
 * Return true if the queue has space for `n` more bytes, or if a write has
 * failed.
 */
bool outqueue_has_space(const struct outqueue *o, size_t n);
/* Queue all bytes, or none if the queue lacks space. */
void outqueue_add(struct outqueue *o, struct bytes in);
/* Write what the reader accepts within `timeout_ms` (0 for no wait). */
void outqueue_flush(struct outqueue *o, int timeout_ms);
/* Discard the queued bytes. */
void outqueue_release(struct outqueue *o);

#endif
