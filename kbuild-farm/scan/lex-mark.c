/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a compile reads or records beside its headers: the assembler's
 * .incbin and .include, and the date.  Names may be pasted from several
 * strings, so a string that ends in a part of ".incbin" counts when another
 * one starts with what is missing.
 */
#include "scan/lexer.h"

#include <string.h>

static bool has_word(const uint8_t *p, const char *word)
{
	size_t len = strlen(word);

	return !strncmp((const char *)p, word, len) && !scan_is_word(p[len]);
}

/* ("once") behind _Pragma. */
static bool is_once(const uint8_t *p)
{
	static const char once[] = "(\"once\"";
	const char *want = once;

	for (; *want; p++) {
		if (*p == (uint8_t)*want)
			want++;
		else if (*p != ' ' && *p != '\t')
			return false;
	}
	return true;
}

static void mark_reserved(struct scan_lexer *l)
{
	/* Most words that start so are none of these. */
	switch (l->p[1] == '_' || l->p[1] == 'P' ? l->p[2] : 0) {
	case 'T':
	case 'D':
	case 'C':
	case 'r':
		break;
	default:
		return;
	}
	if (has_word(l->p, "__TIME__") || has_word(l->p, "__DATE__") ||
	    has_word(l->p, "__TIMESTAMP__"))
		l->t->marks |= SCAN_MARK_TIME;
	else if (has_word(l->p, "__COUNTER__"))
		l->t->marks |= SCAN_MARK_COUNTER;
	else if (has_word(l->p, "_Pragma") && is_once(l->p + 7))
		scan_lexer_odd(l, SCAN_ODD_PRAGMA);
}

/* push_macro and pop_macro outside #pragma: an operator, by some macro. */
static bool pushes_macro(const struct scan_lexer *l)
{
	const uint8_t *p = l->p;

	return has_word(p, "_macro") &&
	       ((p - l->start >= 4 && !memcmp(p - 4, "push", 4)) ||
		(p - l->start >= 3 && !memcmp(p - 3, "pop", 3)));
}

/* Behind .incbin or .include in assembler text: the file's name. */
static void operand(struct scan_lexer *l, enum scan_op op)
{
	uint32_t at = (uint32_t)l->blob.len;
	const uint8_t *end;
	struct scan_directive *d;

	while (*l->p == ' ' || *l->p == '\t')
		l->p++;
	if (*l->p == '"') {
		end = l->p + 1;
		while (*end != '"' && *end != '\n' && *end != '\\')
			end++;
		if (*end != '"') {
			scan_lexer_odd(l, SCAN_ODD_INCBIN);
			return;
		}
		d = scan_lexer_add(l, op);
		d->form = '"';
		d->name = scan_name_id_locked(l->names, (const char *)l->p + 1,
					      (size_t)(end - l->p - 1));
		return;
	}
	for (end = l->p; *end != '\n' && *end != ';' && *end != ','; end++) {
		if (*end == '\\' || *end == '/' || *end == '"') {
			scan_lexer_odd(l, SCAN_ODD_INCBIN);
			return;
		}
	}
	buf_add(&l->blob, l->p, (size_t)(end - l->p));
	d = scan_lexer_add(l, op);
	d->at = scan_lexer_piece(l, at, (uint32_t)(end - l->p));
}

void scan_lexer_mark(struct scan_lexer *l)
{
	const uint8_t *p = l->p;
	bool bin;

	if (*p == '_') {
		if (p == l->start || !scan_is_word(p[-1]))
			mark_reserved(l);
		else if (pushes_macro(l))
			scan_lexer_odd(l, SCAN_ODD_PRAGMA);
		while (*l->p == '_')
			l->p++;
		return;
	}
	l->p++;
	bin = *p == 'b';
	if (p - l->start < (bin ? 4 : 5) ||
	    memcmp(p - (bin ? 4 : 5), bin ? ".inc" : ".incl", bin ? 4 : 5) ||
	    !has_word(p, bin ? "bin" : "ude"))
		return;
	if (!(l->mode & SCAN_ASM)) {
		scan_lexer_odd(l, SCAN_ODD_INCBIN);
		return;
	}
	l->p = p + 3;
	operand(l, bin ? SCAN_OP_INCBIN : SCAN_OP_ASM_INCLUDE);
}

