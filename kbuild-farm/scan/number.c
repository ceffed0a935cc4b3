/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/expr.h"

#include <string.h>

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* u, l, ll and what they make together; nothing else. */
static bool suffix(const char *s, size_t len, bool *is_unsigned)
{
	static const char *const list[] = {
		"",    "u",   "U",   "l",   "L",   "ll",  "LL",  "ul",
		"uL",  "Ul",  "UL",  "lu",  "lU",  "Lu",  "LU",  "ull",
		"uLL", "Ull", "ULL", "llu", "llU", "LLu", "LLU",
	};

	*is_unsigned = memchr(s, 'u', len) || memchr(s, 'U', len);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (strlen(list[i]) == len && !memcmp(list[i], s, len))
			return true;
	}
	return false;
}

bool scan_number(const char *s, size_t len, unsigned mode,
		 struct scan_value *out)
{
	const char *end = s + len;
	unsigned base = 10;
	uint64_t v = 0;
	bool is_unsigned, any = false;

	if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	} else if (len > 2 && s[0] == '0' && (s[1] == 'b' || s[1] == 'B')) {
		base = 2;
		s += 2;
	} else if (len && s[0] == '0') {
		base = 8;
	}
	for (; s < end; s++) {
		unsigned digit = (unsigned)digit_of(*s);

		if (*s == '\'' && (mode & SCAN_SEPARATORS))
			continue;
		if (digit >= base)
			break;
		if (v > (UINT64_MAX - digit) / base)
			return false;
		v = v * base + digit;
		any = true;
	}
	if (!any || !suffix(s, (size_t)(end - s), &is_unsigned))
		return false;
	out->v = v;
	out->is_unsigned = is_unsigned || v > INT64_MAX;
	return true;
}

/* An escape behind the backslash at *s; negative: none that we know. */
static int64_t escape(const char **s, const char *end)
{
	static const char names[] = "abfnrtveE'\"?\\";
	static const char values[] = "\a\b\f\n\r\t\v\033\033'\"?\\";
	const char *known;
	int64_t v = 0;
	int n = 0;

	if (*s == end)
		return -1;
	if (**s == 'x') {
		for (++*s; *s < end && digit_of(**s) < 16; ++*s, n++)
			v = (v << 4 | digit_of(**s)) & 0xffffffff;
		return n ? v : -1;
	}
	if (digit_of(**s) < 8) {
		for (; *s < end && n < 3 && digit_of(**s) < 8; ++*s, n++)
			v = v << 3 | digit_of(**s);
		return v;
	}
	known = memchr(names, **s, sizeof(names) - 1);
	++*s;
	return known ? (unsigned char)values[known - names] : -1;
}

/* The characters of a constant without its quotes; their count, or -1. */
static int characters(const char *s, const char *end, uint32_t width,
		      uint32_t *out)
{
	int n = 0;

	*out = 0;
	while (s < end) {
		int64_t c = (unsigned char)*s++;

		if (c == '\\')
			c = escape(&s, end);
		/* Other bytes depend on the character sets. */
		else if (c >= 0x80)
			return -1;
		if (c < 0 || (width < 32 && c >> width))
			return -1;
		*out = width < 32 ? *out << width | (uint32_t)c : (uint32_t)c;
		n++;
	}
	return n;
}

bool scan_char(const struct scan_cpp *cpp, const char *s, size_t len,
	       struct scan_value *out)
{
	bool wide = *s == 'L';
	const char *end = s + len - 1;
	uint32_t v, width = 8;
	int n;

	/* u8'x' is signed or not, as the compiler's version has it. */
	if (!wide && *s != '\'')
		return false;
	while (*s != '\'')
		s++;
	n = characters(s + 1, end, wide ? 32 : 8, &v);
	if (n < 1 || (wide && n > 1) || n > 4)
		return false;
	/* A short wchar_t: what it makes of more than ASCII is its own. */
	if (wide && v > 0x7f)
		return false;
	out->is_unsigned = n == 1 &&
			   (wide ? cpp->wchar_unsigned : cpp->char_unsigned);
	if (n > 1)
		width = 32;
	if (!wide && !out->is_unsigned && v >> (width - 1))
		out->v = (uint64_t)(int64_t)(width == 8 ? (int8_t)v :
							  (int32_t)v);
	else
		out->v = v;
	return true;
}
