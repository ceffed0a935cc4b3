/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/header.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void fetch_answer_release(struct fetch_answer *a)
{
	free(a->etag);
	free(a->modified);
	free(a->location);
	*a = (struct fetch_answer){ .length = -1 };
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The value of a line "NAME: VALUE" of `name`, trimmed; false: another line. */
static bool is_line(struct bytes line, const char *name, struct bytes *value)
{
	const size_t n = strlen(name);
	const char *p = (const char *)line.data;

	if (line.len <= n || p[n] != ':' || strncasecmp(p, name, n) != 0)
		return false;
	*value = bytes_of(p + n + 1, line.len - n - 1);
	while (value->len && is_blank(value->data[0]))
		*value = bytes_of(value->data + 1, value->len - 1);
	while (value->len && is_blank(value->data[value->len - 1]))
		value->len--;
	return true;
}

/* Printable ASCII of 1 to `most` bytes? */
static bool is_plain(struct bytes value, size_t most)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < ' ' || value.data[i] > '~')
			return false;
	}
	return value.len && value.len <= most;
}

bool fetch_header_is_stamp(const char *s)
{
	return is_plain(bytes_str(s), FETCH_STAMP_MAX);
}

static void keep(char **out, struct bytes value, size_t most)
{
	free(*out);
	*out = is_plain(value, most) ? bytes_dup(value) : NULL;
}

/* Digits; false: there are none, or too many. */
static bool take_number(const char **p, uint64_t *out)
{
	*out = 0;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		if (*out > (INT64_MAX - 9) / 10)
			return false;
		*out = *out * 10 + (uint64_t)(**p - '0');
	}
	return true;
}

/* "bytes FROM-TO/TOTAL", where TO is the last byte. */
static void take_range(struct fetch_answer *a, struct bytes value)
{
	char *text = bytes_dup(value);
	bool is_bytes = !strncasecmp(text, "bytes ", 6);
	const char *p = is_bytes ? text + 6 : text;
	uint64_t from, to, total;

	a->has_range = strlen(text) == value.len && is_bytes &&
		       take_number(&p, &from) && *p++ == '-' &&
		       take_number(&p, &to) && *p++ == '/' &&
		       take_number(&p, &total) && !*p && from <= to &&
		       to + 1 == total;
	a->range_from = a->has_range ? from : 0;
	a->range_total = a->has_range ? total : 0;
	free(text);
}

void fetch_header_line(struct fetch_answer *a, struct bytes line)
{
	struct bytes value;

	if (is_line(line, "ETag", &value))
		keep(&a->etag, value, FETCH_STAMP_MAX);
	else if (is_line(line, "Last-Modified", &value))
		keep(&a->modified, value, FETCH_STAMP_MAX);
	else if (is_line(line, "Location", &value))
		keep(&a->location, value, FETCH_LOCATION_MAX);
	else if (is_line(line, "Content-Range", &value))
		take_range(a, value);
}
