/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/bytes.h - numbers in little endian, and a reader that cannot overrun.
 *
 * A decoder reads all fields in order and ends with reader_end(): after a
 * short read every further field is zero and `bad` is set.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Some bytes that somebody else owns. */
struct bytes {
	const uint8_t *data;
	size_t len;
};

struct bytes bytes_of(const void *data, size_t len);
/* The bytes of a string, without its NUL. */
struct bytes bytes_str(const char *s);
bool bytes_equal(struct bytes a, struct bytes b);
/*
 * Where `what`, not empty, begins in `in` for the first time, or NULL.  As
 * memmem(), many times as fast where what[rare] is a byte that `in` seldom has.
 */
const void *bytes_find(struct bytes in, struct bytes what, size_t rare);
/* A NUL-terminated copy; the caller frees it. */
char *bytes_dup(struct bytes b);
/*
 * Tells contents apart that nobody made equal by intent; `seed` is the hash of
 * what comes before, or any number.
 */
uint64_t bytes_hash(struct bytes b, uint64_t seed);

uint16_t get_le16(const uint8_t *p);
uint32_t get_le32(const uint8_t *p);
uint64_t get_le64(const uint8_t *p);
void put_le16(uint8_t *p, uint16_t v);
void put_le32(uint8_t *p, uint32_t v);
void put_le64(uint8_t *p, uint64_t v);

/*
 * The next line, without its end and the white space before that, taken off
 * the front of `in`.
 */
struct bytes bytes_line(struct bytes *in);

struct reader {
	const uint8_t *p;
	size_t left;
	bool bad;
};

void reader_init(struct reader *r, struct bytes in);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
/* The next `n` bytes, borrowed from the input. */
struct bytes reader_raw(struct reader *r, size_t n);
/* A u32 length and as many bytes, borrowed from the input. */
struct bytes reader_bytes(struct reader *r);
/*
 * As reader_bytes(), for text: at most `max` bytes and no NUL among them,
 * else `bad`.  Returns a NUL-terminated copy that the caller frees, also
 * when the reader is bad (then it is empty).
 */
char *reader_str(struct reader *r, size_t max);
/* 0 when everything was read and nothing is left over, else -EPROTO. */
int reader_end(const struct reader *r);

#endif
