/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a compile reads or records beside its headers: the assembler's
 * .incbin and .include, dtc's /incbin/ and /include/, and the date.  Names may
 * be pasted from several strings, so a string that ends in a part of ".incbin"
 * counts when another one starts with what is missing; what else makes one is
 * in lex-part.c.
 */
#include "scan/lexer.h"

#include <string.h>
#include <strings.h>

static bool has_word(const uint8_t *p, const char *word)
{
	size_t len = strlen(word);

	return !strncmp((const char *)p, word, len) && !scan_is_word(p[len]);
}

static void mark_reserved(struct scan_lexer *l)
{
	/* Most words that start so are none of these. */
	switch (l->p[1] == '_' ? l->p[2] : l->p[1]) {
	case 'T':
	case 'B':
	case 'D':
	case 'C':
	case 'P':
	case 'p':
		break;
	default:
		return;
	}
	if (has_word(l->p, "__TIME__") || has_word(l->p, "__DATE__") ||
	    has_word(l->p, "__TIMESTAMP__"))
		l->t->marks |= SCAN_MARK_TIME;
	else if (has_word(l->p, "__COUNTER__"))
		l->t->marks |= SCAN_MARK_COUNTER;
	else if (has_word(l->p, "__BASE_FILE__"))
		l->t->marks |= SCAN_MARK_BASE;
	else if (has_word(l->p, "__pragma"))
		l->t->marks |= SCAN_MARK_PRAGMA;
	else if (l->p[1] == 'P')
		scan_lexer_pragma(l, (const char *)l->p, (const char *)l->end);
}

/* push_macro and pop_macro outside #pragma: an operator, by some macro. */
static bool pushes_macro(const struct scan_lexer *l)
{
	const uint8_t *p = l->p;

	return has_word(p, "_macro") &&
	       ((p - l->start >= 4 && !memcmp(p - 4, "push", 4)) ||
		(p - l->start >= 3 && !memcmp(p - 3, "pop", 3)));
}

