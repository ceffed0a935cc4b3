/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/field.h"

#include "base/printable.h"

#include <stdlib.h>
#include <string.h>

void wire_field_put_line(struct buf *out, const char *s, size_t max)
{
	size_t n = s ? strnlen(s, max) : 0;

	buf_put_u32(out, (uint32_t)n);
	buf_add(out, s, n);
	printable_replace((char *)out->data + out->len - n, n, 0, ' ');
}

char *wire_field_line(struct reader *r, size_t max)
{
	char *s = reader_str(r, max);

	if (!printable_is_safe(bytes_str(s), 0))
		r->bad = true;
	return s;
}

void wire_field_put_digest(struct buf *out, const struct digest *d)
{
	buf_add(out, d->b, sizeof(d->b));
}

void wire_field_digest(struct reader *r, struct digest *d)
{
	struct bytes b = reader_raw(r, sizeof(d->b));

	if (b.len)
		memcpy(d->b, b.data, b.len);
}

static uint64_t read_uint(struct reader *r, unsigned width, uint64_t max)
{
	struct bytes b = reader_raw(r, width);
	uint64_t v = 0;

	for (size_t i = b.len; i--;)
		v = v << 8 | b.data[i];
	if (v <= max)
		return v;
	r->bad = true;
	return 0;
}

uint8_t wire_field_u8(struct reader *r, uint8_t max)
{
	return (uint8_t)read_uint(r, 1, max);
}

uint32_t wire_field_u32(struct reader *r, uint32_t max)
{
	return (uint32_t)read_uint(r, 4, max);
}

static void put_uint(struct buf *out, unsigned width, uint64_t v)
{
	uint8_t le[8];

	put_le64(le, v);
	buf_add(out, le, width);
}

static void *load_pointer(const void *at)
{
	void *p;

	memcpy(&p, at, sizeof(p));
	return p;
}

/*
 * Return true if `m` has the field.  If the fields of a struct depend on its
 * kind, the kind is its first byte.
 */
static bool has_field(const struct wire_field *f, const uint8_t *m)
{
	return !f->only_kind || *m == f->only_kind - 1;
}

static bool is_value_known(const struct wire_field *f, uint64_t value,
			   int version)
{
	return !f->value_since || f->value_since[value] <= version;
}

static uint64_t put_count(struct buf *out, const struct wire_field *f,
			  uint64_t n)
{
	uint64_t top = UINT64_MAX >> (64 - 8 * f->width);

	if (f->truncated && n > f->max_count)
		n = f->max_count;
	if (n > top)
		n = top;
	put_uint(out, f->width, n);
	return n;
}

static void put_string(struct buf *out, const struct wire_field *f,
		       const char *s)
{
	if (f->kind == WIRE_IS_LINE || f->kind == WIRE_IS_LINES)
		wire_field_put_line(out, s, f->max);
	else
		buf_put_str(out, s ? s : "");
}

static void put_field(struct buf *out, const struct wire_field *f,
		      const uint8_t *m, int version)
{
	const void *at = m + f->at;
	const struct strv *strings;
	const uint8_t *structs;
	unsigned bits = 0;
	uint64_t n;

	switch (f->kind) {
	case WIRE_IS_NUMBER:
		put_uint(out, f->width, member_load(at, f->width));
		break;
	case WIRE_IS_BOOLS:
		for (unsigned i = 0; i < f->max; i++)
			bits |= (unsigned)((const bool *)at)[i] << i;
		buf_put_u8(out, (uint8_t)bits);
		break;
	case WIRE_IS_DIGEST:
		wire_field_put_digest(out, at);
		break;
	case WIRE_IS_STRING:
	case WIRE_IS_LINE:
		put_string(out, f, *(char *const *)at);
		break;
	case WIRE_IS_STRINGS:
	case WIRE_IS_LINES:
		strings = at;
		n = put_count(out, f, strings->n);
		for (size_t i = 0; i < n; i++)
			put_string(out, f, strings->v[i]);
		break;
	case WIRE_IS_LIST:
		structs = load_pointer(at);
		n = put_count(out, f, member_load(m + f->n_at, f->width));
		for (uint64_t i = 0; i < n; i++)
			wire_encode(out, f->of,
				    structs + i * f->of->struct_bytes, version);
		break;
	case WIRE_IS_STRUCT:
		wire_encode(out, f->of, at, version);
		break;
	case WIRE_IS_BYTES:
		buf_put_bytes(out, *(const struct bytes *)at);
		break;
	case WIRE_IS_REST:
		buf_add_bytes(out, *(const struct bytes *)at);
		break;
	}
}

