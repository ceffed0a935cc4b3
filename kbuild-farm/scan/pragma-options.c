/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/pragma-options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The last pragma stands here; nothing of a unit's own does. */
#define LAST_LINE 1000000

/* Any gcc predefines more than these. */
#define PREDEFINED_MIN 50

static bool is(const char *pragma, const char *word)
{
	pragma += strspn(pragma, " \t");
	if (!str_starts(pragma, "GCC"))
		return false;
	pragma += 3 + strspn(pragma + 3, " \t");
	return !strncmp(pragma, word, strlen(word));
}

void scan_options_settle(struct strv *pragmas)
{
	size_t depth = 1, n = pragmas->n;

	if (!n || !is(pragmas->v[n - 1], "pop_options"))
		return;
	while (--n && depth) {
		if (is(pragmas->v[n - 1], "push_options"))
			depth--;
		else if (is(pragmas->v[n - 1], "pop_options"))
			depth++;
	}
	/* One without its push changes nothing, and may stay. */
	if (depth)
		return;
	while (pragmas->n > n)
		free(pragmas->v[--pragmas->n]);
	pragmas->v[n] = NULL;
}

char *scan_options_key(const struct strv *pragmas)
{
	char *key = strv_join(pragmas, "\t");

	for (char *c = key; *c; c++) {
		if (*c == '\n')
			*c = ' ';
	}
	return key;
}

void scan_options_source(struct buf *source, const struct strv *pragmas)
{
	for (size_t i = 0; i < pragmas->n; i++) {
		if (i + 1 == pragmas->n)
			buf_printf(source, "#line %d\n", LAST_LINE);
		buf_printf(source, "#pragma %s\n", pragmas->v[i]);
	}
}

/* Behind `word` and blanks in the line at *s, or NULL; *s: the next line. */
static const char *operand_behind(const char **s, const char *word)
{
	const char *p = *s + strspn(*s, " \t");
	const char *end = strchrnul(*s, '\n');
	size_t n = strlen(word);

	*s = end + (*end == '\n');
	if (strncmp(p, word, n))
		return NULL;
	return p + n + strspn(p + n, " \t");
}

static char unescape_char(const char **p)
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *s = *p, *name;
	unsigned v = 0, n = 0;

	while (n < 3 && s[n] >= '0' && s[n] <= '7')
		v = v * 8 + (unsigned)(s[n++] - '0');
	*p += n ? n : 1;
	name = n ? NULL : strchr(names, *s);
	return n ? (char)v : name && *s ? values[name - names] : *s;
}

/* "NAME VALUE", as an assembler's string; false: it is none. */
static bool read_asm_string(const char *p, struct buf *out)
{
	buf_reset(out);
	if (*p++ != '"')
		return false;
	while (*p && *p != '"' && *p != '\n') {
		char c = *p++;

		if (c == '\\')
			c = unescape_char(&p);
		if (!c)
			return true;
		buf_add(out, &c, 1);
	}
	return *p == '"';
}

/* .byte 1 or 2, .uleb128 LINE, .string "NAME VALUE" or .ascii with a \0 */
static bool read_line_entry(const char **s, long *kind, unsigned long *line,
			    struct buf *text)
{
	const char *p = operand_behind(s, ".byte"), *next = *s, *string;

	*kind = p ? strtol(p, NULL, 0) : 0;
	if (*kind != 1 && *kind != 2)
		return false;
	p = operand_behind(&next, ".uleb128");
	if (!p)
		return false;
	*line = strtoul(p, NULL, 0);
	string = next;
	p = operand_behind(&next, ".string");
	if (!p)
		p = operand_behind(&string, ".ascii");
	if (!p || !read_asm_string(p, text))
		return false;
	*s = next;
	return true;
}

int scan_options_read(const char *said, struct buf *changes)
{
	const char *s = strstr(said, ".debug_macinfo");
	struct buf text = { 0 };
	unsigned long line;
	size_t predefined = 0;
	long kind;

	while (s && *s) {
		if (!read_line_entry(&s, &kind, &line, &text))
			continue;
		predefined += !line && kind == 1;
		if (line >= LAST_LINE)
			buf_printf(changes, "#%s %s\n",
				   kind == 1 ? "define" : "undef",
				   buf_str(&text));
	}
	buf_release(&text);
	return predefined < PREDEFINED_MIN ? -EPROTO : 0;
}
