/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of "incbin" and "include".  The assembler's macros, cpp's ## and #
 * and the pasting of strings move words about, but every letter of a
 * directive stands somewhere, and a word is cut nowhere but at its ends.  So
 * a unit that names no file in plain words does so in hidden ones only if its
 * words can be put together to the whole.  In assembler text each word
 * counts; in C each string that is nothing but a part, between those that end
 * or start with one, and what an assembler's macro might append to.
 */
#include "scan/lexer.h"

#include "scan/escape.h"

#include <string.h>
#include <strings.h>

static const char *const whole[SCAN_PART_WORDS] = { "incbin", "include" };

static uint32_t bit(size_t from, size_t to)
{
	return UINT32_C(1) << (to * (to - 1) / 2 + from);
}

static bool same_letters(const char *a, const char *b, size_t len)
{
	return !strncasecmp(a, b, len);
}

static bool is_whole(const char *s, size_t len)
{
	for (size_t w = 0; w < SCAN_PART_WORDS; w++) {
		if (len == strlen(whole[w]) && same_letters(s, whole[w], len))
			return true;
	}
	return false;
}

/* `last`: only as the end of a word. */
static void add_to_words(struct scan_parts *parts, const char *s, size_t len,
			 bool last)
{
	for (size_t w = 0; w < SCAN_PART_WORDS; w++) {
		size_t n = strlen(whole[w]);

		for (size_t at = 0; len && at + len <= n; at++) {
			if ((!last || at + len == n) &&
			    same_letters(s, whole[w] + at, len))
				parts->of[w] |= bit(at, at + len);
		}
	}
}

void scan_parts_word(struct scan_parts *parts, const char *s, size_t len)
{
	add_to_words(parts, s, len, false);
}

/* Is a dot the first of a word?  An escape, as \n, ends what was before. */
static bool starts_word(const char *start, const char *dot)
{
	return dot == start || (dot - start > 1 && dot[-2] == '\\') ||
	       (dot[-1] != '.' && !scan_is_word((uint8_t)dot[-1]));
}

/* The first `n` letters of a word, and nothing of a longer one? */
static bool begins_with(const struct scan_pasted *in, const char *word,
			size_t n)
{
	return in->len >= n && same_letters(in->s, word, n) &&
	       (in->len == n || !scan_is_word((uint8_t)in->s[n]));
}

void scan_parts_string(struct scan_parts *parts, const struct scan_pasted *in)
{
	const char *s = in->s, *last = s + in->len - 1;

	if (in->len && *last == '.' && starts_word(s, last))
		parts->of[0] |= SCAN_PART_DOT;
	for (size_t w = 0; w < SCAN_PART_WORDS; w++) {
		const char *word = whole[w];
		size_t n = strlen(word);

		for (size_t at = 1; at < n; at++) {
			if (in->len > at && s[in->len - at - 1] == '.' &&
			    same_letters(s + in->len - at, word, at))
				parts->of[w] |= bit(0, at);
			if (begins_with(in, word + at, n - at))
				parts->of[w] |= bit(at, n);
		}
		if (!in->first && begins_with(in, word, n))
			parts->of[0] |= SCAN_PART_HEAD;
	}
	if (!in->lone && !is_whole(s, in->len))
		scan_parts_word(parts, s, in->len);
}

static bool is_space_or_tab(char c)
{
	return c == ' ' || c == '\t';
}

static size_t part_word_length(const char *s, const char *end)
{
	return (size_t)(scan_over_word(s, end) - s);
}

/* Is it one of the words between two parentheses? */
static bool is_parameter(const char *list, const char *end, const char *s,
			 size_t len)
{
	while (list < end) {
		size_t n = part_word_length(list, end);

		if (n && n == len && !memcmp(list, s, n))
			return true;
		list += n ? n : 1;
	}
	return false;
}

