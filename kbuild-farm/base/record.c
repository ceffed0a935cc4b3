/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/record.h"

#include "base/printable.h"
#include "base/vec.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A double represents all smaller integers exactly. */
#define EXACT_MAX 9007199254740992.0

static void *member_at(const void *s, size_t at)
{
	return (char *)(uintptr_t)s + at;
}

static int64_t get_number(const struct record_member *m, const void *at)
{
	uint64_t n = member_load(at, m->width);

	return m->width == 4 && m->min < 0 ? (int32_t)n : (int64_t)n;
}

static bool is_known(const struct record_member *m, int64_t n)
{
	return n >= m->min && n <= m->max;
}

/* ---- writing ---- */

static bool is_null_object(const struct record_member *m, const void *at)
{
	const struct record_member *first = &m->of->members[0];

	return !m->required && first->kind == RECORD_IS_STRING &&
	       !*(char **)member_at(at, first->at);
}

json_t *record_array_to_json(const struct record *r, const void *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			list, record_to_json(r, (const char *)v +
							i * r->struct_bytes));
	return list;
}

static json_t *number_to_json(const struct record_member *m, const void *at)
{
	int64_t n = get_number(m, at);

	if (!is_known(m, n))
		return json_null();
	return m->divisor ? json_real((double)(n - m->zero) / m->divisor) :
			    json_integer(n);
}

/* Return the struct that contains the member, or NULL. */
static const void *struct_of(const struct record_member *m, const void *s)
{
	return s && m->via ? *(void **)member_at(s, m->via - 1u) : s;
}

static json_t *member_to_json(const struct record_member *m, const void *s)
{
	const void *at = member_at(s, m->at);
	char hex[DIGEST_HEX];
	const char *text;

	switch (m->kind) {
	case RECORD_IS_STRING:
		text = *(char *const *)at;
		return json_text(m->empty_is_null && text && !*text ? NULL :
								      text);
	case RECORD_IS_TEXT:
		return json_text(*(const char *const *)at);
	case RECORD_IS_NUMBER:
		return number_to_json(m, at);
	case RECORD_IS_WORD:
		return json_text(m->words[get_number(m, at)]);
	case RECORD_IS_BOOL:
		return json_boolean(*(const bool *)at);
	case RECORD_IS_DIGEST:
		digest_format(at, hex);
		return json_text(digest_is_set(at) ? hex : NULL);
	case RECORD_IS_STRINGS:
		return json_texts(at);
	case RECORD_IS_OBJECT:
		return is_null_object(m, at) ? json_null() :
					       record_to_json(m->of, at);
	case RECORD_IS_LIST:
		return record_array_to_json(
			m->of, *(void **)at,
			(size_t)get_number(m, member_at(s, m->n_at)));
	case RECORD_IS_COMPUTED:
		return m->compute(s);
	case RECORD_IS_PART:
		break;
	}
	return NULL;
}

static void add_members(json_t *o, const struct record *r, const void *s)
{
	for (size_t i = 0; i < r->n_members; i++) {
		const struct record_member *m = &r->members[i];
		const void *of = struct_of(m, s);
		json_t *j;

		if (m->is_present && !m->is_present(s))
			continue;
		if (m->kind == RECORD_IS_PART && of)
			add_members(o, m->of, member_at(of, m->at));
		if (!m->key)
			continue;
		j = of ? member_to_json(m, of) : json_null();
		if (m->omit_null && (json_is_null(j) || json_is_false(j)))
			continue;
		json_object_set_new(o, m->key, j);
	}
}

json_t *record_to_json(const struct record *r, const void *s)
{
	json_t *o = json_object();

	add_members(o, r, s);
	return o;
}

/* Append a text, cut to at most `max` bytes. */
static void append_text(struct buf *out, const char *text, size_t max)
{
	size_t len = strnlen(text, max);
	char *cut;

	if (!text[len]) {
		json_add_text(out, text);
		return;
	}
	/* Do not cut within a UTF-8 character. */
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	cut = xstrndup(text, len);
	json_add_text(out, cut);
	free(cut);
}

static void append_number(struct buf *out, const struct record_member *m,
			  int64_t n)
{
	uint64_t abs, divisor = m->divisor ? m->divisor : 1;

	if (!is_known(m, n)) {
		buf_add_str(out, "null");
		return;
	}
	if (m->divisor)
		n -= m->zero;
	abs = n < 0 ? -(uint64_t)n : (uint64_t)n;
	if (n < 0)
		buf_add(out, "-", 1);
	buf_add_number(out, abs / divisor);
	if (m->divisor)
		buf_printf(out, ".%03u",
			   (unsigned)(abs % divisor * 1000 / divisor));
}

