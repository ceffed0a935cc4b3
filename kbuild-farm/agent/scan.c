/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gcc takes a '#' for a directive's when nothing but blanks and comments
 * stand before it in its line, where a backslash joins lines, and where it
 * may be written %: or ??= too.  Here nothing has to be known of comments
 * and strings: the start of a line is what follows a line's end or a
 * comment's, and a backslash or a comment within a directive's first word
 * (no program has these) is taken for the worst.
 */
#include "agent/scan.h"

#include <ctype.h>
#include <string.h>

enum state {
	START, /* of a line: a '#' is a directive's */
	PERCENT, /* a '%' there: a ':' makes it a '#' */
	QUESTION, /* a '?' there: another and a '=' make it a '#' */
	HASH, /* behind the '#' */
	WORD, /* in its first word */
	REST, /* of the line */
};

static const char *const words[] = { "include", "include_next", "import",
				     "embed" };

void agent_scan_init(struct agent_scan *s, bool directives)
{
	*s = (struct agent_scan){ .directives = directives, .state = START };
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || !c;
}

static bool is_end(unsigned char c)
{
	return c == '\n' || c == '\r';
}

static bool is_word(unsigned char c)
{
	return isalnum(c) || c == '_';
}

/* What may stand for a join of lines, or begin a comment. */
static bool is_odd(unsigned char c)
{
	return c == '\\' || c == '?' || c == '/';
}

static bool word_ok(const struct agent_scan *s, bool goes_on)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strncmp(words[i], s->word, s->word_len) &&
		    (goes_on || !words[i][s->word_len]))
			return false;
	}
	return true;
}

/* Bytes beyond ASCII: a byte order mark is not there for gcc. */
static unsigned char next_of_start(unsigned char c)
{
	if (is_blank(c) || c >= 0x80)
		return START;
	if (c == '#')
		return HASH;
	if (c == '?')
		return QUESTION;
	return c == '%' ? PERCENT : REST;
}

/* One byte that is no end of a line. */
static bool step(struct agent_scan *s, unsigned char c)
{
	if (s->state == START) {
		s->state = next_of_start(c);
	} else if (s->state == PERCENT) {
		s->state = c == ':' ? HASH : REST;
		return !is_odd(c);
	} else if (s->state == QUESTION) {
		s->state = c == '=' ? HASH : c == '?' ? QUESTION : REST;
	} else if (s->state == HASH && is_word(c)) {
		s->state = WORD;
		s->word[0] = (char)c;
		s->word_len = 1;
	} else if (s->state == HASH && !is_blank(c)) {
		s->state = REST;
		return !is_odd(c);
	} else if (s->state == WORD && !is_word(c)) {
		s->state = REST;
		return word_ok(s, is_odd(c));
	} else if (s->state == WORD) {
		s->word[s->word_len++] = (char)c;
		if (s->word_len == sizeof(s->word))
			s->state = REST;
	}
	return true;
}

/* "*" and "/" end a comment, with joins of lines between them too. */
static void look_for_comment_end(struct agent_scan *s, unsigned char c)
{
	bool joins = is_blank(c) || is_end(c) || c == '\\' || c == '?' ||
		     (c == '/' && s->last == '?');

	if (c == '/' && s->star)
		s->state = START;
	s->star = c == '*' || (s->star && joins);
	s->last = c;
}

static const uint8_t *skip_rest(const struct agent_scan *s, const uint8_t *p,
				const uint8_t *end)
{
	if (s->state != REST || s->star)
		return p;
	while (p < end && !is_end(*p) && *p != '*')
		p++;
	return p;
}

static bool directives_ok(struct agent_scan *s, struct bytes in)
{
	const uint8_t *p = in.data, *end = p + in.len;

	while ((p = skip_rest(s, p, end)) < end) {
		bool ok = true;

		if (is_end(*p)) {
			ok = s->state != WORD || word_ok(s, false);
			s->state = START;
		} else {
			ok = step(s, *p);
		}
		if (!ok)
			return false;
		look_for_comment_end(s, *p++);
	}
	return true;
}

static bool has_pragma(struct bytes in)
{
	static const char word[] = "pch_preprocess";

	return in.len && memmem(in.data, in.len, word, strlen(word));
}

/*
 * The pragma's name can be pasted of parts; but it does nothing without an
 * image in a file of the node, and jobs' texts are the only files there that
 * a client writes.
 */
static bool is_image(struct agent_scan *s, struct bytes in)
{
	static const uint8_t magic[] = { 'g', 'p', 'c', 'h' };
	size_t i = 0;

	while (i < in.len && s->magic < sizeof(magic) &&
	       in.data[i] == magic[s->magic]) {
		s->magic++;
		i++;
	}
	if (s->magic == sizeof(magic))
		return true;
	if (i < in.len)
		s->magic = UINT8_MAX;
	return false;
}

/* As has_pragma(), for a word that two pieces share. */
static bool tail_ok(struct agent_scan *s, struct bytes in)
{
	char both[2 * AGENT_SCAN_OVERLAP];
	size_t n = in.len < AGENT_SCAN_OVERLAP ? in.len : AGENT_SCAN_OVERLAP;
	size_t all = s->tail_len + n, keep;

	memcpy(both, s->tail, s->tail_len);
	if (n)
		memcpy(both + s->tail_len, in.data, n);
	if (has_pragma(bytes_of(both, all)))
		return false;
	if (in.len > n) {
		memcpy(s->tail, in.data + in.len - n, n);
		s->tail_len = (unsigned char)n;
		return true;
	}
	keep = all < AGENT_SCAN_OVERLAP ? all : AGENT_SCAN_OVERLAP;
	memcpy(s->tail, both + all - keep, keep);
	s->tail_len = (unsigned char)keep;
	return true;
}

bool agent_scan_text(struct agent_scan *s, struct bytes in)
{
	return !is_image(s, in) && tail_ok(s, in) && !has_pragma(in) &&
	       (!s->directives || directives_ok(s, in));
}
