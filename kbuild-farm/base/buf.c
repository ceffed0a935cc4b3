/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buf.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A first allocation of at least this many bytes gets no spare room. */
#define LARGE_MIN 4096
/* Minimum room of buf_read() for a read() of unknown size. */
#define READ_MIN (1u << 15)

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;
	uint8_t *data;

	if (n >= SIZE_MAX / 2 - b->len)
		return -ENOMEM;
	if (b->len + n < b->cap)
		return 0;
	/* Allocate no spare room: most large buffers are filled at once. */
	if (!b->cap && n >= LARGE_MIN)
		cap = n + 1;
	while (cap <= b->len + n)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

static void must_reserve(struct buf *b, size_t n)
{
	if (buf_reserve(b, n))
		str_out_of_memory();
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	must_reserve(b, len);
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

int buf_read(struct buf *b, int fd, size_t max)
{
	size_t room = READ_MIN;
	struct stat st;
	ssize_t n;

	/* One more byte of room lets a read() detect the end of the file. */
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (uint64_t)st.st_size <= max)
		room = (size_t)st.st_size + 1;
	must_reserve(b, room);
	for (;;) {
		if (b->cap < b->len + 2)
			must_reserve(b, READ_MIN);
		n = read(fd, b->data + b->len, b->cap - b->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || b->len + (size_t)n > max)
			break;
		b->len += (size_t)n;
		if (!n)
			break;
	}
	b->data[b->len] = '\0';
	if (n > 0)
		return -EFBIG;
	return n < 0 ? -errno : 0;
}

void buf_add_bytes(struct buf *b, struct bytes in)
{
	buf_add(b, in.data, in.len);
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_add_number(struct buf *b, uint64_t n)
{
	char digits[20], *end = digits + sizeof(digits), *at = end;

	do {
		*--at = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	buf_add(b, at, (size_t)(end - at));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	must_reserve(b, 80);
	va_start(ap, fmt);
	n = vsnprintf((char *)b->data + b->len, b->cap - b->len, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= b->cap - b->len) {
		must_reserve(b, (size_t)n);
		va_start(ap, fmt);
		vsnprintf((char *)b->data + b->len, b->cap - b->len, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
}

void buf_add_shell_word(struct buf *b, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./+-,:@%=";

	if (*word && !word[strspn(word, plain)]) {
		buf_add_str(b, word);
		return;
	}
	buf_add_str(b, "'");
	for (; *word; word++) {
		if (*word == '\'')
			buf_add_str(b, "'\\''");
		else
			buf_add(b, word, 1);
	}
	buf_add_str(b, "'");
}

void buf_consume(struct buf *b, size_t n)
{
	if (!n)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
}

struct bytes buf_bytes(const struct buf *b)
{
	return bytes_of(b->data, b->len);
}

const char *buf_str(const struct buf *b)
{
	return b->data ? (const char *)b->data : "";
}

char *buf_steal(struct buf *b)
{
	char *s;

	buf_add(b, "", 0);
	s = (char *)b->data;
	*b = (struct buf){ 0 };
	return s;
}

void buf_put_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

void buf_put_u16(struct buf *b, uint16_t v)
{
	uint8_t raw[2];

	put_le16(raw, v);
	buf_add(b, raw, sizeof(raw));
}

void buf_put_u32(struct buf *b, uint32_t v)
{
	uint8_t raw[4];

	put_le32(raw, v);
	buf_add(b, raw, sizeof(raw));
}

void buf_put_bytes(struct buf *b, struct bytes in)
{
	buf_put_u32(b, (uint32_t)in.len);
	buf_add_bytes(b, in);
}

void buf_put_str(struct buf *b, const char *s)
{
	buf_put_bytes(b, bytes_str(s));
}
