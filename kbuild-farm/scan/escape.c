/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/escape.h"

#include "base/str.h"

#include <limits.h>
#include <string.h>

/* Of no digit: more than any base. */
static unsigned escape_digit(char c)
{
	return (unsigned)str_hex_digit(c);
}

/* So many digits at most, the low 32 bits of them; -1: there is none. */
static int64_t escape_digits(const char **s, const char *end, unsigned base,
			     unsigned most)
{
	const char *from = *s;
	uint32_t v = 0;

	for (; *s < end && most && escape_digit(**s) < base; ++*s, most--)
		v = v * base + escape_digit(**s);
	return *s > from ? (int64_t)v : -1;
}

int64_t scan_escape(const char **s, const char *end)
{
	static const char names[] = "abfnrtveE'\"?\\";
	static const char values[] = "\a\b\f\n\r\t\v\033\033'\"?\\";
	const char *known;
	char c = **s;

	if (escape_digit(c) < 8)
		return escape_digits(s, end, 8, 3);
	++*s;
	if (c == 'x')
		return escape_digits(s, end, 16, UINT_MAX);
	if (c == 'u' || c == 'U')
		return escape_digits(s, end, 16, c == 'u' ? 4 : 8);
	known = memchr(names, c, sizeof(names) - 1);
	return known ? (unsigned char)values[known - names] : -1;
}
