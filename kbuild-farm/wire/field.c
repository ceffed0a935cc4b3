/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/field.h"

#include <string.h>

static bool is_control(uint8_t c)
{
	return c < ' ' || c == 0x7f;
}

void wire_field_put_line(struct buf *out, const char *s, size_t max)
{
	size_t n = s ? strnlen(s, max) : 0;
	size_t at;

	buf_put_u32(out, (uint32_t)n);
	at = out->len;
	buf_add(out, s, n);
	for (; at < out->len; at++) {
		if (is_control(out->data[at]))
			out->data[at] = ' ';
	}
}

char *wire_field_line(struct reader *r, size_t max)
{
	char *s = reader_str(r, max);

	for (const char *p = s; *p; p++) {
		if (is_control((uint8_t)*p))
			r->bad = true;
	}
	return s;
}

void wire_field_put_digest(struct buf *out, const struct digest *d)
{
	buf_add(out, d->b, sizeof(d->b));
}

void wire_field_digest(struct reader *r, struct digest *d)
{
	struct bytes b = reader_raw(r, sizeof(d->b));

	if (b.len)
		memcpy(d->b, b.data, b.len);
}

uint8_t wire_field_u8(struct reader *r, uint8_t max)
{
	uint8_t v = reader_u8(r);

	if (v <= max)
		return v;
	r->bad = true;
	return 0;
}

uint32_t wire_field_u32(struct reader *r, uint32_t max)
{
	uint32_t v = reader_u32(r);

	if (v <= max)
		return v;
	r->bad = true;
	return 0;
}
