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
	buf_consume(&r->in, r->at);
	r->looked -= r->at;
	r->at = 0;
	buf_add_bytes(&r->in, piece);
}

static void skip_to(struct events_reader *r, size_t at)
{
	r->at = r->looked = at;
}

/* A whole line; one that is too long comes as its first bytes, `cut`. */
static bool take_line(struct events_reader *r, struct bytes *line, bool *cut)
{
	size_t left = r->in.len - r->looked;
	const uint8_t *from = r->in.data + r->looked;
	const uint8_t *end = left ? memchr(from, '\n', left) : NULL;
	size_t stop = end ? (size_t)(end - r->in.data) : r->in.len;

	*cut = r->cutting;
	*line = bytes_of(r->in.data + r->at, stop - r->at);
	if (end) {
		skip_to(r, stop + 1);
		r->cutting = false;
		return true;
	}
	r->looked = stop;
	if (line->len > EVENTS_LINE_MAX || r->cutting) {
		r->cutting = true;
		skip_to(r, stop);
	}
	return false;
}

static bool is_blank_line(struct bytes line)
{
	while (line.len && strchr(" \t\r", line.data[line.len - 1]))
		line.len--;
	return !line.len;
}

static int check_first(const struct events_read *read, struct err *err)
{
	if (read->ev.kind != EVENTS_STREAM)
		return err_set(err, EPROTO,
			       "no stream of events: it begins with \"%s\"",
			       events_kind_name(read->ev.kind));
	if (read->ev.version != EVENTS_VERSION)
		return err_set(err, EPROTO,
			       "events of version %lld, this kfarm knows %d",
			       (long long)read->ev.version, EVENTS_VERSION);
	return 0;
}

/* As events_reader_next(); 0 for a line that is left alone. */
static int read_line(struct events_reader *r, struct events_read *out,
		     struct bytes line, struct err *err)
{
	int ret = events_decode(out, line, err);

	if (!ret && !r->began) {
		ret = check_first(out, err);
		if (ret)
			events_read_release(out);
		r->began = !ret;
		return ret ? ret : 1;
	}
	if (!ret || ret == -ENOMSG)
		return ret ? ret : 1;
	if (!r->began) {
		err_wrap(err, "no stream of events");
		return -EPROTO;
	}
	r->broken++;
	return 0;
}

int events_reader_next(struct events_reader *r, struct events_read *out,
		       struct bytes *line, struct err *err)
{
	bool cut;
	int ret;

	while (take_line(r, line, &cut)) {
		if (cut) {
			r->broken++;
			continue;
		}
		if (is_blank_line(*line))
			continue;
		ret = read_line(r, out, *line, err);
		if (ret)
			return ret;
	}
	/* Its end may never come. */
	if (r->cutting && !r->began)
		return err_set(err, EPROTO,
			       "no stream of events: a line of more than %u "
			       "bytes",
			       EVENTS_LINE_MAX);
	return 0;
}
