/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/paths.h"

#include "wire/field.h"
#include "wire/frame.h"
#include "wire/intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* u32 first, u32 count; and a path without its bytes: u16 shared, u32 len. */
#define HEAD      8
#define ENTRY_MIN 6

struct wire_paths_sent {
	struct wire_intern *table;
	uint32_t sent; /* numbers below went out */
};

struct wire_paths_known {
	struct wire_intern *table;
};

static bool is_dots(const char *s, size_t len)
{
	return (len == 1 && s[0] == '.') ||
	       (len == 2 && s[0] == '.' && s[1] == '.');
}

bool wire_path_ok(const char *path)
{
	const char *p = path;

	while (*p == '/') {
		size_t len = strcspn(++p, "/");

		if (!len || is_dots(p, len))
			return false;
		p += len;
	}
	return p != path && !*p && p - path <= WIRE_PATH_MAX;
}

void wire_paths_release(struct wire_paths *m)
{
	strv_release(&m->list);
	*m = (struct wire_paths){ 0 };
}

static size_t common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

static void put_path(struct buf *out, const char *before, const char *path)
{
	size_t shared = common(before, path);

	buf_put_u16(out, (uint16_t)shared);
	buf_put_str(out, path + shared);
}

void wire_paths_encode(struct buf *out, const struct wire_paths *m)
{
	const char *before = "";

	buf_put_u32(out, m->first);
	buf_put_u32(out, (uint32_t)m->list.n);
	for (size_t i = 0; i < m->list.n; i++) {
		put_path(out, before, m->list.v[i]);
		before = m->list.v[i];
	}
}

/* The next path, "" with `bad` set where it is none. */
static char *get_path(struct reader *r, const char *before)
{
	uint16_t shared = reader_u16(r);
	char *rest = reader_str(r, WIRE_PATH_MAX);
	char *path;

	if (r->bad || shared > strlen(before) ||
	    (*rest && before[shared] == *rest)) {
		r->bad = true;
		return rest;
	}
	path = xasprintf("%.*s%s", (int)shared, before, rest);
	free(rest);
	if (!wire_path_ok(path))
		r->bad = true;
	return path;
}

static void get_paths(struct reader *r, struct wire_paths *m)
{
	size_t room = WIRE_PATHS_BODY;
	uint32_t n = reader_u32(r);
	const char *before = "";

	if (n > r->left / ENTRY_MIN || m->first > WIRE_PATHS_KNOWN ||
	    n > WIRE_PATHS_KNOWN - m->first)
		r->bad = true;
	for (uint32_t i = 0; i < n && !r->bad; i++) {
		char *path = get_path(r, before);
		size_t len = strlen(path);

		strv_own(&m->list, path);
		if (len > room)
			r->bad = true;
		else
			room -= len;
		before = path;
	}
}

int wire_paths_decode(struct wire_paths *m, struct bytes in)
{
	struct wire_paths got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.first = reader_u32(&r);
	get_paths(&r, &got);
	ret = reader_end(&r);
	if (ret)
		wire_paths_release(&got);
	else
		*m = got;
	return ret;
}

struct wire_paths_sent *wire_paths_sent_new(void)
{
	struct wire_paths_sent *t = xcalloc(1, sizeof(*t));

	t->table = wire_intern_new(WIRE_PATHS_KNOWN, WIRE_PATHS_BYTES);
	return t;
}

void wire_paths_sent_free(struct wire_paths_sent *t)
{
	if (!t)
		return;
	wire_intern_free(t->table);
	free(t);
}

int wire_paths_sent_number(struct wire_paths_sent *t, const char *path,
			   uint32_t *number)
{
	int ret = wire_intern_find(t->table, bytes_str(path), number);

	if (!ret)
		return 0;
	if (!wire_path_ok(path))
		return -EINVAL;
	ret = wire_intern_add(t->table, bytes_str(path), number);
	return ret < 0 ? ret : 0;
}

bool wire_paths_sent_message(struct wire_paths_sent *t, struct buf *out)
{
	size_t room = WIRE_BODY_MAX - HEAD, full = WIRE_PATHS_BODY;
	uint32_t count = wire_intern_count(t->table), i = t->sent;
	const char *before = "";
	size_t head = out->len;

	if (i == count)
		return false;
	buf_put_u32(out, i);
	buf_put_u32(out, 0);
	for (; i < count; i++) {
		struct bytes path = wire_intern_get(t->table, i);

		if (path.len + ENTRY_MIN > room || path.len > full)
			break;
		put_path(out, before, (const char *)path.data);
		room = WIRE_BODY_MAX - (out->len - head);
		full -= path.len;
		before = (const char *)path.data;
	}
	put_le32(out->data + head + 4, i - t->sent);
	t->sent = i;
	return true;
}

struct wire_paths_known *wire_paths_known_new(void)
{
	struct wire_paths_known *t = xcalloc(1, sizeof(*t));

	t->table = wire_intern_new(WIRE_PATHS_KNOWN, WIRE_PATHS_BYTES);
	return t;
}

void wire_paths_known_free(struct wire_paths_known *t)
{
	if (!t)
		return;
	wire_intern_free(t->table);
	free(t);
}

int wire_paths_known_take(struct wire_paths_known *t, struct bytes body)
{
	struct wire_paths m;
	uint32_t number;
	int ret = wire_paths_decode(&m, body);

	if (ret)
		return ret;
	if (m.first != wire_intern_count(t->table))
		ret = -EPROTO;
	for (size_t i = 0; i < m.list.n && !ret; i++) {
		if (wire_intern_add(t->table, bytes_str(m.list.v[i]),
				    &number) != 1)
			ret = -EPROTO;
	}
	wire_paths_release(&m);
	return ret;
}

const char *wire_paths_known_get(const struct wire_paths_known *t,
				 uint32_t number)
{
	if (number >= wire_intern_count(t->table))
		return NULL;
	return (const char *)wire_intern_get(t->table, number).data;
}

uint32_t wire_paths_known_count(const struct wire_paths_known *t)
{
	return wire_intern_count(t->table);
}
