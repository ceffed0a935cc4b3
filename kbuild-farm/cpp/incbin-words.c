/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Detection of .incbin and .include that are joined from pieces.
 *
 * Assembler macros, # and ##, and adjacent strings can move and join words, but
 * they create no letters, and only .irpc splits words.  A unit that contains
 * neither "incbin" nor "include" can therefore use these directives only if
 * pieces in the unit can be joined to one of the two words.  In assembler text,
 * every word can be a piece.  In C, a string can be a piece if the whole string
 * is a substring of "incbin" or "include", if the string starts or ends with
 * such a substring, or if an assembler macro can append to the string.
 */
#include "cpp/incbin-words.h"

#include "base/vec.h"
#include "cpp/token.h"

#include <string.h>
#include <strings.h>

static const char *const incbin_directives[CPP_INCBIN_N_WORDS] = { "incbin",
								   "include" };

static uint32_t piece_bit(size_t from, size_t to)
{
	return UINT32_C(1) << (to * (to - 1) / 2 + from);
}

static bool is_incbin_directive(const char *s, size_t len)
{
	for (size_t w = 0; w < CPP_INCBIN_N_WORDS; w++) {
		if (len == strlen(incbin_directives[w]) &&
		    !strncasecmp(s, incbin_directives[w], len))
			return true;
	}
	return false;
}

/*
 * Record the positions of `s` in "incbin" and "include".  If `last` is true,
 * record only positions at the end of these words.
 */
static void add_to_words(struct cpp_incbin_words *parts, const char *s,
			 size_t len, bool last)
{
	for (size_t w = 0; w < CPP_INCBIN_N_WORDS; w++) {
		size_t n = strlen(incbin_directives[w]);

		for (size_t at = 0; len && at + len <= n; at++) {
			if ((!last || at + len == n) &&
			    !strncasecmp(s, incbin_directives[w] + at, len))
				parts->pieces[w] |= piece_bit(at, at + len);
		}
	}
}

void cpp_incbin_words_add(struct cpp_incbin_words *parts, const char *s,
			  size_t len)
{
	add_to_words(parts, s, len, false);
}

/*
 * Return true if the dot starts a word.  A dot after an escape such as \n also
 * starts a word, because the escape ends the previous word.
 */
static bool starts_word(const char *start, const char *dot)
{
	return dot == start || (dot - start > 1 && dot[-2] == '\\') ||
	       (dot[-1] != '.' && !cpp_is_word_char((uint8_t)dot[-1]));
}

/*
 * Return true if the first word of the string consists of the `n` letters at
 * `word`.
 */
static bool begins_with(const struct cpp_incbin_string *in, const char *word,
			size_t n)
{
	return in->len >= n && !strncasecmp(in->s, word, n) &&
	       (in->len == n || !cpp_is_word_char((uint8_t)in->s[n]));
}

void cpp_incbin_words_add_string(struct cpp_incbin_words *parts,
				 const struct cpp_incbin_string *in)
{
	const char *s = in->s, *last = s + in->len - 1;

	if (in->len && *last == '.' && starts_word(s, last))
		parts->pieces[0] |= CPP_INCBIN_DOT;
	for (size_t w = 0; w < CPP_INCBIN_N_WORDS; w++) {
		const char *word = incbin_directives[w];
		size_t n = strlen(word);

		for (size_t at = 1; at < n; at++) {
			if (in->len > at && s[in->len - at - 1] == '.' &&
			    !strncasecmp(s + in->len - at, word, at))
				parts->pieces[w] |= piece_bit(0, at);
			if (begins_with(in, word + at, n - at))
				parts->pieces[w] |= piece_bit(at, n);
		}
		if (!in->first && begins_with(in, word, n))
			parts->pieces[0] |= CPP_INCBIN_HEAD;
	}
	if (!in->alone && !is_incbin_directive(s, in->len))
		cpp_incbin_words_add(parts, s, in->len);
}

static bool is_space_or_tab(char c)
{
	return c == ' ' || c == '\t';
}

static size_t part_word_length(const char *s, const char *end)
{
	return (size_t)(cpp_skip_word(s, end) - s);
}

/* Return true if `s` is one of the words of a parameter list. */
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

/* Skip the parameters of .macro NAME A, B=DEFAULT and record the defaults. */
static const char *skip_macro_params(struct cpp_incbin_words *parts,
				     const char *s, const char *end)
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

/*
 * Return true if nothing can be appended to the word that ends at `s`.
 *
 * `first` is true if the word starts a statement.  If operands follow such a
 * word, the word is an instruction and not a macro argument.
 */
static bool is_last(const char *s, const char *end, bool first)
{
	const char *next = cpp_skip_blanks(s, end);

	if (next == end)
		return false;
	if (next == s)
		return !strchr(",)#\\&>!\"'/;\r\n", *next);
	return first && !strchr(",)#&\r\n", *next);
}

