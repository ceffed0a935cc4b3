/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/scan.h"

#include "base/buf.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct scan {
	const uint8_t *text;
	size_t len;
	size_t at;
	unsigned line;
	struct buf section, sub, key, value;
	bool in_section, has_sub, has_value;
	struct err *err;
};

/*
 * Return the next character without consuming it.  Returns '\n' for the pair
 * CR LF, and -1 at the end of the text.
 */
static int peek(const struct scan *s)
{
	if (s->at >= s->len)
		return -1;
	if (s->text[s->at] == '\r' && s->at + 1 < s->len &&
	    s->text[s->at + 1] == '\n')
		return '\n';
	return s->text[s->at];
}

static int next_char(struct scan *s)
{
	int c = peek(s);

	if (c < 0)
		return c;
	s->at += s->text[s->at] == '\r' && c == '\n' ? 2 : 1;
	if (c == '\n')
		s->line++;
	return c;
}

static void add_char(struct buf *b, int c)
{
	char byte = (char)c;

	buf_add(b, &byte, 1);
}

static bool is_inline_space(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void skip_inline_space(struct scan *s)
{
	while (is_inline_space(peek(s)))
		next_char(s);
}

static void skip_line(struct scan *s)
{
	int c;

	do {
		c = next_char(s);
	} while (c >= 0 && c != '\n');
}

static int set_scan_error(struct scan *s, const char *why)
{
	return err_set(s->err, EINVAL, "%s", why);
}

/* Read the rest of a header [section "sub"] after the section name. */
static int read_quoted_sub(struct scan *s)
{
	int c;

	s->has_sub = true;
	skip_inline_space(s);
	if (next_char(s) != '"')
		return set_scan_error(
			s,
			"invalid section header: expected [section \"name\"]");
	while ((c = next_char(s)) != '"') {
		if (c == '\\')
			c = next_char(s);
		if (c < 0 || c == '\n' || !c)
			return set_scan_error(
				s, "unterminated quote in a section header");
		add_char(&s->sub, c);
	}
	if (next_char(s) != ']')
		return set_scan_error(
			s, "expected \"]\" after the subsection name");
	return 0;
}

static int read_section_header(struct scan *s)
{
	int c;

	buf_reset(&s->section);
	buf_reset(&s->sub);
	s->has_sub = false;
	s->in_section = true;
	next_char(s);
	while ((c = next_char(s)) != ']') {
		if (is_inline_space(c) && s->section.len)
			return read_quoted_sub(s);
		if (c == '.' && s->section.len && !s->has_sub)
			s->has_sub = true;
		else if (isalnum(c) || c == '-' || c == '.')
			add_char(s->has_sub ? &s->sub : &s->section,
				 tolower(c));
		else
			return set_scan_error(s, "invalid section header");
	}
	return s->section.len ? 0 : set_scan_error(s, "missing section name");
}

static int read_escape(struct scan *s)
{
	static const char from[] = "tbn\\\"", to[] = "\t\b\n\\\"";
	int c = next_char(s);
	const char *known;

	if (c == '\n')
		return 0;
	known = c > 0 ? strchr(from, c) : NULL;
	if (!known)
		return set_scan_error(
			s, "invalid escape sequence: valid are \\\\, "
			   "\\\", \\n, \\t, \\b, and \\ at the "
			   "end of a line");
	add_char(&s->value, to[known - from]);
	return 0;
}

/* Read the text after "=" up to the end of the (continued) line. */
static int read_value(struct scan *s)
{
	bool quoted = false;
	size_t keep = 0; /* length without trailing blanks */
	int c;

	skip_inline_space(s);
	while ((c = peek(s)) >= 0 && c != '\n') {
		if (!quoted && (c == ';' || c == '#'))
			break;
		next_char(s);
		if (!c)
			return set_scan_error(s, "unexpected NUL byte");
		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && read_escape(s))
			return -EINVAL;
		else if (c != '\\')
			add_char(&s->value, c);
		if (quoted || !is_inline_space(c))
			keep = s->value.len;
	}
	if (quoted)
		return set_scan_error(s, "unterminated quote in a value");
	if (s->value.len > keep)
		s->value.data[s->value.len = keep] = '\0';
	if (c >= 0)
		skip_line(s);
	return 0;
}

static int read_key_line(struct scan *s)
{
	int c;

	if (!s->in_section)
		return set_scan_error(s, "key before the first section header");
	buf_reset(&s->key);
	buf_reset(&s->value);
	while (isalnum(c = peek(s)) || c == '-')
		add_char(&s->key, tolower(next_char(s)));
	if (!s->key.len)
		return set_scan_error(s, "expected a section header or a key");
	skip_inline_space(s);
	c = peek(s);
	s->has_value = c == '=';
	if (s->has_value) {
		next_char(s);
		return read_value(s);
	}
	if (c >= 0 && c != '\n' && c != ';' && c != '#')
		return set_scan_error(s, "expected \"=\" after the key");
	if (c >= 0)
		skip_line(s);
	return 0;
}

static int read_item(struct scan *s, conf_item_fn *fn, void *ctx,
		     unsigned *line)
{
	struct conf_item item = { .line = s->line, .start = s->at };
	bool header = peek(s) == '[';
	size_t end;
	int ret;

	*line = s->line;
	ret = header ? read_section_header(s) : read_key_line(s);
	if (ret)
		return ret;
	/* If only blanks follow a header, its item includes the newline. */
	end = s->at;
	if (header)
		skip_inline_space(s);
	if (header && peek(s) == '\n')
		next_char(s);
	else if (header && peek(s) >= 0)
		s->at = end;
	item.section = buf_str(&s->section);
	item.sub = s->has_sub ? buf_str(&s->sub) : NULL;
	item.key = header ? NULL : buf_str(&s->key);
	item.value = !header && s->has_value ? buf_str(&s->value) : NULL;
	item.end = s->at;
	return fn(ctx, &item);
}

int conf_scan(struct bytes text, conf_item_fn *fn, void *ctx, unsigned *line,
	      struct err *err)
{
	struct scan s = {
		.text = text.data, .len = text.len, .line = 1, .err = err
	};
	int ret = 0, c;

	if (text.len >= 3 && !memcmp(text.data, "\xef\xbb\xbf", 3))
		s.at = 3;
	while (!ret && (c = peek(&s)) >= 0) {
		if (c == ';' || c == '#')
			skip_line(&s);
		else if (c == '\n' || is_inline_space(c))
			next_char(&s);
		else
			ret = read_item(&s, fn, ctx, line);
	}
	buf_release(&s.section);
	buf_release(&s.sub);
	buf_release(&s.key);
	buf_release(&s.value);
	return ret;
}