void wire_encode(struct buf *out, const struct wire_layout *l, const void *m,
		 int version)
{
	for (size_t i = 0; i < l->n_fields; i++) {
		const struct wire_field *f = &l->fields[i];

		if (f->since <= version && has_field(f, m))
			put_field(out, f, m, version);
	}
}

/* Return true if `version` cannot express the value of the field. */
static bool is_unsupported(const struct wire_field *f, const uint8_t *m,
			   int version)
{
	const uint8_t *at = m + f->at, *structs;
	const char *text;
	uint64_t n;

	if (f->optional && f->since > version)
		return false;
	switch (f->kind) {
	case WIRE_IS_NUMBER:
		n = member_load(at, f->width);
		return f->since > version ? n != f->absent :
					    !is_value_known(f, n, version);
	case WIRE_IS_LIST:
		n = member_load(m + f->n_at, f->width);
		if (f->since > version)
			return n;
		structs = load_pointer(at);
		for (uint64_t i = 0; i < n; i++) {
			if (wire_find_unsupported(
				    f->of, structs + i * f->of->struct_bytes,
				    version))
				return true;
		}
		return false;
	case WIRE_IS_STRUCT:
		return wire_find_unsupported(f->of, at, version);
	case WIRE_IS_STRING:
	case WIRE_IS_LINE:
		text = load_pointer(at);
		return f->since > version && text && *text;
	case WIRE_IS_STRINGS:
	case WIRE_IS_LINES:
		return f->since > version && ((const struct strv *)at)->n;
	default:
		return f->since > version;
	}
}

const char *wire_find_unsupported(const struct wire_layout *l, const void *m,
				  int version)
{
	for (size_t i = 0; i < l->n_fields; i++) {
		const struct wire_field *f = &l->fields[i];

		if (has_field(f, m) && is_unsupported(f, m, version))
			return f->name;
	}
	return NULL;
}

/* Return the minimum size of an encoded struct in bytes. */
static size_t min_encoded_size(const struct wire_layout *l, int version)
{
	size_t sum = 0;

	for (const struct wire_field *f = l->fields;
	     f < l->fields + l->n_fields; f++) {
		if (f->only_kind || f->kind == WIRE_IS_REST ||
		    f->since > version)
			continue;
		if (f->kind == WIRE_IS_DIGEST)
			sum += DIGEST_SIZE;
		else if (f->kind == WIRE_IS_STRUCT)
			sum += min_encoded_size(f->of, version);
		else if (f->kind == WIRE_IS_BOOLS)
			sum++;
		else
			sum += f->width ? f->width : 4;
	}
	return sum ? sum : 1;
}

/* The caller frees the string, even if the reader is bad. */
static char *read_string(struct reader *r, const struct wire_field *f)
{
	char *s;

	if (f->kind == WIRE_IS_LINE || f->kind == WIRE_IS_LINES)
		s = wire_field_line(r, f->max);
	else
		s = reader_str(r, f->max);
	if (f->is_valid && !f->is_valid(s))
		r->bad = true;
	return s;
}

static void read_structs(struct reader *r, const struct wire_field *f,
			 uint8_t *m, int version)
{
	uint64_t n = read_uint(r, f->width, f->max_count);
	uint8_t *v;

	if (r->bad || n > r->left / min_encoded_size(f->of, version))
		r->bad = true;
	if (r->bad || !n)
		return;
	v = xcalloc(n, f->of->struct_bytes);
	memcpy(m + f->at, &v, sizeof(v));
	member_store(m + f->n_at, f->width, n);
	for (uint64_t i = 0; i < n && !r->bad; i++)
		wire_read(r, f->of, v + i * f->of->struct_bytes, version);
}

