/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay/internal.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>

void relay_session_send(struct relay_session *s, enum wire_type type,
			struct buf *body)
{
	if (wire_stream_is_full(s->stream))
		s->backlog_bytes += body->len;
	wire_stream_send(s->stream, type, buf_bytes(body), WIRE_LZO);
	buf_release(body);
}

int relay_session_end(struct relay_session *s, const char *fmt, ...)
{
	va_list ap;

	if (s->end_reason)
		return -EPROTO;
	va_start(ap, fmt);
	s->end_reason = xvasprintf(fmt, ap);
	va_end(ap);
	event_active(s->end_event, EV_TIMEOUT, 0);
	return -EPROTO;
}

struct relay_target *relay_session_find(const struct relay_session *s,
					uint32_t number)
{
	struct relay_target *t;

	list_for_each(t, &s->targets, entry) {
		if (t->number == number)
			return t;
	}
	return NULL;
}
