/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gas/internal.h"

#include <stdio.h>
#include <string.h>

/*
 * Character processing as in gas/app.c of binutils.
 *
 * Comments are removed and 'x becomes a number.  A blank remains only after the
 * first two words of a statement and between characters that would otherwise
 * form one word.  Blanks matter because they separate macro operands too.
 */

static bool is_suffix_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (uint8_t)c >= 128 || c == GAS_UNKNOWN_OPERAND ||
	       c == GAS_UNKNOWN_DIGITS;
}

static bool is_in_set(char c, const char *set)
{
	return c && strchr(set, c);
}

bool gas_scrub_starts_name(const struct gas_syntax *x, char c)
{
	return is_suffix_letter(c) || is_in_set(c, "._$") ||
	       is_in_set(c, x->name_chars);
}

bool gas_scrub_is_name_char(const struct gas_syntax *x, char c)
{
	return gas_scrub_starts_name(x, c) || (c >= '0' && c <= '9');
}

size_t gas_scrub_take_name(const struct gas_syntax *x, struct gas_span *in)
{
	const char *from = in->p;

	if (in->p < in->end && gas_scrub_starts_name(x, *in->p)) {
		while (in->p < in->end && gas_scrub_is_name_char(x, *in->p))
			in->p++;
	}
	return (size_t)(in->p - from);
}

const char *gas_scrub_statement_end(const char *p, const char *end)
{
	bool quoted = false, escaped = false;

	for (; p < end && *p != '\n' && *p; p++) {
		if (*p == ';' && !quoted)
			break;
		if (escaped)
			escaped = false;
		else if (*p == '\\')
			escaped = true;
		else if (*p == '"')
			quoted = !quoted;
	}
	return p;
}

/* Position in a statement, which decides whether a blank is copied. */
enum scrub_state {
	SCRUB_LINE_START,
	SCRUB_AFTER_BLANK, /* after a blank at the start of a line */
	SCRUB_IN_MNEMONIC, /* in the first word, with a blank before it */
	SCRUB_IN_OPERANDS,
	SCRUB_IN_SYMBOL, /* in a word of the operands */
	SCRUB_AFTER_SYMBOL, /* after a word of the operands and a blank */
	SCRUB_IN_LABEL, /* in the first word, without a blank before it */
};

struct scrubber {
	const struct gas_syntax *x;
	const char *p, *end;
	struct buf *out;
	enum scrub_state state;
};

static bool is_white(char c)
{
	return gas_is_blank(c) || c == '\r';
}

static bool is_symbol(const struct scrubber *s, char c)
{
	return is_suffix_letter(c) || is_in_set(c, "._$") ||
	       (c >= '0' && c <= '9') || is_in_set(c, s->x->operand_chars);
}

static void skip_to_newline(struct scrubber *s)
{
	while (s->p < s->end && *s->p != '\n')
		s->p++;
}

/* Skip a comment that ends with its line. */
static void scrub_rest_of_line(struct scrubber *s)
{
	skip_to_newline(s);
	s->p += s->p < s->end;
	s->state = SCRUB_LINE_START;
	gas_append_char(s->out, '\n');
}

/* Process a sequence of blanks, or a comment, which counts as a blank. */
static void scrub_blank(struct scrubber *s)
{
	while (s->p < s->end && is_white(*s->p))
		s->p++;
	if (s->p == s->end)
		return;
	if (s->state == SCRUB_LINE_START) {
		s->state = SCRUB_AFTER_BLANK;
		gas_append_char(s->out, ' ');
		return;
	}
	if (*s->p == ';' || (is_in_set(*s->p, s->x->comment) &&
			     !is_in_set(*s->p, s->x->line_comment)))
		return;
	if (*s->p == ':' &&
	    (s->state == SCRUB_IN_MNEMONIC || s->state == SCRUB_IN_LABEL)) {
		s->state = SCRUB_AFTER_BLANK;
		gas_append_char(s->out, *s->p++);
	} else if (s->state == SCRUB_IN_MNEMONIC ||
		   s->state == SCRUB_IN_LABEL) {
		s->state = SCRUB_IN_OPERANDS;
		gas_append_char(s->out, ' ');
	} else if (s->state == SCRUB_IN_SYMBOL) {
		s->state = SCRUB_AFTER_SYMBOL;
	}
}

/*
 * Skip the rest of a block comment whose first two characters were consumed.
 * Copy the newlines of the comment if `lines`.
 */
static void scrub_block_comment(struct scrubber *s, bool lines)
{
	const char *end = memmem(s->p, (size_t)(s->end - s->p), "*/", 2);
	const char *stop = end ? end : s->end;

	for (; lines && s->p < stop; s->p++) {
		if (*s->p == '\n')
			gas_append_char(s->out, '\n');
	}
	s->p = end ? end + 2 : s->end;
	scrub_blank(s);
}

/* Process a '/', which can start a comment. */
static void scrub_slash(struct scrubber *s)
{
	char next = s->p < s->end ? *s->p : '\0';

	if (next == '*') {
		s->p++;
		scrub_block_comment(s, false);
	} else if (next == '/' && s->x->slash_comments) {
		scrub_rest_of_line(s);
	} else {
		if (s->state == SCRUB_IN_SYMBOL ||
		    s->state == SCRUB_AFTER_SYMBOL)
			s->state = SCRUB_IN_OPERANDS;
		gas_append_char(s->out, '/');
	}
}

