/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pragmas, as directives and as operators.  A literal operand is read as a
 * directive would be.  One that macros make cannot be: a unit with such an
 * operator is given up if a word that matters, once or one behind GCC,
 * stands anywhere in its code, for it may end up there.
 */
#include "scan/lexer.h"

#include "scan/pragma.h"

#include <string.h>

/* A cleaned text, or a part of one. */
struct part {
	const char *s, *end;
};

static void skip_blanks(struct part *p)
{
	while (p->s < p->end && strchr(" \t\v\f\r", *p->s))
		p->s++;
}

/* Take a word off the front, with the blanks behind it. */
static bool take_word(struct part *p, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(p->end - p->s) < n || memcmp(p->s, word, n) ||
	    (p->s + n < p->end && scan_is_word((uint8_t)p->s[n])))
		return false;
	p->s += n;
	skip_blanks(p);
	return true;
}

static bool take_one_of(struct part *p, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (take_word(p, words[i]))
			return true;
	}
	return false;
}

#define TAKE_ONE_OF(p, words) \
	take_one_of(p, words, sizeof(words) / sizeof((words)[0]))

/* Blanks, ends of lines, and what is left out as a comment. */
static void skip_space(struct part *p)
{
	for (;;) {
		const char *from = p->s;

		while (p->s < p->end && strchr(" \t\v\f\r\n\\", *p->s))
			p->s++;
		if (p->end - p->s >= 2 && p->s[0] == '/' && p->s[1] == '*') {
			const char *end = memmem(
				p->s + 2, (size_t)(p->end - p->s - 2), "*/", 2);

			p->s = end ? end + 2 : p->end;
		} else if (p->end - p->s >= 2 && p->s[0] == '/' &&
			   p->s[1] == '/') {
			while (p->s < p->end && *p->s != '\n')
				p->s++;
		}
		if (p->s == from)
			return;
	}
}

/* NAME(GCC diagnostic: what Linux and others make strings of. */
static bool is_diagnostic(struct part p)
{
	static const char *const spaces[] = { "GCC", "clang" };

	while (p.s < p.end && scan_is_word((uint8_t)*p.s))
		p.s++;
	skip_space(&p);
	if (p.s == p.end || *p.s++ != '(')
		return false;
	skip_space(&p);
	return TAKE_ONE_OF(&p, spaces) && take_word(&p, "diagnostic");
}

/* The inside of a string literal at the front; false: there is none. */
static bool take_literal(struct part *p, struct part *inside)
{
	static const char *const prefix[] = { "\"", "L\"", "u8\"", "u\"",
					      "U\"" };
	const char *s;

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		size_t n = strlen(prefix[i]);

		if ((size_t)(p->end - p->s) < n || memcmp(p->s, prefix[i], n))
			continue;
		for (s = p->s + n; s < p->end && *s != '"'; s++)
			s += *s == '\\' && s + 1 < p->end;
		*inside = (struct part){ p->s + n, s };
		return true;
	}
	return false;
}

/* The text of a _Pragma("..."). */
static void check_literal(struct scan_lexer *l, struct part p)
{
	bool matters = scan_pragma(p.s, (size_t)(p.end - p.s));

	skip_blanks(&p);
	/* A comment or a line's end in front of the word: who knows. */
	if (matters || (p.s < p.end && !scan_is_word((uint8_t)*p.s)) ||
	    memmem(p.s, (size_t)(p.end - p.s), "\\\n", 2))
		l->t->marks |= SCAN_MARK_OPERATOR;
}

void scan_lexer_pragma(struct scan_lexer *l, const char *s, const char *end)
{
	struct part p = { s, end }, inside;
	bool whole = take_word(&p, "_Pragma");

	if (whole) {
		skip_space(&p);
		whole = p.s < p.end && *p.s++ == '(';
		skip_space(&p);
	} else {
		size_t n = 0;

		/* Some part of the word may be pasted to the rest of it. */
		while (s + n < end && scan_is_word((uint8_t)s[n]))
			n++;
		/* _P is a name of Linux's; the other part is looked for. */
		if (n < 3 || n > 7 || memcmp(s, "_Pragma", n))
			return;
	}
	if (whole && take_literal(&p, &inside))
		check_literal(l, inside);
	else if (!whole || !is_diagnostic(p))
		l->t->marks |= SCAN_MARK_PRAGMA;
}

/* What is said behind GCC and changes neither macros nor files. */
static bool is_harmless(const uint8_t *s, const uint8_t *end)
{
	static const char *const words[] = { "diagnostic", "unroll",  "ivdep",
					     "visibility", "warning", "error",
					     "poison" };
	struct part p = { (const char *)s, (const char *)end };

	skip_blanks(&p);
	/* "requires GCC 4.1" */
	return (p.s < p.end && *p.s >= '0' && *p.s <= '9') ||
	       TAKE_ONE_OF(&p, words);
}

static const struct {
	const char *s;
	size_t rare; /* the byte of it that texts have least */
	unsigned mark;
} words[SCAN_LEXER_WORDS] = {
	{ "once", 2, SCAN_MARK_ONCE },
	{ "GCC", 0, SCAN_MARK_GCC },
	/* Pasted to _ or _P. */
	{ "Pragma", 0, SCAN_MARK_PRAGMA },
	{ "ragma", 2, SCAN_MARK_PRAGMA },
};

static const uint8_t *find_pragma_word(const struct scan_lexer *l,
				       const uint8_t *p, unsigned word)
{
	size_t n = strlen(words[word].s);

	for (; (p = bytes_find(bytes_of(p, (size_t)(l->end - p)),
			       bytes_of(words[word].s, n), words[word].rare));
	     p++) {
		if (p > l->start && (scan_is_word(p[-1]) || p[-1] == '.'))
			continue;
		if (!scan_is_word(p[n]) &&
		    !(words[word].mark == SCAN_MARK_GCC &&
		      is_harmless(p + n, l->end)))
			return p;
	}
	return NULL;
}

void scan_lexer_words(struct scan_lexer *l)
{
	for (unsigned i = 0; i < SCAN_LEXER_WORDS; i++)
		l->word[i] = find_pragma_word(l, l->start, i);
}

void scan_lexer_passed(struct scan_lexer *l, const uint8_t *from)
{
	for (unsigned i = 0; i < SCAN_LEXER_WORDS; i++) {
		if (!l->word[i] || l->word[i] >= l->p)
			continue;
		if (l->word[i] < from) {
			l->t->marks |= words[i].mark;
			l->word[i] = NULL;
		} else {
			l->word[i] = find_pragma_word(l, l->p, i);
		}
	}
}