/* .macro NAME A, B=DEFAULT: what is declared is no text, but defaults are. */
static const char *declared(struct scan_parts *parts, const char *s,
			    const char *end)
{
	bool value = false;

	while (s < end && *s != '\n' && *s != ';') {
		size_t len = part_word_length(s, end);

		if (value)
			add_to_words(parts, s, len, false);
		if (!len)
			value = *s == '=' || (value && is_space_or_tab(*s));
		s += len ? len : 1;
	}
	return s;
}

/* Behind the name of .irp's parameter; .irpc cuts its operand into letters. */
static const char *repeated(struct scan_parts *parts, const char *s,
			    const char *end, bool letters)
{
	s = scan_over_blanks(s, end);
	s += part_word_length(s, end);
	for (const char *c = s; letters && c < end && *c != '\n'; c++)
		add_to_words(parts, c, 1, false);
	return s;
}

/*
 * Can nothing be put behind a word that ends at `s`?  If it starts a
 * statement and has operands it is an instruction, and nobody's argument.
 */
static bool is_last(const char *s, const char *end, bool first)
{
	const char *next = scan_over_blanks(s, end);

	if (next == end)
		return false;
	if (next == s)
		return !strchr(",)#\\&>!\"'/;\r\n", *next);
	return first && !strchr(",)#&\r\n", *next);
}

/* Directives whose strings are for people, or for the object as they are. */
static bool takes_prose(const char *s, size_t len)
{
	static const char *const words[] = { "error", "warning", "print",
					     "ascii", "asciz",   "string" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (len == strlen(words[i]) && same_letters(s, words[i], len))
			return true;
	}
	return false;
}

bool scan_parts_text(struct scan_parts *parts, const struct scan_prose *in)
{
	const char *s = in->s, *end = in->s + in->len;
	bool comment = in->comment, first = in->first;

	while (s < end) {
		const char *from = s;
		char before = s > in->s ? s[-1] : '\0';
		size_t len = part_word_length(s, end);

		s += len;
		if (!len) {
			if (*s == '\n' || *s == ';')
				comment = false;
			else if ((*s == '@' || *s == '#') && s + 1 < end &&
				 is_space_or_tab(s[1]))
				comment = true;
			first = *s == '\n' || *s == ';' ||
				(first && is_space_or_tab(*s));
			s++;
			continue;
		}
		if (first && s < end && *s == ':') {
			s++;
			continue;
		}
		if (before == '.' && len == 5 && same_letters(from, "macro", 5))
			s = declared(parts, s, end);
		else if (before == '.' && (len == 3 || len == 4) &&
			 same_letters(from, "irpc", len))
			s = repeated(parts, s, end, len == 4);
		else if (before == '.' && takes_prose(from, len))
			comment = true;
		/* Else a macro's parameter, or a directive in plain words? */
		else if (before != '\\' &&
			 (before != '.' || !is_whole(from, len)) &&
			 !is_parameter(in->params, in->s, from, len) &&
			 /* In prose short words abound. */
			 (!comment || len > 2))
			add_to_words(parts, from, len, is_last(s, end, first));
		first = false;
	}
	return comment;
}

/*
 * The words of all files hold each letter somewhere, as a register or in a
 * message; so one letter counts only in a row with a part of three.
 */
static bool can_be_made(uint32_t of, size_t n)
{
	/* Bit i: the first i letters, of parts of two or more; of any; of any
	 * with a longer one among them. */
	unsigned pairs = 1, any = 1, long_one = 0;

	for (size_t at = 0; at < n; at++) {
		for (size_t to = at + 1; to <= n; to++) {
			unsigned here = 1u << at, there = 1u << to;

			if (!(of & bit(at, to)))
				continue;
			if (to - at > 1 && (pairs & here))
				pairs |= there;
			if ((to - at > 2 && (any & here)) || (long_one & here))
				long_one |= there;
			if (any & here)
				any |= there;
		}
	}
	return (pairs | long_one) & 1u << n;
}

bool scan_parts_whole(const struct scan_parts *parts)
{
	const uint32_t pair = SCAN_PART_DOT | SCAN_PART_HEAD;

	if ((parts->of[0] & pair) == pair)
		return true;
	for (size_t w = 0; w < SCAN_PART_WORDS; w++) {
		if (can_be_made(parts->of[w], strlen(whole[w])))
			return true;
	}
	return false;
}

