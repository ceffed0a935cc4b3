/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay/internal.h"

#include "wire/codec.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>

void relay_session_send(struct relay_session *s, enum wire_type type,
			struct buf *body)
{
	struct buf packed = { 0 };
	enum wire_codec codec = wire_codec_pack(&packed, buf_bytes(body),
						WIRE_LZO);

	s->queued_bytes += WIRE_FRAME_SIZE + packed.len;
	wire_stream_send_packed(s->stream, type, buf_bytes(&packed), codec,
				(uint32_t)body->len);
	buf_release(&packed);
	buf_release(body);
}

uint64_t relay_session_backlog(const struct relay_session *s)
{
	return s->queued_bytes - wire_stream_sent_bytes(s->stream);
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
