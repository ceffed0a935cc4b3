/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/buf.h - bytes that grow.
 *
 * `data` is always followed by a NUL that `len` does not count, once
 * anything was added.  A zeroed struct buf is an empty one.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/bytes.h"

struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
};

void buf_release(struct buf *b);
/* Empty it, keep the memory. */
void buf_reset(struct buf *b);
/* Room for `n` bytes more: 0, or -ENOMEM with `b` left as it was. */
int buf_reserve(struct buf *b, size_t n);
/* The rest ends the program when memory is out, as xmalloc() does. */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_bytes(struct buf *b, struct bytes in);
void buf_add_str(struct buf *b, const char *s);
/* In decimal digits: what printf() takes ten times as long for. */
void buf_add_number(struct buf *b, uint64_t n);
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Quoted for a shell, if it needs quotes. */
void buf_add_shell_word(struct buf *b, const char *word);
/* Remove the first `n` bytes, `n` <= len. */
void buf_consume(struct buf *b, size_t n);
struct bytes buf_bytes(const struct buf *b);
/* The content as a string, "" when nothing was added; borrowed. */
const char *buf_str(const struct buf *b);
/* The content as a string that the caller frees; `b` is empty afterwards. */
char *buf_steal(struct buf *b);

/* What struct reader reads. */
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_u16(struct buf *b, uint16_t v);
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_bytes(struct buf *b, struct bytes in);
void buf_put_str(struct buf *b, const char *s);

#endif
