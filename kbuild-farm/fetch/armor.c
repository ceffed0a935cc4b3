/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/armor.h"

#include <errno.h>
#include <string.h>

#define BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----"
#define END   "-----END PGP PUBLIC KEY BLOCK-----"

static uint32_t crc24(struct bytes in)
{
	uint32_t crc = 0xb704ce;

	for (size_t i = 0; i < in.len; i++) {
		crc ^= (uint32_t)in.data[i] << 16;
		for (int bit = 0; bit < 8; bit++) {
			crc <<= 1;
			if (crc & 0x1000000)
				crc ^= 0x1864cfb;
		}
	}
	return crc;
}

static int value(uint8_t c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Base 64, a line at a time; the groups of four may span lines. */
struct base64 {
	uint32_t bits;
	unsigned n; /* digits of this group */
	unsigned padding;
};

static int add_digits(struct base64 *b, struct bytes line, struct buf *out)
{
	for (size_t i = 0; i < line.len; i++) {
		int v = value(line.data[i]);

		if (line.data[i] == '=' && b->n >= 2) {
			b->padding++;
			v = 0;
		} else if (v < 0 || b->padding) {
			return -EPROTO;
		}
		b->bits = b->bits << 6 | (uint32_t)v;
		if (++b->n < 4)
			continue;
		for (unsigned k = 0; k < 3 - b->padding; k++)
			buf_put_u8(out, (uint8_t)(b->bits >> (16 - 8 * k)));
		b->bits = 0;
		b->n = 0;
	}
	return 0;
}

static int check_sum(struct bytes line, struct bytes content)
{
	struct base64 b = { 0 };
	struct buf sum = { 0 };
	int ret = add_digits(&b, line, &sum);
	uint32_t crc = crc24(content);

	if (!ret &&
	    (sum.len != 3 || sum.data[0] != crc >> 16 ||
	     sum.data[1] != (crc >> 8 & 0xff) || sum.data[2] != (crc & 0xff)))
		ret = -EPROTO;
	buf_release(&sum);
	return ret;
}

/* A block after its first line: headers, an empty line, digits, the sum. */
static int read_block(struct bytes *in, struct buf *out)
{
	struct base64 b = { 0 };

	while (in->len && bytes_line(in).len > 0)
		;
	while (in->len) {
		struct bytes line = bytes_line(in);
		int ret;

		if (bytes_equal(line, bytes_str(END)))
			return b.n ? -EPROTO : 0;
		if (line.len == 5 && line.data[0] == '=' && !b.n)
			ret = check_sum(bytes_of(line.data + 1, 4),
					buf_bytes(out));
		else
			ret = add_digits(&b, line, out);
		if (ret)
			return ret;
	}
	return -EPROTO;
}

int fetch_armor_decode(struct bytes text, struct buf *out)
{
	struct buf all = { 0 };
	int ret = -ENOENT;

	while (text.len && (!ret || ret == -ENOENT)) {
		struct buf block = { 0 };

		if (!bytes_equal(bytes_line(&text), bytes_str(BEGIN)))
			continue;
		ret = read_block(&text, &block);
		if (!ret)
			buf_add_bytes(&all, buf_bytes(&block));
		buf_release(&block);
	}
	if (!ret)
		buf_add_bytes(out, buf_bytes(&all));
	buf_release(&all);
	return ret;
}