/* Is nothing before l->p in its line? */
static bool starts_line(const struct scan_lexer *l)
{
	const char *start = (const char *)l->start;
	const char *p = (const char *)l->p;

	while (p > start && is_space_or_tab(p[-1]))
		p--;
	if (p == start)
		return true;
	if (*--p != '\n')
		return false;
	while (p > start && strchr(" \t\r", p[-1]))
		p--;
	return p == start || p[-1] != '\\';
}

void scan_lexer_prose(struct scan_lexer *l, const char *s, size_t len)
{
	struct scan_prose prose = {
		.s = s,
		.len = len,
		.params = s,
		.comment = l->comment_line == l->line,
		.first = s == (const char *)l->p && starts_line(l),
	};

	if (scan_parts_text(&l->t->parts, &prose))
		l->comment_line = l->line;
}

void scan_lexer_asm_words(struct scan_lexer *l)
{
	const char *s = (const char *)l->p;
	size_t len = strcspn(s, "\n\"'/\\");
	bool parameter = l->p > l->start && l->p[-1] == '\\';

	l->words_end = l->p + len;
	scan_lexer_prose(l, s - parameter, len + parameter);
}

void scan_lexer_definition(struct scan_lexer *l, const char *s, size_t len)
{
	const char *close = len && *s == '(' ? memchr(s, ')', len) : NULL;
	struct scan_prose prose = { .s = s, .len = len, .params = s };

	if (close) {
		prose.s = close;
		prose.len = len - (size_t)(close - s);
	}
	scan_parts_text(&l->t->parts, &prose);
}

/* How many letters of a word stand at `s`: all up to what is no letter. */
static size_t part_length(const char *s, const char *end)
{
	size_t len = part_word_length(s, end);

	for (size_t w = 0; w < SCAN_PART_WORDS; w++) {
		if (len < strlen(whole[w]) && same_letters(s, whole[w], len))
			return len;
	}
	return SIZE_MAX;
}

bool scan_part_joins(const char *start, const char *dot, const char *end)
{
	const char *next;
	size_t len;

	if (!starts_word(start, dot))
		return false;
	len = part_length(dot + 1, end);
	if (len == SIZE_MAX)
		return false;
	next = dot + 1 + len;
	if (next == end)
		return len > 1;
	/* What follows is an argument, an operand or an alternative. */
	if (end - next > 1 && next[0] == '\\' && next[1] == '\\')
		return true;
	return len > 1 || (*next && strchr(len ? "{|}%&!" : "{|}", *next));
}

bool scan_part_pastes(const char *start, const char *close, const char *end)
{
	const char *dot = close - 1, *s = close + 1;

	while (dot > start && scan_is_word((uint8_t)*dot))
		dot--;
	if (dot < start || *dot != '.' ||
	    part_length(dot + 1, close) == SIZE_MAX)
		return false;
	while (s < end && *s == ' ')
		s++;
	if (s == end || *s++ != '#')
		return false;
	if (dot + 1 < close)
		return true;
	/* A whole word behind the dot is seen where it stands. */
	while (s < end && (*s == ' ' || scan_is_word((uint8_t)*s)))
		s++;
	return s < end && *s == '#';
}

/*
 * Is a string that is a whole argument, or stands first in one, away from
 * others?  A macro may paste its arguments.
 */
static bool is_alone_in_call(const char *start, const char *from,
			     const char *behind, const char *end)
{
	static const char between[] = " \t\n\\,";

	if (!strchr(",)", *behind))
		return from[-1] == '(';
	while (from > start && strchr(between, from[-1]))
		from--;
	while (behind < end && strchr(between, *behind))
		behind++;
	return (from == start || from[-1] != '"') &&
	       (behind == end || *behind != '"');
}