static bool is_omitted(const struct record_member *m, const void *s)
{
	const void *at = member_at(s, m->at);

	if (m->is_present && !m->is_present(s))
		return true;
	if (!m->omit_null)
		return false;
	if (m->kind == RECORD_IS_TEXT)
		return !*(const char *const *)at;
	return m->kind == RECORD_IS_BOOL ? !*(const bool *)at :
					   !is_known(m, get_number(m, at));
}

void record_append(struct buf *out, const struct record *r, const void *s)
{
	for (size_t i = 0; i < r->n_members; i++) {
		const struct record_member *m = &r->members[i];
		const void *at = member_at(s, m->at);

		if (is_omitted(m, s))
			continue;
		if (out->data[out->len - 1] != '{')
			buf_add(out, ",", 1);
		buf_add(out, "\"", 1);
		buf_add_str(out, m->key);
		buf_add(out, "\":", 2);
		if (m->kind == RECORD_IS_TEXT)
			append_text(out, *(const char *const *)at,
				    (size_t)m->max);
		else if (m->kind == RECORD_IS_WORD)
			json_add_text(out, m->words[get_number(m, at)]);
		else if (m->kind == RECORD_IS_NUMBER)
			append_number(out, m, get_number(m, at));
		else
			buf_add_str(out, *(const bool *)at ? "true" : "false");
	}
}

char *record_encode(const struct record *r, const void *s,
		    const struct json_file *f)
{
	json_t *o = record_to_json(r, s);
	char *text = json_file_format(f, o);

	json_decref(o);
	return text;
}

int record_write(const struct record *r, const void *s,
		 const struct json_file *f, const char *path, struct err *err)
{
	json_t *o = record_to_json(r, s);
	int ret = json_file_write(f, path, o, err);

	json_decref(o);
	return ret;
}

/* ---- text tables ---- */

const struct record_member *record_find_column(const struct record *r,
					       unsigned column, const void **s)
{
	for (size_t i = 0; i < r->n_members; i++) {
		const struct record_member *m = &r->members[i];
		const void *of = struct_of(m, *s);

		if (*s && m->is_present && !m->is_present(*s))
			continue;
		if (m->kind == RECORD_IS_PART) {
			of = of ? member_at(of, m->at) : NULL;
			m = record_find_column(m->of, column, &of);
		} else if (m->column != column) {
			m = NULL;
		}
		if (m) {
			*s = of;
			return m;
		}
	}
	return NULL;
}

char *record_format(const struct record_member *m, const void *s)
{
	json_t *j = s && !m->format ? member_to_json(m, s) : NULL;
	char *text = s && m->format ? m->format(s) : NULL;

	if (json_is_number(j) && m->format_number)
		text = m->format_number(get_number(m, member_at(s, m->at)));
	else if (json_is_string(j))
		text = printable_escape(json_string_value(j));
	else if (json_is_integer(j))
		text = xasprintf("%lld", json_integer_value(j));
	else if (json_is_real(j))
		text = xasprintf("%.*f", m->decimals, json_real_value(j));
	json_decref(j);
	return text ? text : xstrdup("-");
}

/* ---- reading ---- */

static bool fill_number(const struct record_member *m, void *at,
			const json_t *j)
{
	double real = json_number_value(j) * m->divisor + m->zero;
	json_int_t n = json_integer_value(j);

	if (!(m->divisor ? json_is_number(j) && fabs(real) < EXACT_MAX :
			   json_is_integer(j)))
		return false;
	if (m->divisor)
		n = (json_int_t)(real + (real < 0 ? -0.5 : 0.5));
	if (!is_known(m, n))
		return false;
	member_store(at, m->width, (uint64_t)n);
	return true;
}

static bool fill_word(const struct record_member *m, void *at, const char *text)
{
	for (int64_t i = 0; text && i <= m->max; i++) {
		if (!strcmp(m->words[i], text)) {
			member_store(at, m->width, (uint64_t)i);
			return true;
		}
	}
	return false;
}

static bool fill_strings(const struct record_member *m, struct strv *out,
			 const json_t *j)
{
	size_t n = json_array_size(j);

	if (!json_is_array(j) || n > (uint64_t)m->max)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(j, i));

		if (!text)
			return false;
		strv_add(out, text);
	}
	return true;
}

