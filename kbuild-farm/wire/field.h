/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/field.h - the body of a message as a table of its fields, and the
 * functions that encode, decode and release any message by its table.
 *
 *	static const struct wire_field have[] = {
 *		{ WIRE_NUMBER(have, cell, WIRE_ANY) },
 *		{ WIRE_NUMBER(have, state, WIRE_HAVE_LOST) },
 *		{ WIRE_LINE(have, detail, WIRE_REASON_MAX) },
 *	};
 *	const struct wire_layout wire_have_layout = WIRE_LAYOUT(have, NULL);
 *
 * stands for struct wire_have, and WIRE_MESSAGE(have) in the header declares
 * wire_have_encode(), wire_have_decode() and wire_have_release().
 *
 * On the wire a number has as many bytes as its member, a string has a u32
 * length, a list a count.  A line is text for people or a name: a string of
 * what may be shown on a terminal (base/printable), newlines and tabs
 * excepted.  No memory is taken for more elements than the rest of the body
 * can hold.
 */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/str.h"

struct wire_field {
	enum {
		WIRE_IS_NUMBER, /* of `width` bytes, at most `max` */
		WIRE_IS_BOOLS, /* `max` bool after each other, in one u8 */
		WIRE_IS_DIGEST,
		WIRE_IS_STRING, /* at most `max` bytes, NULL is "" */
		WIRE_IS_LINE, /* cut to `max`, and blanks for what is none */
		WIRE_IS_STRINGS, /* a struct strv of `most`, count of `width` */
		WIRE_IS_LINES, /* the same, and only `most` are sent */
		WIRE_IS_LIST, /* `most` times `of`; the count is at `n_at` */
		WIRE_IS_STRUCT, /* `of` */
		WIRE_IS_BYTES, /* a struct bytes, borrowed, with a length */
		WIRE_IS_REST, /* the same without: to the end of the body */
	} kind;
	uint8_t width;
	uint8_t only; /* not 0: if the first u8 of the struct is one less */
	bool cut; /* a list: no more than `most` are sent */
	uint16_t at, n_at;
	uint32_t most;
	uint64_t max;
	bool (*ok)(const char *s); /* NULL, or what a string must be */
	const struct wire_layout *of;
};

struct wire_layout {
	const struct wire_field *field;
	size_t n;
	size_t size; /* of the struct */
	bool (*ok)(const void *m); /* NULL, or what it must be as a whole */
};

#define WIRE_ANY UINT64_MAX

#define WIRE_LAYOUT(m, whole_ok)                                   \
	{                                                          \
		.field = (m), .n = sizeof(m) / sizeof(*(m)),       \
		.size = sizeof(struct wire_##m), .ok = (whole_ok), \
	}

#define WIRE_MEMBER(m, member) (((struct wire_##m *)0)->member)
/* Where the member is; does not compile for one of another type. */
#define WIRE_AT(m, member, type)                                          \
	.at = offsetof(struct wire_##m, member) +                         \
	      0 * sizeof(char[__builtin_types_compatible_p(               \
				      __typeof__(WIRE_MEMBER(m, member)), \
				      type) ?                             \
				      1 :                                 \
				      -1])

#define WIRE_NUMBER(m, member, top)              \
	.kind = WIRE_IS_NUMBER, .max = (top),    \
	.at = offsetof(struct wire_##m, member), \
	.width = sizeof(WIRE_MEMBER(m, member))
#define WIRE_BOOLS(m, member, n) \
	.kind = WIRE_IS_BOOLS, .max = (n), WIRE_AT(m, member, bool)
#define WIRE_DIGEST(m, member) \
	.kind = WIRE_IS_DIGEST, WIRE_AT(m, member, struct digest)
#define WIRE_STRING(m, member, top) \
	.kind = WIRE_IS_STRING, .max = (top), WIRE_AT(m, member, char *)
#define WIRE_LINE(m, member, top) \
	.kind = WIRE_IS_LINE, .max = (top), WIRE_AT(m, member, char *)
#define WIRE_STRINGS(m, member, bytes, n, top)                                \
	.kind = WIRE_IS_STRINGS, .width = (bytes), .most = (n), .max = (top), \
	WIRE_AT(m, member, struct strv)
#define WIRE_LINES(m, member, bytes, n, top)                                \
	.kind = WIRE_IS_LINES, .width = (bytes), .most = (n), .max = (top), \
	.cut = true, WIRE_AT(m, member, struct strv)
#define WIRE_LIST(m, member, count, n, layout)             \
	.kind = WIRE_IS_LIST, .most = (n), .of = (layout), \
	.at = offsetof(struct wire_##m, member),           \
	.n_at = offsetof(struct wire_##m, count),          \
	.width = sizeof(WIRE_MEMBER(m, count))
#define WIRE_STRUCT(m, member, layout)          \
	.kind = WIRE_IS_STRUCT, .of = (layout), \
	.at = offsetof(struct wire_##m, member)
#define WIRE_BYTES(m, member, top) \
	.kind = WIRE_IS_BYTES, .max = (top), WIRE_AT(m, member, struct bytes)
#define WIRE_REST(m, member, top) \
	.kind = WIRE_IS_REST, .max = (top), WIRE_AT(m, member, struct bytes)

void wire_encode(struct buf *out, const struct wire_layout *l, const void *m);
/* Fills a zeroed struct: 0; or -EPROTO, and it is released. */
int wire_decode(const struct wire_layout *l, void *m, struct bytes in);
/* What is not as the layout wants makes the reader bad; release it then too. */
void wire_read(struct reader *r, const struct wire_layout *l, void *m);
/* Frees what it owns, and zeroes it. */
void wire_release(const struct wire_layout *l, void *m);

#define WIRE_MESSAGE(name)                                                   \
	extern const struct wire_layout wire_##name##_layout;                \
	static inline void wire_##name##_release(struct wire_##name *m)      \
	{                                                                    \
		wire_release(&wire_##name##_layout, m);                      \
	}                                                                    \
	static inline void wire_##name##_encode(struct buf *out,             \
						const struct wire_##name *m) \
	{                                                                    \
		wire_encode(out, &wire_##name##_layout, m);                  \
	}                                                                    \
	static inline int wire_##name##_decode(struct wire_##name *m,        \
					       struct bytes in)              \
	{                                                                    \
		struct wire_##name got = { 0 };                              \
		int ret = wire_decode(&wire_##name##_layout, &got, in);      \
                                                                             \
		if (!ret)                                                    \
			*m = got;                                            \
		return ret;                                                  \
	}                                                                    \
	struct wire_##name

/* Cut to `max` bytes, with blanks for what may not be shown; NULL is "". */
void wire_field_put_line(struct buf *out, const char *s, size_t max);
/* As reader_str(); `bad` too where it holds what may not be shown. */
char *wire_field_line(struct reader *r, size_t max);

void wire_field_put_digest(struct buf *out, const struct digest *d);
/* Leaves `d` alone when the reader is or gets bad. */
void wire_field_digest(struct reader *r, struct digest *d);

/* A number that must be at most `max`, else `bad` and 0. */
uint8_t wire_field_u8(struct reader *r, uint8_t max);
uint32_t wire_field_u32(struct reader *r, uint32_t max);

#endif