/* Return true for directives whose strings are messages or object data. */
static bool has_string_operand(const char *s, size_t len)
{
	static const char *const words[] = { "error", "warning", "print",
					     "ascii", "asciz",   "string" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (len == strlen(words[i]) && !strncasecmp(s, words[i], len))
			return true;
	}
	return false;
}

bool cpp_incbin_words_add_text(struct cpp_incbin_words *parts,
			       const struct cpp_incbin_text *in)
{
	const char *s = in->s, *end = in->s + in->len;
	bool comment = in->in_comment, first = in->statement_start;

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
		if (before == '.' && len == 5 &&
		    !strncasecmp(from, "macro", 5)) {
			s = skip_macro_params(parts, s, end);
		} else if (before == '.' && (len == 3 || len == 4) &&
			   !strncasecmp(from, "irpc", len)) {
			s = cpp_skip_blanks(s, end);
			s += part_word_length(s, end);
			/* .irpc splits its operand into letters. */
			for (const char *c = s;
			     len == 4 && c < end && *c != '\n'; c++)
				add_to_words(parts, c, 1, false);
		} else if (before == '.' && has_string_operand(from, len)) {
			comment = true;
		} else if (before != '\\' &&
			   (before != '.' || !is_incbin_directive(from, len)) &&
			   !is_parameter(in->params, in->s, from, len) &&
			   /*
			    * In comments and messages, short words are too
			    * frequent to count as pieces.
			    */
			   (!comment || len > 2)) {
			/*
			 * The word is neither a macro parameter nor a whole
			 * directive.
			 */
			add_to_words(parts, from, len, is_last(s, end, first));
		}
		first = false;
	}
	return comment;
}

/*
 * Return true if pieces cover the whole word.
 *
 * Single letters occur in most units, as registers or in messages.  A single
 * letter therefore counts only in a sequence that has a piece of three letters
 * or more.
 */
static bool can_assemble_word(uint32_t of, size_t n)
{
	/*
	 * Bit i is set if a sequence of pieces forms the first i letters.  In
	 * `any`, the pieces have any length; in `pairs`, each piece has two or
	 * more letters; in `long_one`, at least one has three or more letters.
	 */
	unsigned pairs = 1, any = 1, long_one = 0;

	for (size_t at = 0; at < n; at++) {
		for (size_t to = at + 1; to <= n; to++) {
			unsigned here = 1u << at, there = 1u << to;

			if (!(of & piece_bit(at, to)))
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

bool cpp_incbin_words_is_complete(const struct cpp_incbin_words *parts)
{
	const uint32_t pair = CPP_INCBIN_DOT | CPP_INCBIN_HEAD;

	if ((parts->pieces[0] & pair) == pair)
		return true;
	for (size_t w = 0; w < CPP_INCBIN_N_WORDS; w++) {
		if (can_assemble_word(parts->pieces[w],
				      strlen(incbin_directives[w])))
			return true;
	}
	return false;
}

size_t cpp_incbin_words_prefix_length(const char *s, const char *end)
{
	size_t len = part_word_length(s, end);

	for (size_t w = 0; w < CPP_INCBIN_N_WORDS; w++) {
		if (len < strlen(incbin_directives[w]) &&
		    !strncasecmp(s, incbin_directives[w], len))
			return len;
	}
	return SIZE_MAX;
}

bool cpp_incbin_words_may_join_dot(const char *start, const char *dot,
				   const char *end)
{
	const char *next;
	size_t len;

	if (!starts_word(start, dot))
		return false;
	len = cpp_incbin_words_prefix_length(dot + 1, end);
	if (len == SIZE_MAX)
		return false;
	next = dot + 1 + len;
	if (next == end)
		return len > 1;
	/*
	 * A macro argument, an asm operand such as %0 or an asm dialect
	 * alternative {a|b} can follow and complete the directive.
	 */
	if (end - next > 1 && next[0] == '\\' && next[1] == '\\')
		return true;
	return len > 1 || (*next && strchr(len ? "{|}%&!" : "{|}", *next));
}

bool cpp_incbin_words_may_paste_dot(const char *start, const char *close,
				    const char *end)
{
	const char *dot = close - 1, *s = close + 1;

	while (dot > start && cpp_is_word_char((uint8_t)*dot))
		dot--;
	if (dot < start || *dot != '.' ||
	    cpp_incbin_words_prefix_length(dot + 1, close) == SIZE_MAX)
		return false;
	while (s < end && *s == ' ')
		s++;
	if (s == end || *s++ != '#')
		return false;
	if (dot + 1 < close)
		return true;
	/*
	 * The string ends with the dot.  If one argument is the whole word
	 * "incbin" or "include", the word is detected in the macro call.  Here,
	 * only two or more #parameters matter.
	 */
	while (s < end && (*s == ' ' || cpp_is_word_char((uint8_t)*s)))
		s++;
	return s < end && *s == '#';
}