/* Copy a string, which can extend over lines, without changes. */
static void scrub_string(struct scrubber *s)
{
	if (s->state == SCRUB_AFTER_SYMBOL)
		gas_append_char(s->out, ' ');
	gas_append_char(s->out, '"');
	while (s->p < s->end && *s->p != '"') {
		char c = *s->p++;

		gas_append_char(s->out, c);
		if (c != '\\' || s->x->no_escapes || s->p == s->end)
			continue;
		gas_append_char(s->out, *s->p == '\n' ? 'n' : *s->p);
		s->p++;
	}
	gas_append_char(s->out, '"');
	s->p += s->p < s->end;
	if (s->state == SCRUB_AFTER_SYMBOL || s->state == SCRUB_IN_OPERANDS)
		s->state = SCRUB_IN_SYMBOL;
}

/* Replace a character constant such as 'x by its number. */
static void scrub_character(struct scrubber *s)
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *name;
	char number[8];
	char c = '\0';

	if (s->state == SCRUB_AFTER_SYMBOL) {
		gas_append_char(s->out, ' ');
		s->state = SCRUB_IN_OPERANDS;
	}
	if (s->p < s->end)
		c = *s->p++;
	if (c == '\\' && s->p < s->end) {
		c = *s->p++;
		name = c ? strchr(names, c) : NULL;
		if (name)
			c = values[name - names];
	}
	if (s->p < s->end && *s->p == '\'')
		s->p++;
	snprintf(number, sizeof(number), "%u", (unsigned)(uint8_t)c);
	if (s->state == SCRUB_IN_SYMBOL && number[1])
		s->state = SCRUB_IN_OPERANDS;
	buf_add_str(s->out, number);
}

/* Process a character that starts no comment, string or constant. */
static void scrub_plain(struct scrubber *s, char c)
{
	if (is_symbol(s, c) &&
	    (s->state == SCRUB_AFTER_SYMBOL || s->state == SCRUB_IN_OPERANDS)) {
		if (s->state == SCRUB_AFTER_SYMBOL)
			gas_append_char(s->out, ' ');
		s->state = SCRUB_IN_SYMBOL;
	} else if (s->state == SCRUB_AFTER_SYMBOL) {
		/* A macro parameter can expand to text that begins a word. */
		if (c == '\\')
			gas_append_char(s->out, ' ');
		s->state = SCRUB_IN_OPERANDS;
	} else if (s->state == SCRUB_IN_SYMBOL && !is_symbol(s, c)) {
		s->state = SCRUB_IN_OPERANDS;
	} else if (s->state == SCRUB_LINE_START) {
		s->state = SCRUB_IN_LABEL;
	} else if (s->state == SCRUB_AFTER_BLANK) {
		s->state = SCRUB_IN_MNEMONIC;
	}
	gas_append_char(s->out, c);
}

/*
 * Skip a comment at the start of a line.  The marker # 12 "x.S" becomes
 * .linefile instead, and its operands are processed normally.
 */
static void scrub_line_comment(struct scrubber *s, char c)
{
	bool first = s->state == SCRUB_LINE_START;

	while (s->p < s->end && is_white(*s->p))
		s->p++;
	if (c == '#' && first && s->p < s->end && *s->p >= '0' &&
	    *s->p <= '9') {
		buf_add_str(s->out, "\t.linefile ");
		s->state = SCRUB_IN_OPERANDS;
		return;
	}
	skip_to_newline(s);
	s->state = SCRUB_LINE_START;
}

/* Return true if a comment character is literal: after \ or in .symver. */
static bool is_comment_disabled(const struct scrubber *s)
{
	const char *out = (const char *)s->out->data, *line;
	size_t len = s->out->len;

	if (len && out[len - 1] == '\\')
		return true;
	if (!s->x->symver_literal || !len)
		return false;
	line = memrchr(out, '\n', len);
	line = line ? line + 1 : out;
	return memmem(line, (size_t)(out + len - line), ".symver", 7);
}

/* Process a character that starts a comment anywhere or at a line's start. */
static void scrub_comment(struct scrubber *s, char c)
{
	if (is_in_set(c, s->x->line_comment)) {
		if (c == '/' && s->p < s->end && *s->p == '*') {
			s->p++;
			s->state = SCRUB_IN_OPERANDS;
			scrub_block_comment(s, true);
			return;
		}
		if (s->state == SCRUB_LINE_START ||
		    s->state == SCRUB_AFTER_BLANK) {
			scrub_line_comment(s, c);
			return;
		}
	}
	if (!is_in_set(c, s->x->comment) || is_comment_disabled(s))
		scrub_plain(s, c);
	else
		scrub_rest_of_line(s);
}

void gas_scrub_text(const struct gas_syntax *x, const char *text, size_t len,
		    struct buf *out)
{
	struct scrubber s = {
		.x = x, .p = text, .end = text + len, .out = out
	};

	while (s.p < s.end) {
		char c = *s.p++;

		if (is_white(c))
			scrub_blank(&s);
		else if (is_in_set(c, x->comment) ||
			 is_in_set(c, x->line_comment))
			scrub_comment(&s, c);
		else if (c == '/')
			scrub_slash(&s);
		else if (c == '"')
			scrub_string(&s);
		else if (c == '\'')
			scrub_character(&s);
		else if (c == ':') {
			if (s.state == SCRUB_IN_SYMBOL ||
			    s.state == SCRUB_AFTER_SYMBOL ||
			    s.state == SCRUB_IN_OPERANDS)
				s.state = SCRUB_IN_OPERANDS;
			else
				s.state = SCRUB_AFTER_BLANK;
			gas_append_char(out, c);
		} else if (c == '\n' || c == ';') {
			s.state = SCRUB_LINE_START;
			gas_append_char(out, c);
		} else
			scrub_plain(&s, c);
	}
	if (!out->len || out->data[out->len - 1] != '\n')
		gas_append_char(out, '\n');
}