/* An argument incbin or include in C, that # could put behind a dot. */
static bool is_argument(const struct scan_lexer *l, const uint8_t *p, bool bin)
{
	size_t n = bin ? 3 : 4;

	if ((size_t)(p - l->start) < n || memcmp(p - n, "incl", n) ||
	    !has_word(p, bin ? "bin" : "ude"))
		return false;
	p -= n;
	while (p > l->start && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	return p == l->start || strchr("(,\n", p[-1]);
}

void scan_lexer_mark(struct scan_lexer *l)
{
	const uint8_t *p = l->p;
	ptrdiff_t n;
	bool bin;

	if (*p == '_') {
		if (p[1] == '_' &&
		    (p[2] == 'T' || p[2] == 'D' || !scan_is_word(p[2])))
			scan_lexer_piece_at(l, (const char *)p,
					    (const char *)l->start,
					    (const char *)l->end);
		if (p == l->start || !scan_is_word(p[-1]))
			mark_reserved(l);
		else if (pushes_macro(l))
			l->t->marks |= SCAN_MARK_OPERATOR;
		while (*l->p == '_')
			l->p++;
		return;
	}
	l->p++;
	bin = *p == 'b';
	if (!(l->mode & SCAN_ASM) && is_argument(l, p, bin))
		scan_parts_word(&l->t->parts, bin ? "incbin" : "include",
				bin ? 6 : 7);
	n = bin ? 3 : 4;
	if (p - l->start <= n || memcmp(p - n, "incl", (size_t)n) ||
	    !has_word(p, bin ? "bin" : "ude"))
		return;
	if (p[-n - 1] == '.')
		l->t->marks |= SCAN_MARK_FILE;
	else if (p[-n - 1] == '/' && p[3] == '/')
		l->t->marks |= SCAN_MARK_TREE;
}

/* A string that names a file to the assembler, or could help to. */
static void assembler_text(struct scan_lexer *l, const uint8_t *s, size_t len)
{
	const uint8_t *end = s + len;
	const uint8_t *p = s;

	if (l->mode & SCAN_ASM)
		scan_lexer_prose(l, (const char *)s, len);
	else
		scan_parts_string(&l->t->parts,
				  &(struct scan_pasted){ (const char *)s, len,
							 l->lone, l->first });
	for (; (p = memchr(p, '.', (size_t)(end - p))); p++) {
		bool bin = end - p >= 7 &&
			   !strncasecmp((const char *)p, ".incbin", 7);

		if (!bin && (end - p < 8 ||
			     strncasecmp((const char *)p, ".include", 8))) {
			if (!(l->mode & SCAN_ASM) &&
			    scan_part_joins((const char *)s, (const char *)p,
					    (const char *)end))
				l->t->marks |= SCAN_MARK_FILE;
			continue;
		}
		l->t->marks |= SCAN_MARK_FILE;
	}
}

void scan_lexer_string(struct scan_lexer *l, const uint8_t *s, size_t len)
{
	if (!len)
		return;
	if (memchr(s, '_', len) && (memmem(s, len, "push_macro", 10) ||
				    memmem(s, len, "pop_macro", 9)))
		l->t->marks |= SCAN_MARK_OPERATOR;
	if (memchr(s, '\\', len) &&
	    scan_part_unescape(&l->unescaped, (const char *)s, len)) {
		s = l->unescaped.data;
		len = l->unescaped.len;
	}
	if (len)
		assembler_text(l, s, len);
}

/* Strings of a body, as those of the text. */
static void body_strings(struct scan_lexer *l, const char *s, size_t len)
{
	const char *start = s, *end = s + len;

	while (s < end && (s = memchr(s, '"', (size_t)(end - s)))) {
		const char *from = ++s;

		while (s < end && *s != '"')
			s += *s == '\\' && s + 1 < end ? 2 : 1;
		scan_lexer_near(l, start, from - 1, s + 1, end);
		scan_lexer_string(l, (const uint8_t *)from, (size_t)(s - from));
		if (s < end && scan_part_pastes(from, s, end))
			l->t->marks |= SCAN_MARK_FILE;
		s++;
	}
}

/* Does `word` stand at byte `i`? */
static bool stands(const char *s, size_t i, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len - i >= n && !memcmp(s + i, word, n);
}

/* May it stand before a word?  What follows a dot is looked at elsewhere. */
static bool is_before(uint8_t c)
{
	return c != '.' && !scan_is_word(c);
}

/* incbin or include as a word of its own: its length, or 0. */
static size_t directive_length(const char *s, size_t i, size_t len)
{
	size_t n = stands(s, i, len, "incbin")  ? 6 :
		   stands(s, i, len, "include") ? 7 :
						  0;

	if ((i && !is_before((uint8_t)s[i - 1])) ||
	    (i + n < len && scan_is_word((uint8_t)s[i + n])))
		return 0;
	return n;
}

/* At a '_', '.' or 'i' of a body: may a file be named here? */
static bool body_mark(struct scan_lexer *l, const char *s, size_t i, size_t len)
{
	if (s[i] == 'i') {
		scan_parts_word(&l->t->parts, s + i,
				directive_length(s, i, len));
		return false;
	}
	if (s[i] == '.')
		return stands(s, i, len, ".incbin") ||
		       stands(s, i, len, ".include");
	if (stands(s, i, len, "__TIME__") || stands(s, i, len, "__DATE__") ||
	    stands(s, i, len, "__TIMESTAMP__"))
		l->t->marks |= SCAN_MARK_TIME;
	else if (stands(s, i, len, "__COUNTER__"))
		l->t->marks |= SCAN_MARK_COUNTER;
	else if (stands(s, i, len, "__BASE_FILE__"))
		l->t->marks |= SCAN_MARK_BASE;
	else if (stands(s, i, len, "__pragma"))
		l->t->marks |= SCAN_MARK_PRAGMA;
	else if (stands(s, i, len, "_P") &&
		 (!i || !scan_is_word((uint8_t)s[i - 1])))
		scan_lexer_pragma(l, s + i, s + len);
	else if ((i >= 4 && stands(s, i - 4, len, "push_macro")) ||
		 (i >= 3 && stands(s, i - 3, len, "pop_macro")))
		l->t->marks |= SCAN_MARK_OPERATOR;
	return false;
}

void scan_lexer_body(struct scan_lexer *l, const char *s, size_t len)
{
	bool quotes = false, names_file = false, inside = false;
	/* Then it is harder to tell which quotes are a string's. */
	bool characters = memchr(s, '\'', len);

	scan_lexer_pieces(l, s, len);
	if (l->mode & SCAN_ASM)
		scan_lexer_definition(l, s, len);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"') {
			quotes = true;
			if (!characters && (!i || s[i - 1] != '\\'))
				inside = !inside;
		}
		if (s[i] == '_' || s[i] == '.' || (s[i] == 'i' && !inside))
			names_file |= body_mark(l, s, i, len);
	}
	if (names_file)
		l->t->marks |= SCAN_MARK_FILE;
	else if (quotes)
		body_strings(l, s, len);
}