/* How many of the last bytes of a string are the start of `word`. */
static unsigned heads_of(const uint8_t *s, size_t len, const char *word)
{
	unsigned bits = 0;

	for (size_t n = 1; n < 8 && n <= len; n++) {
		if (!memcmp(s + len - n, word, n))
			bits |= 1u << n;
	}
	return bits;
}

/* The string starts with what `word` lacks after its first n bytes. */
static unsigned tails_of(const uint8_t *s, size_t len, const char *word)
{
	unsigned bits = 0;

	for (size_t n = 1; word[n]; n++) {
		size_t rest = strlen(word + n);

		if (len >= rest && !memcmp(s, word + n, rest) &&
		    (len == rest || !scan_is_word(s[rest])))
			bits |= 1u << n;
	}
	return bits;
}

/* The name after .incbin, all of it inside this string: \"NAME\". */
static bool plain_name(struct scan_lexer *l, const uint8_t *p,
		       const uint8_t *end)
{
	const uint8_t *from;
	struct scan_directive *d;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (end - p < 4 || p[0] != '\\' || p[1] != '"')
		return false;
	for (from = p += 2; p < end && *p != '\\'; p++) {
		if (*p == '%')
			return false;
	}
	if (end - p < 2 || p[1] != '"' || p == from)
		return false;
	d = scan_lexer_add(l, SCAN_OP_INCBIN);
	d->form = '"';
	d->name = scan_name_id_locked(l->names, (const char *)from,
				      (size_t)(p - from));
	return true;
}

void scan_lexer_string(struct scan_lexer *l, const uint8_t *s, size_t len)
{
	const uint8_t *end = s + len;
	const uint8_t *p = s;

	if (!len)
		return;
	l->t->heads |= (uint8_t)(heads_of(s, len, ".incbin") |
				 heads_of(s, len, ".include"));
	l->t->tails |= (uint8_t)(tails_of(s, len, ".incbin") |
				 tails_of(s, len, ".include"));
	if (memchr(s, '_', len) && (memmem(s, len, "push_macro", 10) ||
				    memmem(s, len, "pop_macro", 9)))
		scan_lexer_odd(l, SCAN_ODD_PRAGMA);
	for (; (p = memchr(p, '.', (size_t)(end - p))); p++) {
		bool bin = end - p >= 7 &&
			   !strncasecmp((const char *)p, ".incbin", 7);

		if (!bin && (end - p < 8 ||
			     strncasecmp((const char *)p, ".include", 8)))
			continue;
		if (!bin || !plain_name(l, p + 7, end))
			scan_lexer_odd(l, SCAN_ODD_INCBIN);
	}
}

/* Strings of a body, as those of the text. */
static void body_strings(struct scan_lexer *l, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end && (s = memchr(s, '"', (size_t)(end - s)))) {
		const char *from = ++s;

		while (s < end && *s != '"')
			s += *s == '\\' && s + 1 < end ? 2 : 1;
		scan_lexer_string(l, (const uint8_t *)from, (size_t)(s - from));
		s++;
	}
}

/* Does `word` stand at byte `i`? */
static bool stands(const char *s, size_t i, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len - i >= n && !memcmp(s + i, word, n);
}

/* At a '_' or '.' of a body: may a file be named here? */
static bool body_mark(struct scan_lexer *l, const char *s, size_t i, size_t len)
{
	if (s[i] == '.')
		return stands(s, i, len, ".incbin") ||
		       stands(s, i, len, ".include");
	if (stands(s, i, len, "__TIME__") || stands(s, i, len, "__DATE__") ||
	    stands(s, i, len, "__TIMESTAMP__"))
		l->t->marks |= SCAN_MARK_TIME;
	else if (stands(s, i, len, "__COUNTER__"))
		l->t->marks |= SCAN_MARK_COUNTER;
	else if ((i >= 4 && stands(s, i - 4, len, "push_macro")) ||
		 (i >= 3 && stands(s, i - 3, len, "pop_macro")))
		scan_lexer_odd(l, SCAN_ODD_PRAGMA);
	return false;
}

void scan_lexer_body(struct scan_lexer *l, const char *s, size_t len)
{
	bool quotes = false, names_file = false;

	for (size_t i = 0; i < len; i++) {
		quotes |= s[i] == '"';
		if (s[i] == '_' || s[i] == '.')
			names_file |= body_mark(l, s, i, len);
	}
	if (names_file)
		scan_lexer_odd(l, SCAN_ODD_INCBIN);
	else if (quotes)
		body_strings(l, s, len);
}
