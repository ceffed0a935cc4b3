/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/record.h - Conversion of structs to JSON and back by tables of members,
 * and the columns of text tables.
 *
 * For example, the source file that stores a struct tree_branch contains
 *
 *	static const struct record_member branch_members[] = {
 *		{ RECORD_STRING("name", tree_branch, name), .required = true },
 *		{ RECORD_NUMBER("time", tree_branch, time_s, 0, INT64_MAX) },
 *	};
 *	static const struct record branch =
 *		RECORD(tree_branch, branch_members);
 *
 * Members are written in the order of the table.  A reader ignores keys that
 * are not in the table, because a newer version of kfarm may have written them.
 * The key of a member that is not `required` may have the value null, or may be
 * missing, as in a file of an older version.  Such a member is zero after
 * record_decode(), and record_fill() does not change it.
 *
 * The table of a listing describes only output: --json and the text table.  Its
 * rows can also use the kinds, macros and members under "Output only" below.
 */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include "base/digest.h"
#include "base/json.h"
#include "base/member.h"
#include "base/str.h"

struct record;

struct record_member {
	const char *key;
	enum {
		RECORD_IS_STRING, /* a NULL pointer is null in JSON */
		/*
		 * a const char * of at most `max` bytes, borrowed from the
		 * JSON object; record_append() cuts a longer text
		 */
		RECORD_IS_TEXT,
		/* a number of `width` bytes; null if not in [`min`, `max`] */
		RECORD_IS_NUMBER,
		/* index into `words`, at most `max`, stored in `width` bytes */
		RECORD_IS_WORD,
		RECORD_IS_BOOL,
		RECORD_IS_DIGEST, /* a zero digest is null */
		RECORD_IS_STRINGS, /* a struct strv of at most `max` strings */
		/*
		 * a nested struct, described by `of`; null if the member is not
		 * required and the struct's first member is a NULL string
		 */
		RECORD_IS_OBJECT,
		/*
		 * an array of at most `max` structs, which grows with
		 * VEC_ADD(); `of` describes the structs.  `n_at` is the offset
		 * of the number of structs, an integer of `width` bytes, which
		 * must be a size_t if record_fill() is used.
		 */
		RECORD_IS_LIST,
		/* Output only: */
		/* the result of `compute`; not written if the result is NULL */
		RECORD_IS_COMPUTED,
		/*
		 * a nested struct, described by `of`, whose members are written
		 * to the JSON object of the outer struct; nothing is written if
		 * the pointer at `via` is NULL
		 */
		RECORD_IS_PART,
	} kind;
	bool required;
	uint8_t width;
	uint16_t at, n_at;
	int64_t min, max;
	const char *const *words;
	const struct record *of;
	/* condition under which the member is written, or NULL */
	bool (*is_present)(const void *s);
	bool omit_null; /* the member is not written if it is null or false */
	const char *unit; /* for the documentation, or NULL */
	/*
	 * If `divisor` is not 0, the JSON number for a stored n is (n - zero) /
	 * divisor, and record_fill() rounds n to an integer.
	 */
	uint32_t divisor;
	int32_t zero;

	/*
	 * Only for the history: the name of the database column if it differs
	 * from `key`, "" if the member has no column.
	 */
	const char *sql;
	/*
	 * Only for the history: the number that is used if the column contains
	 * NULL, a number below `min`, or an invalid index into `words`.
	 */
	int64_t absent;

	/* Output only.  A member without a key is only in the text table. */

	/*
	 * If not 0, 1 + the offset of a pointer to the struct that contains
	 * the member.  If the pointer is NULL, the member is null.
	 */
	uint16_t via;
	/* returns a new reference */
	json_t *(*compute)(const void *s);
	bool empty_is_null; /* an empty string is written as null */
	uint8_t column; /* position in the text table, from 1; 0 for none */
	bool align_right;
	uint8_t decimals; /* decimal places in the column if `divisor` is set */
	const char *title;
	/*
	 * Format the field of the column: `format` receives the struct,
	 * `format_number` the stored number.  The caller frees the result.  A
	 * result of NULL is shown as "-".
	 */
	char *(*format)(const void *s);
	char *(*format_number)(int64_t n); /* not called for null */
};

struct record {
	const struct record_member *members;
	size_t n_members, struct_bytes;
};

#define RECORD(type, table)                                    \
	{                                                      \
		.members = (table),                            \
		.n_members = sizeof(table) / sizeof(*(table)), \
		.struct_bytes = sizeof(struct type),           \
	}

#define RECORD_WIDTH(type, member)           \
	.at = offsetof(struct type, member), \
	.width = sizeof(MEMBER(type, member))
#define RECORD_AT(type, member, member_type) \
	.at = MEMBER_AT(type, member, member_type)

#define RECORD_STRING(name, type, member) \
	.key = (name), .kind = RECORD_IS_STRING, RECORD_AT(type, member, char *)
#define RECORD_TEXT(name, type, member, most)                 \
	.key = (name), .kind = RECORD_IS_TEXT, .max = (most), \
	.omit_null = true, RECORD_AT(type, member, const char *)
#define RECORD_NUMBER(name, type, member, least, most)           \
	.key = (name), .kind = RECORD_IS_NUMBER, .min = (least), \
	.max = (most), RECORD_WIDTH(type, member)
