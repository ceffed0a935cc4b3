/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/field.h"

#include "base/printable.h"

#include <string.h>

void wire_field_put_line(struct buf *out, const char *s, size_t max)
{
	size_t n = s ? strnlen(s, max) : 0;

	buf_put_u32(out, (uint32_t)n);
	buf_add(out, s, n);
	printable_clean((char *)out->data + out->len - n, n, 0, ' ');
}

char *wire_field_line(struct reader *r, size_t max)
{
	char *s = reader_str(r, max);

	if (!printable(bytes_str(s), 0))
		r->bad = true;
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
