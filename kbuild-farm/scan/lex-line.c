/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/lexer.h"

#include "base/vec.h"

#include <string.h>

/* Behind a backslash-newline at `p`, or NULL. */
static const uint8_t *behind_splice(const uint8_t *p)
{
	if (*p++ != '\\')
		return NULL;
	while (scan_class[*p] & SCAN_BLANK)
		p++;
	return *p == '\n' ? p + 1 : NULL;
}

/* At a backslash: step over it, with the line's end if it hides one. */
static bool take_splice(struct scan_lexer *l)
{
	const uint8_t *next = behind_splice(l->p);

	if (!next)
		return false;
	/* What was appended to the file is its end, and stays one. */
	if (next >= l->end) {
		l->p = l->end - 1;
		return true;
	}
	l->p = next;
	l->line++;
	return true;
}

/* The byte that follows `p` once splices are gone. */
static const uint8_t *following(const struct scan_lexer *l, const uint8_t *p)
{
	const uint8_t *next;

	for (p++; (next = behind_splice(p)) && next < l->end; p = next)
		;
	return p;
}

/* Bytes before `to` belong to no comment or quote: count their lines. */
static void step(struct scan_lexer *l, const uint8_t *to)
{
	for (; l->p < to; l->p++)
		l->line += *l->p == '\n';
}

static void block_comment(struct scan_lexer *l)
{
	for (;;) {
		while (!(scan_class[*l->p] & SCAN_STOP_COMMENT))
			l->p++;
		if (*l->p == '*') {
			const uint8_t *next = following(l, l->p);

			if (*next == '/') {
				step(l, next + 1);
				return;
			}
			l->p++;
		} else if (*l->p == '\n') {
			/* Never past the newline that ends the file. */
			if (l->p + 1 >= l->end)
				return;
			l->line++;
			l->p++;
		} else if (l->p >= l->end) {
			return;
		} else {
			l->p++;
		}
	}
}

static void skip_line_comment(struct scan_lexer *l)
{
	while (*l->p != '\n') {
		if (*l->p != '\\' || !take_splice(l))
			l->p++;
	}
}

/* At a '/': skip a comment, if it is one. */
static bool skip_comment(struct scan_lexer *l)
{
	const uint8_t *from = l->p, *next = following(l, from);

	if (*next == '*') {
		step(l, next + 1);
		block_comment(l);
		scan_lexer_passed(l, from);
		return true;
	}
	/* clang takes it for a comment, and gcc does in system headers. */
	if (*next == '/' && (l->mode & SCAN_OLD))
		l->t->slashes = true;
	else if (*next == '/') {
		step(l, next + 1);
		skip_line_comment(l);
		scan_lexer_passed(l, from);
		return true;
	}
	return false;
}

bool scan_lexer_blanks(struct scan_lexer *l)
{
	for (;;) {
		while (scan_class[*l->p] & SCAN_BLANK)
			l->p++;
		if (*l->p == '\n')
			return false;
		if (*l->p == '\0' && l->p < l->end)
			l->p++;
		else if (*l->p == '\\' && take_splice(l))
			continue;
		else if (*l->p != '/' || !skip_comment(l))
			return true;
	}
}

/* Copy what stands between `from` and the place where we are. */
static void copy_since(struct buf *out, const uint8_t *from,
		       const struct scan_lexer *l)
{
	if (out)
		buf_add(out, from, (size_t)(l->p - from));
}

/* A backslash inside quotes: an escape takes the next byte along. */
static void copy_escape(struct scan_lexer *l, struct buf *out)
{
	const uint8_t *from = l->p++;

	copy_since(out, from, l);
	while (*l->p == '\\' && take_splice(l))
		;
	from = l->p;
	if (*l->p != '\n')
		l->p++;
	copy_since(out, from, l);
}

/*
 * From an opening quote to behind its end, or to the end of the line.
 * Appends what it is without splices to `out`.
 */
static void lex_quoted(struct scan_lexer *l, struct buf *out)
{
	uint8_t close = *l->p;
	const uint8_t *from = l->p++;

	for (;;) {
		while (!(scan_class[*l->p] & SCAN_STOP_QUOTED))
			l->p++;
		if (*l->p == close) {
			l->p++;
			break;
		}
		if (*l->p == '\n')
			break;
		if (*l->p != '\\') {
			l->p++;
			continue;
		}
		copy_since(out, from, l);
		if (!take_splice(l))
			copy_escape(l, out);
		from = l->p;
	}
	copy_since(out, from, l);
}

