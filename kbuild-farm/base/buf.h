/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/buf.h - Growable byte buffer.
 *
 * After the first addition, `data` always ends with a NUL that `len` does not
 * count.  A zeroed struct buf is empty.
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
/* Empty the buffer but retain its memory. */
void buf_reset(struct buf *b);
/*
 * Reserve space for `n` more bytes.  Returns 0, or -ENOMEM with `b` unchanged.
 */
int buf_reserve(struct buf *b, size_t n);
/*
 * Read `fd` up to the end of the file and append the bytes.  Terminates the
 * buffer with a NUL even if the file is empty.  Returns 0; -EFBIG if `b` would
 * have more than `max` bytes; or another negative errno.  Ends the program if
 * memory runs out.
 */
int buf_read(struct buf *b, int fd, size_t max);
/* The functions below end the program if memory runs out, like xmalloc(). */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_bytes(struct buf *b, struct bytes in);
void buf_add_str(struct buf *b, const char *s);
/* Append `n` in decimal. buf_printf() takes ten times as long. */
void buf_add_number(struct buf *b, uint64_t n);
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Append a word for a shell, quoted if necessary. */
void buf_add_shell_word(struct buf *b, const char *word);
/* Remove the first `n` bytes; `n` must be at most `len`. */
void buf_consume(struct buf *b, size_t n);
struct bytes buf_bytes(const struct buf *b);
/* Return the content as a string, "" if the buffer is empty. Borrowed. */
const char *buf_str(const struct buf *b);
/*
 * Return the content as a string that the caller frees, and empty the buffer.
 */
char *buf_steal(struct buf *b);

/* Append values in the format that struct reader (base/bytes.h) decodes. */
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_u16(struct buf *b, uint16_t v);
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_bytes(struct buf *b, struct bytes in);
void buf_put_str(struct buf *b, const char *s);

#endif
