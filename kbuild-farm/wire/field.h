/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/field.h - Message codecs driven by tables of fields.
 *
 * For struct wire_have, the source file has
 *
 * 	static const struct wire_field have[] = {
 * 		{ WIRE_NUMBER(have, cell, WIRE_ANY) },
 * 		{ WIRE_NUMBER(have, state, WIRE_HAVE_LOST) },
 * 		{ WIRE_LINE(have, detail, WIRE_REASON_MAX) },
 * 	};
 * 	const struct wire_layout wire_have_layout = WIRE_LAYOUT(have, NULL);
 *
 * and the header has WIRE_MESSAGE(have), which declares wire_have_encode_at(),
 * wire_have_decode_at() and wire_have_release(), and for the current version
 * wire_have_encode() and wire_have_decode().
 *
 * On the wire, a number has the width of its member, a string follows its u32
 * length, and a list follows its count.  All of these numbers are little
 * endian.  A line is a string that is safe on a terminal (printable_is_safe())
 * and has no newlines or tabs; names and texts for the user are lines.  The
 * decoder never allocates memory for more elements than the rest of the body
 * can hold.
 */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/member.h"
#include "base/str.h"
#include "wire/limits.h"

struct wire_field {
	enum {
		WIRE_IS_NUMBER, /* `width` bytes; the value is at most `max` */
		WIRE_IS_BOOLS, /* `max` consecutive bools in one u8 */
		WIRE_IS_DIGEST,
		WIRE_IS_STRING, /* at most `max` bytes; NULL encodes as "" */
		/*
		 * a line; the encoder truncates the string to `max` bytes and
		 * replaces unsafe characters by blanks
		 */
		WIRE_IS_LINE,
		/*
		 * a struct strv with at most `max_count` strings; the count on
		 * the wire has `width` bytes
		 */
		WIRE_IS_STRINGS,
		/* lines in a struct strv; at most `max_count` are encoded */
		WIRE_IS_LINES,
		/*
		 * at most `max_count` structs, whose layout is `of`; `n_at` is
		 * the offset of the member with the count
		 */
		WIRE_IS_LIST,
		WIRE_IS_STRUCT, /* a nested struct, whose layout is `of` */
		/* a struct bytes, preceded by a u32 length; borrowed */
		WIRE_IS_BYTES,
		/* a struct bytes up to the end of the body, borrowed */
		WIRE_IS_REST,
	} kind;
	uint8_t width; /* bytes of a number or count */
	/*
	 * If not 0, the field is present only in a struct whose first u8 is
	 * `only_kind` - 1.
	 */
	uint8_t only_kind;
	/* a longer list is truncated to `max_count` when encoded */
	bool truncated;
	uint16_t at, n_at; /* offsets of the member and of its count */
	uint32_t max_count;
	uint64_t max;
	bool (*is_valid)(const char *s); /* check of a string, or NULL */
	const struct wire_layout *of;
	const char *name; /* name of the member */
	uint8_t since; /* first version with the field; 0 for all versions */
	/* value of a number in versions without the field */
	uint64_t absent;
	/*
	 * If set, the encoder drops any value in a version without the field.
	 * If not set, a version without the field can express only the value
	 * `absent`, an empty list or "".
	 */
	bool optional;
	/*
	 * NULL, or an array that is indexed by the value of a number, 0 to
	 * `max`.  An element is the first version that has the value, or 0 if
	 * all versions have it.
	 */
	const uint8_t *value_since;
};

struct wire_layout {
	const struct wire_field *fields;
	size_t n_fields;
	size_t struct_bytes; /* sizeof the struct */
	/* check of the whole struct, or NULL */
	bool (*is_valid)(const void *m);
};

#define WIRE_ANY UINT64_MAX