/* Is the quote at l->p that of R"x(...)x"?  Its prefix stands before it. */
static bool is_raw(const struct scan_lexer *l)
{
	static const char *const prefix[] = { "R", "LR", "uR", "UR", "u8R" };
	const uint8_t *from = l->p;
	size_t len;

	if (!(l->mode & SCAN_RAW) || *l->p != '"')
		return false;
	while (from > l->start && scan_is_word(from[-1]))
		from--;
	len = (size_t)(l->p - from);
	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		if (len == strlen(prefix[i]) && !memcmp(from, prefix[i], len))
			return true;
	}
	return false;
}

/* Behind a raw string, or NULL if it is none. */
static const uint8_t *raw_end(const struct scan_lexer *l)
{
	const uint8_t *delimiter = l->p + 1;
	const uint8_t *p = delimiter;
	size_t len;

	while (p < l->end && !strchr(" ()\\\t\v\f\n", *p))
		p++;
	len = (size_t)(p - delimiter);
	if (*p != '(' || len > 16)
		return NULL;
	for (; p < l->end && (p = memchr(p, ')', (size_t)(l->end - p))); p++) {
		if ((size_t)(l->end - p) > len + 1 &&
		    !memcmp(p + 1, delimiter, len) && p[1 + len] == '"')
			return p + len + 2;
	}
	return NULL;
}

static void raw_string(struct scan_lexer *l)
{
	const uint8_t *end = raw_end(l);

	if (!end) {
		scan_lexer_unsupported(l, REASON_UNSUPPORTED_BYTES);
		end = l->p + 1;
	} else {
		l->lone = l->first = false;
		scan_lexer_string(l, l->p + 1, (size_t)(end - l->p - 2));
	}
	step(l, end);
}

static void lex_string(struct scan_lexer *l)
{
	const uint8_t *from = l->p;

	buf_reset(&l->scratch);
	lex_quoted(l, &l->scratch);
	scan_lexer_near(l, (const char *)l->start, (const char *)from,
			(const char *)l->p, (const char *)l->end);
	if (l->scratch.len > 1)
		scan_lexer_string(l, l->scratch.data + 1, l->scratch.len - 2);
}

/* For gas it may be an apostrophe, and what follows text. */
static void lex_character(struct scan_lexer *l)
{
	buf_reset(&l->scratch);
	lex_quoted(l, &l->scratch);
	if (l->mode & SCAN_ASM)
		scan_lexer_prose(l, buf_str(&l->scratch), l->scratch.len);
}

/* Does a number reach up to `p`?  12, 1.e+3, .5f, 1'000, not x1, 'a'. */
static bool is_number(const struct scan_lexer *l, const uint8_t *p)
{
	for (;;) {
		const uint8_t *end = p;

		while (p > l->start && scan_is_word(p[-1]))
			p--;
		if (p < end && *p >= '0' && *p <= '9')
			return true;
		if (p == l->start)
			return false;
		p--;
		if (*p == '\'')
			return p == l->separator;
		if (*p == '+' || *p == '-') {
			if (p == l->start || !strchr("eEpP", p[-1]))
				return false;
		} else if (*p != '.') {
			return false;
		}
	}
}

/* A quote inside a number, as in 1'000? */
static bool separates_digits(struct scan_lexer *l)
{
	if (!(l->mode & SCAN_SEPARATORS) || !scan_is_word(l->p[1]) ||
	    !is_number(l, l->p))
		return false;
	l->separator = l->p;
	return true;
}

static void text_backslash(struct scan_lexer *l)
{
	const uint8_t *before = l->p;

	if (!take_splice(l)) {
		l->p++;
		return;
	}
	/* A word that we might look for, cut in two. */
	if (before > l->start && scan_is_word(before[-1]) &&
	    scan_is_word(*l->p))
		l->t->marks |= SCAN_MARK_SPLIT;
}

static void text_quote(struct scan_lexer *l)
{
	if (separates_digits(l))
		l->p++;
	else if (is_raw(l))
		raw_string(l);
	else if (*l->p == '"')
		lex_string(l);
	else
		lex_character(l);
}

void scan_lexer_text(struct scan_lexer *l)
{
	for (;;) {
		if ((l->mode & SCAN_ASM) && l->p >= l->words_end)
			scan_lexer_asm_words(l);
		while (!(scan_class[*l->p] & SCAN_STOP_TEXT))
			l->p++;
		switch (*l->p) {
		case '\n':
			l->p++;
			l->line++;
			return;
		case '\0':
			if (l->p >= l->end)
				return;
			l->p++;
			break;
		case '"':
		case '\'':
			text_quote(l);
			break;
		case '/':
			if (!skip_comment(l))
				l->p++;
			break;
		case '\\':
			text_backslash(l);
			break;
		default:
			scan_lexer_mark(l);
		}
	}
}