void scan_lexer_near(struct scan_lexer *l, const char *start, const char *from,
		     const char *behind, const char *end)
{
	while (from > start && is_space_or_tab(from[-1]))
		from--;
	behind = scan_over_blanks(behind, end);
	/* Behind an operator no string goes on. */
	l->first = from > start && strchr("{?:=[;<>+-&|!", from[-1]);
	l->lone = l->first ||
		  (behind < end && strchr("}?:;](=<>+-&|", *behind)) ||
		  (from > start && behind < end && strchr("(,", from[-1]) &&
		   is_alone_in_call(start, from, behind, end));
}

static bool is_numeric_escape(const char *s, const char *end)
{
	return s + 1 < end && *s == '\\' && s[1] && strchr("01234567xuU", s[1]);
}

bool scan_part_unescape(struct buf *out, const char *s, size_t len)
{
	const char *end = s + len;
	bool found = false;

	buf_reset(out);
	while (s < end) {
		const char *from = s;
		int64_t c = -1;
		char plain;

		if (is_numeric_escape(s, end)) {
			s++;
			c = scan_escape(&s, end);
		}
		if (c < 0) {
			if (s == from)
				s += *s == '\\' && s + 1 < end ? 2 : 1;
			buf_add(out, from, (size_t)(s - from));
			continue;
		}
		found = true;
		/* Of more than a byte gcc takes the lowest. */
		plain = (char)c;
		if (plain == '\\' || plain == '"')
			buf_add(out, "\\", 1);
		if ((unsigned char)plain >= 0x80)
			plain = '?';
		buf_add(out, &plain, 1);
	}
	return found;
}

/* The assembler takes .INCBIN too; its own spelling is seen elsewhere. */
static void check_case(struct scan_lexer *l, const struct buf *in)
{
	const char *p = (const char *)in->data, *end = p + in->len;

	for (; p < end && (p = memchr(p, '.', (size_t)(end - p))); p++) {
		if ((!strncasecmp(p, ".incbin", 7) &&
		     strncmp(p, ".incbin", 7)) ||
		    (!strncasecmp(p, ".include", 8) &&
		     strncmp(p, ".include", 8))) {
			l->t->marks |= SCAN_MARK_FILE;
			return;
		}
	}
}

/* A dot at `dot` in `what`. */
static const char *find_dotted(const char *p, const char *end, const char *what,
			       size_t dot)
{
	return bytes_find(bytes_of(p, (size_t)(end - p)), bytes_str(what), dot);
}

/* S(.NAME(x)): a dot that a macro goes on. */
static bool has_dotted_call(const char *p, const char *end)
{
	for (; p < end && (p = find_dotted(p, end, "(.", 1)); p++) {
		size_t len = part_word_length(p + 2, end);

		if (len && p + 2 + len < end && p[2 + len] == '(')
			return true;
	}
	return false;
}

/* Tokens of C that may become the start of a string: S(.inc). */
static void check_call_arguments(struct scan_lexer *l, const struct buf *in)
{
	const char *start = (const char *)in->data, *end = start + in->len;
	const char *p = start;

	if (has_dotted_call(start, end))
		l->t->marks |= SCAN_MARK_FILE;
	if (find_dotted(start, end, "(.)", 1)) /* S(.) */
		l->t->parts.of[0] |= SCAN_PART_DOT;
	for (; p < end && (p = find_dotted(p, end, ".in", 0)); p++) {
		size_t len = part_length(p + 1, end);

		if (len == SIZE_MAX ||
		    (p > start &&
		     (strchr(".)]", p[-1]) || scan_is_word((uint8_t)p[-1]))))
			continue;
		len++;
		while (p + len < end && (p[len] == ' ' || p[len] == '\t'))
			len++;
		if (p + len < end && strchr("),#\n", p[len])) {
			l->t->marks |= SCAN_MARK_FILE;
			return;
		}
	}
}

void scan_lexer_hidden(struct scan_lexer *l, const struct buf *in)
{
	if (l->mode & SCAN_ASM)
		check_case(l, in);
	else
		check_call_arguments(l, in);
}
