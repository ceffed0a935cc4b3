/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/outlet.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define CHUNK 4096 /* PIPE_BUF */

void outlet_init(struct outlet *o, int fd, size_t max)
{
	*o = (struct outlet){ .fd = fd, .max = max };
}

bool outlet_has_room(const struct outlet *o, size_t n)
{
	return o->error || (n <= o->max && o->waiting.len <= o->max - n);
}

void outlet_add(struct outlet *o, struct bytes in)
{
	if (!o->error && outlet_has_room(o, in.len))
		buf_add_bytes(&o->waiting, in);
}

static bool takes_more(const struct outlet *o, uint64_t deadline)
{
	struct pollfd fd = { .fd = o->fd, .events = POLLOUT };
	uint64_t now = clock_ms();

	return poll(&fd, 1, now < deadline ? (int)(deadline - now) : 0) > 0;
}

void outlet_flush(struct outlet *o, int timeout_ms)
{
	uint64_t deadline = timeout_ms ? clock_ms() + (uint64_t)timeout_ms : 0;
	size_t done = 0;

	while (done < o->waiting.len && takes_more(o, deadline)) {
		size_t left = o->waiting.len - done;
		ssize_t n = write(o->fd, o->waiting.data + done,
				  left < CHUNK ? left : CHUNK);

		if (n > 0) {
			done += (size_t)n;
		} else if (n < 0 && errno != EINTR && errno != EAGAIN) {
			o->error = errno;
			done = o->waiting.len;
		} else if (!timeout_ms || clock_ms() >= deadline) {
			break;
		}
	}
	buf_consume(&o->waiting, done);
}

void outlet_release(struct outlet *o)
{
	buf_release(&o->waiting);
}
