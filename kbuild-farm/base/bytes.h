/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/bytes.h - Byte ranges, little-endian numbers and a bounds-checked
 * reader.
 *
 * A decoder reads all fields in order and ends with reader_end().  Once the
 * input is too short for a field, `bad` is set, and this field and all further
 * fields are zero.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed range of bytes. */
struct bytes {
	const uint8_t *data;
	size_t len;
};

struct bytes bytes_of(const void *data, size_t len);
/* Return the bytes of a string without its NUL. */
struct bytes bytes_str(const char *s);
bool bytes_equal(struct bytes a, struct bytes b);
/*
 * Return the first occurrence of the non-empty `pattern` in `in`, or NULL.
 * Like memmem(), but many times as fast if pattern[rare_index] is a byte that
 * seldom occurs in `in`.
 */
const void *bytes_find(struct bytes in, struct bytes pattern,
		       size_t rare_index);
/* Return a NUL-terminated copy. The caller frees it. */
char *bytes_dup(struct bytes b);
/*
 * Return a hash that is not safe if an adversary chooses the content.  `seed`
 * is the hash of the preceding bytes, or any number.  If `seed` is 0, the
 * result is the 64-bit FNV-1a hash, which never changes and may therefore be
 * stored in files and databases.
 */
uint64_t bytes_hash(struct bytes b, uint64_t seed);

uint16_t get_le16(const uint8_t *p);
uint32_t get_le32(const uint8_t *p);
uint64_t get_le64(const uint8_t *p);
void put_le16(uint8_t *p, uint16_t v);
void put_le32(uint8_t *p, uint32_t v);
void put_le64(uint8_t *p, uint64_t v);

/*
 * Call write(2) until all bytes are written.  Returns 0 or a negative errno;
 * -ENOSPC if write(2) writes nothing.
 */
int bytes_write(int fd, struct bytes in);

/*
 * Remove the next line from the front of `in`.  Returns the line without its
 * newline and trailing white space.
 */
struct bytes bytes_take_line(struct bytes *in);

struct reader {
	const uint8_t *p;
	size_t left;
	bool bad;
};

void reader_init(struct reader *r, struct bytes in);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
/* Read the next `n` bytes, borrowed from the input. */
struct bytes reader_raw(struct reader *r, size_t n);
/* Read a u32 length and that many bytes, borrowed from the input. */
struct bytes reader_bytes(struct reader *r);
/*
 * Like reader_bytes(), for text: sets `bad` if the text is longer than `max`
 * bytes or contains a NUL.  Returns a NUL-terminated copy, which is empty if
 * the reader is bad.  The caller frees the copy in any case.
 */
char *reader_str(struct reader *r, size_t max);
/* Return 0 if all fields were read and no input is left, else -EPROTO. */
int reader_end(const struct reader *r);

#endif
