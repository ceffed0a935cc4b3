/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/outqueue.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define CHUNK 4096 /* PIPE_BUF */

void outqueue_init(struct outqueue *o, int fd, size_t max)
{
	*o = (struct outqueue){ .fd = fd, .max_bytes = max };
}

bool outqueue_has_space(const struct outqueue *o, size_t n)
{
	return o->error ||
	       (n <= o->max_bytes && o->pending.len <= o->max_bytes - n);
}

void outqueue_add(struct outqueue *o, struct bytes in)
{
	if (!o->error && outqueue_has_space(o, in.len))
		buf_add_bytes(&o->pending, in);
}

static bool wait_writable(const struct outqueue *o, uint64_t deadline)
{
	struct pollfd fd = { .fd = o->fd, .events = POLLOUT };
	uint64_t now;
	int n;

	do {
		now = clock_ms();
		n = poll(&fd, 1, now < deadline ? (int)(deadline - now) : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

void outqueue_flush(struct outqueue *o, int timeout_ms)
{
	uint64_t deadline = timeout_ms ? clock_ms() + (uint64_t)timeout_ms : 0;
	size_t done = 0;

	while (done < o->pending.len && wait_writable(o, deadline)) {
		size_t left = o->pending.len - done;
		ssize_t n = write(o->fd, o->pending.data + done,
				  left < CHUNK ? left : CHUNK);

		if (n > 0) {
			done += (size_t)n;
		} else if (n < 0 && errno != EINTR && errno != EAGAIN) {
			o->error = errno;
			done = o->pending.len;
		} else if (!timeout_ms || clock_ms() >= deadline) {
			break;
		}
	}
	buf_consume(&o->pending, done);
}

void outqueue_release(struct outqueue *o)
{
	buf_release(&o->pending);
}