static void read_number_field(struct reader *r, const struct wire_field *f,
			      void *at, int version)
{
	uint64_t n = read_uint(r, f->width, f->max);

	if (!is_value_known(f, n, version))
		r->bad = true;
	member_store(at, f->width, n);
}

/* Set the default value of a field that the message's version does not have. */
static void set_absent(const struct wire_field *f, void *at)
{
	if (f->kind == WIRE_IS_NUMBER)
		member_store(at, f->width, f->absent);
	else if (f->kind == WIRE_IS_STRING || f->kind == WIRE_IS_LINE)
		*(char **)at = xstrdup("");
}

static void read_field(struct reader *r, const struct wire_field *f, uint8_t *m,
		       int version)
{
	void *at = m + f->at;
	struct bytes *b;
	uint64_t n;

	switch (f->kind) {
	case WIRE_IS_NUMBER:
		read_number_field(r, f, at, version);
		break;
	case WIRE_IS_BOOLS:
		n = read_uint(r, 1, (1u << f->max) - 1);
		for (unsigned i = 0; i < f->max; i++)
			((bool *)at)[i] = n >> i & 1;
		break;
	case WIRE_IS_DIGEST:
		wire_field_digest(r, at);
		break;
	case WIRE_IS_STRING:
	case WIRE_IS_LINE:
		*(char **)at = read_string(r, f);
		break;
	case WIRE_IS_STRINGS:
	case WIRE_IS_LINES:
		n = read_uint(r, f->width, f->max_count);
		while (n-- && !r->bad)
			strv_own(at, read_string(r, f));
		break;
	case WIRE_IS_LIST:
		read_structs(r, f, m, version);
		break;
	case WIRE_IS_STRUCT:
		wire_read(r, f->of, at, version);
		break;
	case WIRE_IS_BYTES:
	case WIRE_IS_REST:
		b = at;
		*b = f->kind == WIRE_IS_REST ? reader_raw(r, r->left) :
					       reader_bytes(r);
		if (b->len > f->max)
			r->bad = true;
		break;
	}
}

void wire_read(struct reader *r, const struct wire_layout *l, void *m,
	       int version)
{
	for (size_t i = 0; i < l->n_fields; i++) {
		const struct wire_field *f = &l->fields[i];

		if (!has_field(f, m))
			continue;
		if (f->since > version)
			set_absent(f, (uint8_t *)m + f->at);
		else
			read_field(r, f, m, version);
	}
	if (!r->bad && l->is_valid && !l->is_valid(m))
		r->bad = true;
}

int wire_decode(const struct wire_layout *l, void *m, struct bytes in,
		int version)
{
	struct reader r;
	int ret;

	reader_init(&r, in);
	wire_read(&r, l, m, version);
	ret = reader_end(&r);
	if (ret)
		wire_release(l, m);
	return ret;
}

void wire_release(const struct wire_layout *l, void *m)
{
	for (const struct wire_field *f = l->fields;
	     f < l->fields + l->n_fields; f++) {
		uint8_t *at = (uint8_t *)m + f->at, *v;
		uint64_t n;

		if (f->kind == WIRE_IS_STRING || f->kind == WIRE_IS_LINE) {
			free(*(char **)at);
		} else if (f->kind == WIRE_IS_STRINGS ||
			   f->kind == WIRE_IS_LINES) {
			strv_release((struct strv *)at);
		} else if (f->kind == WIRE_IS_STRUCT) {
			wire_release(f->of, at);
		} else if (f->kind == WIRE_IS_LIST) {
			v = load_pointer(at);
			n = v ? member_load((uint8_t *)m + f->n_at, f->width) :
				0;
			for (uint64_t i = 0; i < n; i++)
				wire_release(f->of,
					     v + i * f->of->struct_bytes);
			free(v);
		}
	}
	memset(m, 0, l->struct_bytes);
}