static void rest_quote(struct scan_lexer *l, bool in_text)
{
	const uint8_t *end;

	if (separates_digits(l)) {
		buf_add(&l->blob, l->p++, 1);
		return;
	}
	if (!is_raw(l)) {
		lex_quoted(l, &l->blob);
		return;
	}
	end = raw_end(l);
	if (!end || (!in_text && memchr(l->p, '\n', (size_t)(end - l->p)))) {
		scan_lexer_unsupported(l, REASON_UNSUPPORTED_BYTES);
		end = l->p + 1;
	}
	buf_add(&l->blob, l->p, (size_t)(end - l->p));
	step(l, end);
}

/* Text that is kept: here another line begins. */
static void turn(struct scan_lexer *l, size_t from)
{
	struct scan_keep *k = l->keep;

	if (k->seen == l->line)
		return;
	k->seen = l->line;
	k->turn = vec_reserve(k->turn, &k->cap_turn, k->n_turn,
			      sizeof(*k->turn));
	k->turn[k->n_turn++] = (struct scan_turn){ l->blob.len - from,
						   l->line };
}

static void clean(struct scan_lexer *l, bool in_text)
{
	size_t before = l->blob.len;

	for (;;) {
		const uint8_t *from = l->p;

		if (in_text)
			turn(l, before);
		while (!(scan_class[*l->p] & SCAN_STOP_REST))
			l->p++;
		copy_since(&l->blob, from, l);
		if (*l->p == '\n')
			break;
		if (*l->p == '"' || *l->p == '\'') {
			rest_quote(l, in_text);
		} else if (*l->p == '/' && skip_comment(l)) {
			buf_add(&l->blob, " ", 1);
		} else if (*l->p != '\\' || !take_splice(l)) {
			/* NUL is a blank. */
			buf_add(&l->blob, *l->p ? l->p : (uint8_t *)" ", 1);
			l->p++;
		}
	}
	l->p++;
	l->line++;
}

void scan_lexer_rest(struct scan_lexer *l)
{
	clean(l, false);
}

void scan_lexer_line(struct scan_lexer *l)
{
	clean(l, true);
}

void scan_lexer_header(struct scan_lexer *l, uint8_t close)
{
	while (*l->p != '\n') {
		if (*l->p == '\\' && take_splice(l))
			continue;
		buf_add(&l->blob, l->p, 1);
		if (*l->p++ == close)
			return;
	}
}

size_t scan_lexer_word(struct scan_lexer *l)
{
	size_t before = l->blob.len;

	for (;;) {
		const uint8_t *from = l->p;

		while (scan_is_word(*l->p))
			l->p++;
		copy_since(&l->blob, from, l);
		if (*l->p != '\\' || !take_splice(l))
			return l->blob.len - before;
	}
}

bool scan_lexer_bracketed(const uint8_t *s, const uint8_t *end)
{
	while ((s = memchr(s, '<', (size_t)(end - s)))) {
		for (; s < end && *s != '>'; s++) {
			if (*s == '/' &&
			    (s[1] == '*' || s[1] == '/' || s[1] == '\\'))
				return true;
		}
	}
	return false;
}

/* One of the nine: "what??" is none. */
static bool has_trigraph(const uint8_t *text, size_t len)
{
	const uint8_t *p = text, *end = text + len;

	for (; (p = bytes_find(bytes_of(p, (size_t)(end - p)), bytes_str("??"),
			       0));
	     p++) {
		if (p + 2 < end && memchr("=/'()!<>-", p[2], 9))
			return true;
	}
	return false;
}

/* Trigraphs and lone carriage returns are nothing that we rewrite. */
void scan_lexer_bytes(struct scan_lexer *l, const struct buf *in)
{
	const uint8_t *p = in->data, *end = in->data + in->len;

	for (; p < end && (p = memchr(p, '\r', (size_t)(end - p))); p++) {
		if (p[1] != '\n') {
			scan_lexer_unsupported(l, REASON_UNSUPPORTED_BYTES);
			break;
		}
	}
	if ((l->mode & SCAN_TRIGRAPHS) && has_trigraph(in->data, in->len))
		scan_lexer_unsupported(l, REASON_UNSUPPORTED_BYTES);
}
