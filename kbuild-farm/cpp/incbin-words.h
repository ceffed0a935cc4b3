/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/incbin-words.h - Pieces of the words "incbin" and "include".
 *
 * The pieces found in a unit decide whether pasting and assembler macros can
 * build .incbin or .include although the unit does not contain the whole word.
 * Case is ignored, as in gas.
 */
#ifndef CPP_INCBIN_WORDS_H
#define CPP_INCBIN_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPP_INCBIN_N_WORDS 2

/*
 * The substrings of "incbin" and of "include" that were found, one bit per
 * substring.  pieces[0] also has the flags CPP_INCBIN_DOT and CPP_INCBIN_HEAD.
 */
struct cpp_incbin_words {
	uint32_t pieces[CPP_INCBIN_N_WORDS];
};
/* A string ends in a '.' that starts a word. */
#define CPP_INCBIN_DOT (UINT32_C(1) << 30)
/*
 * A string starts with "incbin" or "include", and the compiler can append this
 * string to another string.
 */
#define CPP_INCBIN_HEAD (UINT32_C(1) << 31)

/* Record a word if it is a substring of "incbin" or "include". */
void cpp_incbin_words_add(struct cpp_incbin_words *parts, const char *s,
			  size_t len);
/* A C string literal, which can be pasted to other strings. */
struct cpp_incbin_string {
	const char *s;
	size_t len;
	bool alone; /* no other string is adjacent */
	bool first; /* no other string precedes this string */
};
/*
 * Record a string if it can be a piece of .incbin or .include.  Such a string
 *
 *   - is a proper substring of "incbin" or "include" and is not `alone`,
 *   - ends in '.', or in '.' and the start of one of these words,
 *   - starts with the end of one of these words, or
 *   - starts with one of these words and is not `first`.
 */
void cpp_incbin_words_add_string(struct cpp_incbin_words *parts,
				 const struct cpp_incbin_string *in);

struct cpp_incbin_text {
	const char *s;
	size_t len;
	/*
	 * If `s` is a macro body, the start of the macro's parameter list,
	 * which ends at `s`; otherwise equal to `s`.
	 */
	const char *params;
	bool in_comment; /* `s` is inside a comment */
	bool statement_start; /* `s` is at the beginning of a statement */
};

/*
 * Record the words of assembler text.  Return true if the text ends inside a
 * comment or inside the operand of a directive such as .ascii or .error.
 */
bool cpp_incbin_words_add_text(struct cpp_incbin_words *parts,
			       const struct cpp_incbin_text *in);
/* Return true if the pieces can be joined to "incbin" or "include". */
bool cpp_incbin_words_is_complete(const struct cpp_incbin_words *parts);

/*
 * Return the length of the word at `s` if the word is empty or a proper prefix
 * of "incbin" or "include", else SIZE_MAX.
 */
size_t cpp_incbin_words_prefix_length(const char *s, const char *end);
/*
 * Return true if the '.' at `dot` can become the start of .incbin or .include
 * when text is appended to the string or substituted in the string.
 */
bool cpp_incbin_words_may_join_dot(const char *start, const char *dot,
				   const char *end);
/*
 * Return true if a string in a macro body, together with the #parameter after
 * the string, can become .incbin or .include.  `start` is the first byte after
 * the opening quote, `close` the closing quote and `end` the end of the body.
 */
bool cpp_incbin_words_may_paste_dot(const char *start, const char *close,
				    const char *end);

#endif
