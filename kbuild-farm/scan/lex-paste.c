/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * __TIME__, __DATE__ and __TIMESTAMP__ that ## puts together.  Of two pieces
 * one is always a word that nobody else uses: a start of at least four bytes
 * ("__TI") or an end of at least three ("E__").  Of three there is also
 * __##x##__, whose middle may be any word.
 */
#include "scan/lexer.h"

#include <string.h>

#define START_MIN 4
#define END_MIN   3

static bool is_piece(const char *s, size_t len)
{
	static const char *const words[] = { "__TIME__", "__DATE__",
					     "__TIMESTAMP__" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t whole = strlen(words[i]);

		if (len >= whole)
			continue;
		if ((len >= START_MIN && !memcmp(words[i], s, len)) ||
		    (len >= END_MIN && !memcmp(words[i] + whole - len, s, len)))
			return true;
	}
	return false;
}

void scan_lexer_piece_at(struct scan_lexer *l, const char *at,
			 const char *start, const char *end)
{
	const char *from = at, *to = at;

	while (from > start && scan_is_word((uint8_t)from[-1]))
		from--;
	while (to < end && scan_is_word((uint8_t)*to))
		to++;
	if (is_piece(from, (size_t)(to - from)))
		l->t->marks |= SCAN_MARK_PASTED;
}

/* Is there a ## at `p`, blanks in front?  Behind it and more blanks, or NULL.
 */
static const char *paste(const char *p, const char *end)
{
	p = scan_over_blanks(p, end);
	return end - p >= 2 && p[0] == '#' && p[1] == '#' ?
		       scan_over_blanks(p + 2, end) :
		       NULL;
}

static bool is_underscores(const char *from, const char *to)
{
	return (to - from == 1 || to - from == 2) && from[0] == '_' &&
	       to[-1] == '_';
}

static bool is_pasted(const char *p, const char *start)
{
	while (p > start && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	return p > start && p[-1] == '#';
}

/* __##x##__ at the word `p`, with nothing pasted in front or behind. */
static bool frames_a_word(const char *p, const char *start, const char *end)
{
	const char *to = scan_over_word(p, end), *middle, *last;

	middle = is_underscores(p, to) ? paste(to, end) : NULL;
	last = middle ? paste(scan_over_word(middle, end), end) : NULL;
	if (!last || is_pasted(p, start))
		return false;
	to = scan_over_word(last, end);
	return is_underscores(last, to) && !paste(to, end);
}

void scan_lexer_pieces(struct scan_lexer *l, const char *s, size_t len)
{
	const char *p = s, *end = s + len;
	bool pastes = memmem(s, len, "##", 2);

	while (p < end && (p = memchr(p, '_', (size_t)(end - p)))) {
		bool first = p == s || !scan_is_word((uint8_t)p[-1]);

		scan_lexer_piece_at(l, p, s, end);
		if (pastes && first && frames_a_word(p, s, end))
			l->t->marks |= SCAN_MARK_PASTED;
		p = scan_over_word(p, end);
	}
}