void *record_list_add(const struct record_member *list, void *s)
{
	char **v = member_at(s, list->at);
	size_t *n = member_at(s, list->n_at), size = list->of->struct_bytes;

	*v = vec_grow(*v, *n, size);
	return *v + (*n)++ * size;
}

static bool fill_list(const struct record_member *m, void *s, const json_t *j)
{
	size_t n = json_array_size(j);

	if (!json_is_array(j) || n > (uint64_t)m->max)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (record_fill(m->of, record_list_add(m, s),
				json_array_get(j, i)))
			return false;
	}
	return true;
}

static bool fill_member(const struct record_member *m, void *s, const json_t *j)
{
	const char *text = json_string_value(j);
	void *at = member_at(s, m->at);

	if (!j || json_is_null(j))
		return !m->required;
	switch (m->kind) {
	case RECORD_IS_STRING:
		*(char **)at = text ? xstrdup(text) : NULL;
		return text;
	case RECORD_IS_TEXT:
		*(const char **)at = text;
		return text;
	case RECORD_IS_NUMBER:
		return fill_number(m, at, j);
	case RECORD_IS_WORD:
		return fill_word(m, at, text);
	case RECORD_IS_BOOL:
		*(bool *)at = json_is_true(j);
		return json_is_boolean(j);
	case RECORD_IS_DIGEST:
		return text && digest_parse(at, text);
	case RECORD_IS_STRINGS:
		return fill_strings(m, at, j);
	case RECORD_IS_LIST:
		return fill_list(m, s, j);
	case RECORD_IS_OBJECT: /* the JSON value is not an object */
	case RECORD_IS_COMPUTED:
	case RECORD_IS_PART:
		break;
	}
	return false;
}

const char *record_fill(const struct record *r, void *s, const json_t *o)
{
	for (size_t i = 0; i < r->n_members; i++) {
		const struct record_member *m = &r->members[i];
		const json_t *j = json_object_get(o, m->key);
		const char *bad = NULL;

		if (m->kind == RECORD_IS_OBJECT && json_is_object(j))
			bad = record_fill(m->of, member_at(s, m->at), j);
		else if (!fill_member(m, s, j))
			bad = m->key;
		if (bad)
			return bad;
	}
	return json_is_object(o) ? NULL : r->members[0].key;
}

int record_decode(const struct record *r, void *s, struct bytes text,
		  struct err *err)
{
	const char *bad;
	json_t *o = NULL;
	int ret = json_parse(&o, text, err);

	memset(s, 0, r->struct_bytes);
	bad = ret ? NULL : record_fill(r, s, o);
	if (bad) {
		record_release(r, s);
		ret = err_set(err, EINVAL, "missing or invalid \"%s\"", bad);
	}
	json_decref(o);
	return ret;
}

int record_read(const struct record *r, void *s, const struct json_file *f,
		const char *path, struct err *err)
{
	struct buf text = { 0 };
	int ret = state_file_read(&f->file, path, &text, err);

	memset(s, 0, r->struct_bytes);
	if (!ret) {
		ret = record_decode(r, s, buf_bytes(&text), err);
		if (ret)
			err_wrap(err, "%s", path);
	}
	buf_release(&text);
	return ret;
}

/* ---- memory ---- */

static void release_members(const struct record *r, void *s);

void record_list_release(const struct record_member *list, void *s)
{
	char **v = member_at(s, list->at);
	size_t *n = member_at(s, list->n_at);

	for (size_t i = 0; i < *n; i++)
		release_members(list->of, *v + i * list->of->struct_bytes);
	free(*v);
	*v = NULL;
	*n = 0;
}

static void release_members(const struct record *r, void *s)
{
	for (size_t i = 0; i < r->n_members; i++) {
		const struct record_member *m = &r->members[i];
		void *at = member_at(s, m->at);

		if (m->kind == RECORD_IS_STRING)
			free(*(char **)at);
		else if (m->kind == RECORD_IS_STRINGS)
			strv_release(at);
		else if (m->kind == RECORD_IS_OBJECT)
			release_members(m->of, at);
		else if (m->kind == RECORD_IS_LIST)
			record_list_release(m, s);
	}
}

void record_release(const struct record *r, void *s)
{
	release_members(r, s);
	memset(s, 0, r->struct_bytes);
}
