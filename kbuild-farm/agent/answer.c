/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/answer.h"

#include "cell/cell.h"

#include <ctype.h>
#include <string.h>

/* May this byte stand in a path?  With one in front, it is another path. */
static bool goes_on(uint8_t c)
{
	return isalnum(c) || (c && strchr("/._-+~", c)) || c >= 0x80;
}

static bool names(struct bytes in, const char *dir)
{
	const uint8_t *p = in.data, *end = p + in.len;

	while (p < end &&
	       (p = memmem(p, (size_t)(end - p), dir, strlen(dir)))) {
		if (p == in.data || !goes_on(p[-1]))
			return true;
		p++;
	}
	return false;
}

bool agent_path_leaks(struct bytes in)
{
	return names(in, CELL_OUT) || names(in, CELL_TMP);
}

/* Does a path of `len` bytes stand there, and not a part of another one? */
static bool stands_alone(struct bytes in, const uint8_t *p, size_t len)
{
	return (p == in.data || !goes_on(p[-1])) &&
	       (p + len == in.data + in.len || !goes_on(p[len]));
}

static bool add_within(struct buf *out, struct bytes in, size_t max)
{
	if (out->len > max || in.len > max - out->len)
		return false;
	buf_add_bytes(out, in);
	return true;
}

bool agent_answer_rename(struct buf *out, struct bytes in, const char *path,
			 const char *name, size_t max)
{
	const uint8_t *p = in.data, *from = p, *end = p + in.len;
	size_t len = strlen(path);
	bool fits = true;

	while (fits && p < end &&
	       (p = memmem(p, (size_t)(end - p), path, len))) {
		if (!stands_alone(in, p, len)) {
			p++;
			continue;
		}
		fits = add_within(out, bytes_of(from, (size_t)(p - from)),
				  max) &&
		       add_within(out, bytes_str(name), max);
		from = p += len;
	}
	return fits &&
	       add_within(out, bytes_of(from, (size_t)(end - from)), max);
}

size_t agent_answer_size(const struct agent_answer *a)
{
	size_t sum = 0;

	for (int i = 0; i < WIRE_STREAMS; i++)
		sum += a->out[i].len;
	return sum;
}

void agent_answer_seal(struct agent_answer *a, const struct digest *key)
{
	/* The two lists name our directories, and the client knows that. */
	for (int i = 0; i < WIRE_STREAMS && !a->tells; i++)
		a->tells = i != WIRE_DEPS && i != WIRE_AS_DEPS &&
			   agent_path_leaks(a->out[i]);
	wire_answer_digest(key, a->out, &a->digest);
}

bool agent_answer_piece(struct agent_answer *a, struct wire_piece *out)
{
	size_t n;

	while (a->stream < WIRE_STREAMS && a->sent == a->out[a->stream].len) {
		a->stream++;
		a->sent = 0;
	}
	if (a->stream == WIRE_STREAMS)
		return false;
	n = a->out[a->stream].len - a->sent;
	if (n > WIRE_CHUNK_MAX)
		n = WIRE_CHUNK_MAX;
	*out = (struct wire_piece){
		.stream = (uint8_t)a->stream,
		.data = bytes_of(a->out[a->stream].data + a->sent, n),
	};
	a->sent += n;
	return true;
}
