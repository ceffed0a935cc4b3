/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The encoding: https://protobuf.dev/programming-guides/encoding
 *
 * A message is a sequence of fields.  A field is a tag, (number << 3 | type),
 * and a value.  Tags, numbers and lengths are varints: each byte contains seven
 * bits of the number, the lowest bits first, and every byte except the last has
 * its highest bit set.  If a field occurs again, the later value replaces the
 * earlier one, except that messages are merged.
 */
#include "cache/action-result.h"

#include <errno.h>
#include <string.h>

enum wire_type {
	TYPE_VARINT,
	TYPE_FIXED64,
	TYPE_BYTES,
	TYPE_FIXED32 = 5,
};

/* -------------------------------------------------------------- encoder */

static void encode_varint(struct buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_put_u8(out, (uint8_t)(v | 0x80));
	buf_put_u8(out, (uint8_t)v);
}

static void encode_number(struct buf *out, unsigned number, uint64_t v)
{
	encode_varint(out, number << 3 | TYPE_VARINT);
	encode_varint(out, v);
}

static void encode_bytes(struct buf *out, unsigned number, struct bytes v)
{
	encode_varint(out, number << 3 | TYPE_BYTES);
	encode_varint(out, v.len);
	buf_add_bytes(out, v);
}

/* Append `message` as a field, and release it. */
static void encode_message(struct buf *out, unsigned number,
			   struct buf *message)
{
	encode_bytes(out, number, buf_bytes(message));
	buf_release(message);
}

static void encode_file(struct buf *out,
			const struct cache_action_result_file *f)
{
	struct buf file = { 0 }, digest = { 0 };
	char hex[DIGEST_HEX];

	digest_format(&f->digest, hex);
	encode_bytes(&digest, 1, bytes_str(hex));
	encode_number(&digest, 2, f->size_bytes);
	encode_bytes(&file, 1, f->path);
	encode_message(&file, 2, &digest);
	encode_message(out, 2, &file);
}

void cache_action_result_encode(struct buf *out,
				const struct cache_action_result *r)
{
	struct buf metadata = { 0 }, any = { 0 };

	for (size_t i = 0; i < r->n_files; i++)
		encode_file(out, &r->files[i]);
	/* A negative number is extended to 64 bits. */
	if (r->exit_code)
		encode_number(out, 4, (uint64_t)(int64_t)r->exit_code);
	encode_bytes(&metadata, 1, r->worker);
	encode_bytes(&any, 1, bytes_str(CACHE_ACTION_RESULT_TYPE));
	encode_bytes(&any, 2, r->metadata);
	encode_message(&metadata, 11, &any);
	encode_message(out, 9, &metadata);
}

/* -------------------------------------------------------------- decoder */

struct field {
	uint64_t number;
	enum wire_type type;
	uint64_t value; /* of a varint; 0 for another type */
	struct bytes bytes; /* empty for another type */
};

static uint64_t get_varint(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		struct bytes in = reader_raw(r, 1);

		if (r->bad)
			return 0;
		/* Only the lowest bit of the tenth byte fits into `v`. */
		if (shift == 63 && in.data[0] > 1)
			break;
		v |= (uint64_t)(in.data[0] & 0x7f) << shift;
		if (!(in.data[0] & 0x80))
			return v;
	}
	r->bad = true;
	return 0;
}

/*
 * Read the next field.  Returns false at the end of the message.  Also returns
 * false, with r->bad set, if the message is malformed.
 */
static bool get_field(struct reader *r, struct field *f)
{
	uint64_t tag;

	*f = (struct field){ 0 };
	if (r->bad || !r->left)
		return false;
	tag = get_varint(r);
	f->number = tag >> 3;
	f->type = (enum wire_type)(tag & 7);
	if (!f->number || tag > UINT32_MAX)
		r->bad = true;
	switch (f->type) {
	case TYPE_VARINT:
		f->value = get_varint(r);
		break;
	case TYPE_FIXED64:
		reader_raw(r, 8);
		break;
	case TYPE_FIXED32:
		reader_raw(r, 4);
		break;
	case TYPE_BYTES:
		f->value = get_varint(r);
		if (f->value > r->left)
			r->bad = true;
		else
			f->bytes = reader_raw(r, (size_t)f->value);
		f->value = 0;
		break;
	default: /* groups, which proto3 does not have */
		r->bad = true;
	}
	return !r->bad;
}

/* Return true if the field has this number and type. */
static bool has_tag(const struct field *f, unsigned number, enum wire_type type)
{
	return f->number == number && f->type == type;
}

static bool get_digest(struct cache_action_result_file *file, struct bytes in)
{
	struct reader r;
	struct field f;
	char hex[DIGEST_HEX];

	reader_init(&r, in);
	while (get_field(&r, &f)) {
		if (has_tag(&f, 2, TYPE_VARINT))
			file->size_bytes = f.value;
		if (!has_tag(&f, 1, TYPE_BYTES))
			continue;
		if (f.bytes.len != sizeof(hex) - 1)
			return false;
		memcpy(hex, f.bytes.data, f.bytes.len);
		hex[f.bytes.len] = '\0';
		if (!digest_parse(&file->digest, hex))
			return false;
	}
	return !r.bad && file->size_bytes <= INT64_MAX;
}

static bool get_file(struct cache_action_result *out, struct bytes in)
{
	struct cache_action_result_file *file = &out->files[out->n_files];
	struct reader r;
	struct field f;

	if (out->n_files == CACHE_ACTION_RESULT_FILES_MAX)
		return false;
	out->n_files++;
	reader_init(&r, in);
	while (get_field(&r, &f)) {
		if (has_tag(&f, 1, TYPE_BYTES))
			file->path = f.bytes;
		if (has_tag(&f, 2, TYPE_BYTES) && !get_digest(file, f.bytes))
			return false;
	}
	return !r.bad && digest_is_set(&file->digest);
}

static bool get_any(struct cache_action_result *out, struct bytes in)
{
	struct bytes type = { 0 }, value = { 0 };
	struct reader r;
	struct field f;

	reader_init(&r, in);
	while (get_field(&r, &f)) {
		if (has_tag(&f, 1, TYPE_BYTES))
			type = f.bytes;
		if (has_tag(&f, 2, TYPE_BYTES))
			value = f.bytes;
	}
	if (bytes_equal(type, bytes_str(CACHE_ACTION_RESULT_TYPE)))
		out->metadata = value;
	return !r.bad;
}

static bool get_metadata(struct cache_action_result *out, struct bytes in)
{
	struct reader r;
	struct field f;

	reader_init(&r, in);
	while (get_field(&r, &f)) {
		if (has_tag(&f, 1, TYPE_BYTES))
			out->worker = f.bytes;
		if (has_tag(&f, 11, TYPE_BYTES) && !get_any(out, f.bytes))
			return false;
	}
	return !r.bad;
}

int cache_action_result_decode(struct cache_action_result *out, struct bytes in)
{
	struct reader r;
	struct field f;

	*out = (struct cache_action_result){ 0 };
	reader_init(&r, in);
	while (get_field(&r, &f)) {
		if (has_tag(&f, 2, TYPE_BYTES) && !get_file(out, f.bytes))
			return -EBADMSG;
		if (has_tag(&f, 4, TYPE_VARINT))
			out->exit_code = (int32_t)f.value;
		if (has_tag(&f, 9, TYPE_BYTES) && !get_metadata(out, f.bytes))
			return -EBADMSG;
	}
	return r.bad ? -EBADMSG : 0;
}
