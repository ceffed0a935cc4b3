/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/bytes.h"

#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

struct bytes bytes_of(const void *data, size_t len)
{
	return (struct bytes){ .data = data, .len = len };
}

struct bytes bytes_str(const char *s)
{
	return bytes_of(s, strlen(s));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

const void *bytes_find(struct bytes in, struct bytes pattern, size_t rare_index)
{
	const uint8_t *p = in.data, *end = in.data + in.len;

	if (in.len < pattern.len)
		return NULL;
	p += rare_index;
	end -= pattern.len - 1 - rare_index;
	for (; p < end &&
	       (p = memchr(p, pattern.data[rare_index], (size_t)(end - p)));
	     p++) {
		if (!memcmp(p - rare_index, pattern.data, pattern.len))
			return p - rare_index;
	}
	return NULL;
}

char *bytes_dup(struct bytes b)
{
	char *s = xmalloc(b.len + 1);

	if (b.len)
		memcpy(s, b.data, b.len);
	s[b.len] = '\0';
	return s;
}

/* FNV-1a */
uint64_t bytes_hash(struct bytes b, uint64_t seed)
{
	uint64_t h = seed ^ UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < b.len; i++)
		h = (h ^ b.data[i]) * UINT64_C(0x100000001b3);
	return h;
}

uint16_t get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t get_le32(const uint8_t *p)
{
	return get_le16(p) | (uint32_t)get_le16(p + 2) << 16;
}

uint64_t get_le64(const uint8_t *p)
{
	return get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

void put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void put_le32(uint8_t *p, uint32_t v)
{
	put_le16(p, (uint16_t)v);
	put_le16(p + 2, (uint16_t)(v >> 16));
}

void put_le64(uint8_t *p, uint64_t v)
{
	put_le32(p, (uint32_t)v);
	put_le32(p + 4, (uint32_t)(v >> 32));
}

int bytes_write(int fd, struct bytes in)
{
	while (in.len) {
		ssize_t n = write(fd, in.data, in.len);

		if (!n)
			return -ENOSPC;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			in.data += n;
			in.len -= (size_t)n;
		}
	}
	return 0;
}

struct bytes bytes_take_line(struct bytes *in)
{
	const uint8_t *end = in->len ? memchr(in->data, '\n', in->len) : NULL;
	size_t len = end ? (size_t)(end - in->data) : in->len;
	struct bytes line = bytes_of(in->data, len);

	len += end != NULL;
	*in = bytes_of(in->data + len, in->len - len);
	while (line.len && isspace(line.data[line.len - 1]))
		line.len--;
	return line;
}

void reader_init(struct reader *r, struct bytes in)
{
	*r = (struct reader){ .p = in.data, .left = in.len };
}

struct bytes reader_raw(struct reader *r, size_t n)
{
	struct bytes got = { 0 };

	if (r->bad || n > r->left) {
		r->bad = true;
		return got;
	}
	got = bytes_of(r->p, n);
	if (n)
		r->p += n;
	r->left -= n;
	return got;
}

uint16_t reader_u16(struct reader *r)
{
	struct bytes b = reader_raw(r, 2);

	return b.len ? get_le16(b.data) : 0;
}

uint32_t reader_u32(struct reader *r)
{
	struct bytes b = reader_raw(r, 4);

	return b.len ? get_le32(b.data) : 0;
}

struct bytes reader_bytes(struct reader *r)
{
	return reader_raw(r, reader_u32(r));
}

char *reader_str(struct reader *r, size_t max)
{
	struct bytes b = reader_bytes(r);

	if (b.len > max || (b.len && memchr(b.data, '\0', b.len))) {
		r->bad = true;
		b.len = 0;
	}
	return bytes_dup(b);
}

int reader_end(const struct reader *r)
{
	return r->bad || r->left ? -EPROTO : 0;
}