#define WIRE_LAYOUT(m, whole_ok)                                     \
	{                                                            \
		.fields = (m), .n_fields = sizeof(m) / sizeof(*(m)), \
		.struct_bytes = sizeof(struct wire_##m),             \
		.is_valid = (whole_ok),                              \
	}

#define WIRE_AT(m, member, type) \
	.name = #member, .at = MEMBER_AT(wire_##m, member, type)

#define WIRE_NUMBER(m, member, top)                            \
	.kind = WIRE_IS_NUMBER, .max = (top), .name = #member, \
	.at = offsetof(struct wire_##m, member),               \
	.width = sizeof(MEMBER(wire_##m, member))
#define WIRE_BOOLS(m, member, n) \
	.kind = WIRE_IS_BOOLS, .max = (n), WIRE_AT(m, member, bool)
#define WIRE_DIGEST(m, member) \
	.kind = WIRE_IS_DIGEST, WIRE_AT(m, member, struct digest)
#define WIRE_STRING(m, member, top) \
	.kind = WIRE_IS_STRING, .max = (top), WIRE_AT(m, member, char *)
#define WIRE_LINE(m, member, top) \
	.kind = WIRE_IS_LINE, .max = (top), WIRE_AT(m, member, char *)
#define WIRE_STRINGS(m, member, bytes, n, top)                       \
	.kind = WIRE_IS_STRINGS, .width = (bytes), .max_count = (n), \
	.max = (top), WIRE_AT(m, member, struct strv)
#define WIRE_LINES(m, member, bytes, n, top)                       \
	.kind = WIRE_IS_LINES, .width = (bytes), .max_count = (n), \
	.max = (top), .truncated = true, WIRE_AT(m, member, struct strv)
#define WIRE_LIST(m, member, count, n, layout)                    \
	.kind = WIRE_IS_LIST, .max_count = (n), .of = (layout),   \
	.name = #member, .at = offsetof(struct wire_##m, member), \
	.n_at = offsetof(struct wire_##m, count),                 \
	.width = sizeof(MEMBER(wire_##m, count))
#define WIRE_STRUCT(m, member, layout)                           \
	.kind = WIRE_IS_STRUCT, .of = (layout), .name = #member, \
	.at = offsetof(struct wire_##m, member)
#define WIRE_BYTES(m, member, top) \
	.kind = WIRE_IS_BYTES, .max = (top), WIRE_AT(m, member, struct bytes)
#define WIRE_REST(m, member, top) \
	.kind = WIRE_IS_REST, .max = (top), WIRE_AT(m, member, struct bytes)

/* Append the body of message `m`, in this version of the protocol. */
void wire_encode(struct buf *out, const struct wire_layout *l, const void *m,
		 int version);
/*
 * Decode a body into a zeroed struct.  Returns 0, or -EPROTO with the struct
 * released.
 */
int wire_decode(const struct wire_layout *l, void *m, struct bytes in,
		int version);
/*
 * Decode a struct from a reader.  An invalid field sets r->bad; even then the
 * caller must release the struct.
 */
void wire_read(struct reader *r, const struct wire_layout *l, void *m,
	       int version);
/*
 * Return the name of the first field whose value this version cannot express,
 * or NULL if the version can express all values.
 */
const char *wire_find_unsupported(const struct wire_layout *l, const void *m,
				  int version);
/* Free all memory that the struct owns and zero it. */
void wire_release(const struct wire_layout *l, void *m);

#define WIRE_MESSAGE(name)                                                   \
	extern const struct wire_layout wire_##name##_layout;                \
	static inline void wire_##name##_release(struct wire_##name *m)      \
	{                                                                    \
		wire_release(&wire_##name##_layout, m);                      \
	}                                                                    \
	static inline void wire_##name##_encode_at(                          \
		struct buf *out, const struct wire_##name *m, int version)   \
	{                                                                    \
		wire_encode(out, &wire_##name##_layout, m, version);         \
	}                                                                    \
	static inline int wire_##name##_decode_at(                           \
		struct wire_##name *m, struct bytes in, int version)         \
	{                                                                    \
		struct wire_##name got = { 0 };                              \
		int ret = wire_decode(&wire_##name##_layout, &got, in,       \
				      version);                              \
                                                                             \
		if (!ret)                                                    \
			*m = got;                                            \
		return ret;                                                  \
	}                                                                    \
	static inline void wire_##name##_encode(struct buf *out,             \
						const struct wire_##name *m) \
	{                                                                    \
		wire_##name##_encode_at(out, m, WIRE_VERSION);               \
	}                                                                    \
	static inline int wire_##name##_decode(struct wire_##name *m,        \
					       struct bytes in)              \
	{                                                                    \
		return wire_##name##_decode_at(m, in, WIRE_VERSION);         \
	}                                                                    \
	struct wire_##name

/*
 * Append at most the first `max` bytes of `s`, preceded by a u32 length, with
 * blanks in place of unsafe characters.  NULL is encoded as "".
 */
void wire_field_put_line(struct buf *out, const char *s, size_t max);
/*
 * Like reader_str(), but also sets r->bad if the string has unsafe characters.
 */
char *wire_field_line(struct reader *r, size_t max);

void wire_field_put_digest(struct buf *out, const struct digest *d);
/* Read a digest. Leaves `d` unchanged if the reader is or becomes bad. */
void wire_field_digest(struct reader *r, struct digest *d);

/* Read a number.  If it exceeds `max`, sets r->bad and returns 0. */
uint8_t wire_field_u8(struct reader *r, uint8_t max);
uint32_t wire_field_u32(struct reader *r, uint32_t max);

#endif
