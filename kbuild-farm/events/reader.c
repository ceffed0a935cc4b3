/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/reader.h"

#include <errno.h>
#include <string.h>

void events_reader_release(struct events_reader *r)
{
	buf_release(&r->in);
	*r = (struct events_reader){ 0 };
}

void events_reader_add(struct events_reader *r, struct bytes piece)
{
	buf_consume(&r->in, r->consumed_bytes);
	r->searched_bytes -= r->consumed_bytes;
	r->consumed_bytes = 0;
	buf_add_bytes(&r->in, piece);
}

/*
 * Take a complete line; return false if no line is complete.  If the beginning
 * of the line was skipped because the line is too long, *cut is set and *line
 * is the rest of the line.
 */
static bool take_line(struct events_reader *r, struct bytes *line, bool *cut)
{
	size_t left = r->in.len - r->searched_bytes;
	const uint8_t *from = r->in.data + r->searched_bytes;
	const uint8_t *end = left ? memchr(from, '\n', left) : NULL;
	size_t stop = end ? (size_t)(end - r->in.data) : r->in.len;

	*cut = r->skipping;
	*line = bytes_of(r->in.data + r->consumed_bytes,
			 stop - r->consumed_bytes);
	if (end) {
		r->consumed_bytes = r->searched_bytes = stop + 1;
		r->skipping = false;
		return true;
	}
	r->searched_bytes = stop;
	if (line->len > EVENTS_LINE_MAX || r->skipping) {
		r->skipping = true;
		r->consumed_bytes = stop;
	}
	return false;
}

static bool is_blank_line(struct bytes line)
{
	while (line.len && strchr(" \t\r", line.data[line.len - 1]))
		line.len--;
	return !line.len;
}

/* Like events_reader_next(), but returns 0 for a line that is skipped. */
static int read_line(struct events_reader *r, struct events_parsed *out,
		     struct bytes line, struct err *err)
{
	int ret = events_decode(out, line, err);

	if (!ret && !r->started) {
		if (out->ev.kind != EVENTS_KIND_STREAM)
			ret = err_set(
				err, EPROTO,
				"not an event stream: first event is \"%s\"",
				events_kind_name(out->ev.kind));
		else if (out->ev.version != EVENTS_VERSION)
			ret = err_set(
				err, EPROTO,
				"unsupported event version %lld: expected %d",
				(long long)out->ev.version, EVENTS_VERSION);
		if (ret)
			events_parsed_release(out);
		r->started = !ret;
		return ret ? ret : 1;
	}
	if (!ret || ret == -ENOMSG)
		return ret ? ret : 1;
	if (!r->started) {
		err_wrap(err, "not an event stream");
		return -EPROTO;
	}
	r->n_invalid++;
	return 0;
}

int events_reader_next(struct events_reader *r, struct events_parsed *out,
		       struct bytes *line, struct err *err)
{
	bool cut;
	int ret;

	while (take_line(r, line, &cut)) {
		if (cut) {
			r->n_invalid++;
			continue;
		}
		if (is_blank_line(*line))
			continue;
		ret = read_line(r, out, *line, err);
		if (ret)
			return ret;
	}
	/*
	 * Fail now if the first line is too long, because its end may never
	 * arrive.
	 */
	if (r->skipping && !r->started)
		return err_set(err, EPROTO,
			       "not an event stream: line exceeds %u bytes",
			       EVENTS_LINE_MAX);
	return 0;
}
