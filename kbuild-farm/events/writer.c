/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/writer.h"

#include "base/version.h"

#include <time.h>
#include <unistd.h>

#define LAST_MAX 4096 /* kept for the end: what was dropped, EVENTS_DONE */

void events_writer_init(struct events_writer *w, int fd, uint64_t now_ms)
{
	*w = (struct events_writer){ .began_s = time(NULL) -
						(int64_t)(now_ms / 1000) };
	outlet_init(&w->out, fd, EVENTS_WAITING + LAST_MAX);
}

/* Queue it if then `spare` bytes are left. */
static bool queue_event(struct events_writer *w, const struct events_event *ev,
			size_t spare)
{
	buf_reset(&w->line);
	events_encode(&w->line, ev);
	if (!outlet_has_room(&w->out, w->line.len + spare))
		return false;
	outlet_add(&w->out, buf_bytes(&w->line));
	return true;
}

static void begin_stream(struct events_writer *w)
{
	struct events_event first = events_new(EVENTS_STREAM);

	first.version = EVENTS_VERSION;
	first.program = "kfarm " KFARM_VERSION;
	first.pid = getpid();
	first.began_s = w->began_s;
	w->began = queue_event(w, &first, 0);
}

static bool tell_dropped(struct events_writer *w, uint64_t at_ms, size_t spare)
{
	struct events_event ev = events_new(EVENTS_DROPPED);

	if (!w->dropped)
		return true;
	ev.at_ms = at_ms;
	ev.dropped = (int64_t)w->dropped;
	if (!queue_event(w, &ev, spare))
		return false;
	w->dropped = 0;
	return true;
}

void events_writer_tell(void *ctx, const struct events_event *ev)
{
	struct events_writer *w = ctx;
	size_t spare = ev->kind == EVENTS_DONE ? 0 : LAST_MAX;

	if (w->out.error)
		return;
	if (!w->began)
		begin_stream(w);
	if (!tell_dropped(w, ev->at_ms, spare) || !queue_event(w, ev, spare))
		w->dropped++;
}

void events_writer_flush(struct events_writer *w, int timeout_ms)
{
	outlet_flush(&w->out, timeout_ms);
}

int events_writer_error(const struct events_writer *w)
{
	return w->out.error;
}

void events_writer_release(struct events_writer *w)
{
	outlet_release(&w->out);
	buf_release(&w->line);
}