#define RECORD_WORD(name, type, member, list)                   \
	.key = (name), .kind = RECORD_IS_WORD, .words = (list), \
	.max = sizeof(list) / sizeof(*(list)) - 1, RECORD_WIDTH(type, member)
#define RECORD_BOOL(name, type, member)                               \
	.key = (name), .kind = RECORD_IS_BOOL, .width = sizeof(bool), \
	.max = 1, RECORD_AT(type, member, bool)
#define RECORD_DIGEST(name, type, member)        \
	.key = (name), .kind = RECORD_IS_DIGEST, \
	RECORD_AT(type, member, struct digest)
#define RECORD_STRINGS(name, type, member, most)                 \
	.key = (name), .kind = RECORD_IS_STRINGS, .max = (most), \
	RECORD_AT(type, member, struct strv)
#define RECORD_OBJECT(name, type, member, record)                \
	.key = (name), .kind = RECORD_IS_OBJECT, .of = (record), \
	.at = offsetof(struct type, member)
#define RECORD_LIST(name, type, member, count, most, record)                  \
	.key = (name), .kind = RECORD_IS_LIST, .of = (record), .max = (most), \
	.at = offsetof(struct type, member),                                  \
	.n_at = offsetof(struct type, count),                                 \
	.width = sizeof(MEMBER(type, count))

/*
 * Output only: a string, number, bool, digest or struct strv.  The number
 * INT64_MIN is null.
 */
#define RECORD_VALUE(name, type, member) \
	.key = (name), RECORD_WIDTH(type, member), .max = INT64_MAX, \
	.kind = _Generic(MEMBER(type, member),                \
			 char *: RECORD_IS_STRING,                   \
			 const char *: RECORD_IS_STRING,             \
			 bool: RECORD_IS_BOOL,                       \
			 struct digest: RECORD_IS_DIGEST,            \
			 struct strv: RECORD_IS_STRINGS,             \
			 default: RECORD_IS_NUMBER),                 \
	.min = _Generic(MEMBER(type, member),                 \
			int: INT32_MIN,                              \
			int64_t: -INT64_MAX,                         \
			long long: -INT64_MAX,                       \
			default: 0)
/* A number in thousandths, written as a real.  INT64_MIN is null. */
#define RECORD_MILLI(name, type, member) \
	RECORD_VALUE(name, type, member), .divisor = 1000
#define RECORD_COMPUTED(name, function) \
	.key = (name), .kind = RECORD_IS_COMPUTED, .compute = (function)
#define RECORD_PART(type, member, record)                            \
	.kind = RECORD_IS_PART, .at = offsetof(struct type, member), \
	.of = (record)
#define RECORD_PART_VIA(type, pointer, record) \
	.kind = RECORD_IS_PART, .of = (record), RECORD_VIA(type, pointer)
#define RECORD_VIA(type, pointer)    .via = offsetof(struct type, pointer) + 1
#define RECORD_COLUMN(n, text)       .column = (n), .title = (text)
#define RECORD_COLUMN_RIGHT(n, text) RECORD_COLUMN(n, text), .align_right = true

/* Return the struct as JSON; the caller releases the reference. */
json_t *record_to_json(const struct record *r, const void *s);
/* Return an array of `n` structs as JSON. */
json_t *record_array_to_json(const struct record *r, const void *v, size_t n);
/*
 * Return the member in a column of the text table, or NULL if the struct *s has
 * no such column.  Sets *s to the struct that contains the member, for
 * record_format(), or to NULL if a pointer at `via` is NULL.
 */
const struct record_member *record_find_column(const struct record *r,
					       unsigned column, const void **s);
/*
 * Return the text of a member in its column, with strings escaped for display;
 * "-" if the member is null or `s` is NULL.  The caller frees it.
 */
char *record_format(const struct record_member *m, const void *s);

/*
 * Append the members, without blanks, to a JSON object that begins with "{" and
 * is not closed yet.  Numbers with a divisor are cut to three decimals.  All
 * members must be texts, numbers, words or bools.
 */
void record_append(struct buf *out, const struct record *r, const void *s);
/*
 * Set the members of a struct from a JSON object, from which texts are
 * borrowed.  Returns NULL, or the first missing or invalid key.
 */
const char *record_fill(const struct record *r, void *s, const json_t *o);
/*
 * Append a zeroed struct to the list that is a member of `s`.  Returns the new
 * struct.
 */
void *record_list_add(const struct record_member *list, void *s);
/* Free the structs of a list, which is then empty. */
void record_list_release(const struct record_member *list, void *s);

/* Return the text of a file that contains the struct.  The caller frees it. */
char *record_encode(const struct record *r, const void *s,
		    const struct json_file *f);
/*
 * Decode the content of a file into a struct, which the caller releases with
 * record_release() after success.  Returns 0; or -EINVAL with a message that
 * names the line or the first missing or invalid key, and the struct zeroed.
 */
int record_decode(const struct record *r, void *s, struct bytes text,
		  struct err *err);
/*
 * Read and write a file.  Returns 0, or an error of state_file_read(),
 * record_decode() or state_file_write() with a message that names the file.
 */
int record_read(const struct record *r, void *s, const struct json_file *f,
		const char *path, struct err *err);
int record_write(const struct record *r, const void *s,
		 const struct json_file *f, const char *path, struct err *err);
/* Free all memory that the struct owns and zero it. */
void record_release(const struct record *r, void *s);

#endif
