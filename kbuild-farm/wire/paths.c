/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/paths.h"

#include "wire/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* u32 first, u32 count; and a path without its bytes: u16 shared, u32 len. */
#define HEAD      8
#define ENTRY_MIN 6

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

struct wire_intern *wire_paths_new(void)
{
	return wire_intern_new(WIRE_PATHS_KNOWN, WIRE_PATHS_BYTES);
}

int wire_paths_number(struct wire_intern *t, const char *path, uint32_t *number)
{
	int ret = wire_intern_find(t, bytes_str(path), number);

	if (!ret)
		return 0;
	if (!wire_path_ok(path))
		return -EINVAL;
	ret = wire_intern_add(t, bytes_str(path), number);
	return ret < 0 ? ret : 0;
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

bool wire_paths_message(struct wire_intern *t, struct buf *out)
{
	size_t room = WIRE_BODY_MAX - HEAD, full = WIRE_PATHS_BODY;
	uint32_t count = wire_intern_count(t), first = t->sent;
	const char *before = "";
	size_t head = out->len;

	if (first == count)
		return false;
	buf_put_u32(out, first);
	buf_put_u32(out, 0);
	for (; t->sent < count; t->sent++) {
		struct bytes path = wire_intern_get(t, t->sent);

		if (path.len + ENTRY_MIN > room || path.len > full)
			break;
		put_path(out, before, (const char *)path.data);
		room = WIRE_BODY_MAX - (out->len - head);
		full -= path.len;
		before = (const char *)path.data;
	}
	put_le32(out->data + head + 4, t->sent - first);
	return true;
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

int wire_paths_take(struct wire_intern *t, struct bytes body)
{
	size_t room = WIRE_PATHS_BODY;
	const char *before = "";
	uint32_t first, n, number;
	struct reader r;

	reader_init(&r, body);
	first = reader_u32(&r);
	n = reader_u32(&r);
	if (first != wire_intern_count(t) || n > r.left / ENTRY_MIN)
		r.bad = true;
	for (uint32_t i = 0; i < n && !r.bad; i++) {
		char *path = get_path(&r, before);
		size_t len = strlen(path);

		if (len > room || (!r.bad && wire_intern_add(t, bytes_str(path),
							     &number) != 1))
			r.bad = true;
		else if (!r.bad)
			before = (const char *)wire_intern_get(t, number).data;
		room -= len;
		free(path);
	}
	return reader_end(&r);
}

const char *wire_paths_get(const struct wire_intern *t, uint32_t number)
{
	if (number >= wire_intern_count(t))
		return NULL;
	return (const char *)wire_intern_get(t, number).data;
}
