/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/pragma.h"

#include "base/vec.h"
#include "cpp/lexer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A part of a cleaned text. */
struct text_range {
	const char *s, *end;
};

static void skip_blanks(struct text_range *p)
{
	while (p->s < p->end && strchr(" \t\v\f\r", *p->s))
		p->s++;
}

/* Consume a word and the blanks before it. */
static bool take_word(struct text_range *p, const char *word)
{
	struct text_range r = *p;
	size_t n = strlen(word);

	skip_blanks(&r);
	if ((size_t)(r.end - r.s) < n || memcmp(r.s, word, n) ||
	    (r.s + n < r.end && cpp_is_word_char((uint8_t)r.s[n])))
		return false;
	p->s = r.s + n;
	return true;
}

/*
 * All pragmas that change macros or read files, except "clang fp eval_method".
 * cpp_pragma_classify() detects this pragma without the table.
 *
 * The other pragmas of gcc 12 and clang 14 neither change macros nor read
 * files: diagnostic, warning, error, message, poison (the compiler rejects a
 * unit that uses a poisoned name), visibility, pack, weak, unroll, ivdep, loop,
 * redefine_extname, scalar_storage_order, STDC, float_control, ident, comment,
 * omp, acc, aarch64 and riscv (the last two define functions and types); clang
 * also has section, attribute, optimize and deprecated.  apply_pragma() handles
 * their other effects: some of these pragmas name sections or symbols that
 * reach the assembler, and the compiler expands macros in some of them.
 */
static const struct {
	const char *space, *word; /* `space` is "GCC", "clang" or NULL */
	enum cpp_pragma is;
} pragma_table[] = {
	{ NULL, "once", CPP_PRAGMA_ONCE },
	{ NULL, "push_macro", CPP_PRAGMA_PUSH_MACRO },
	{ NULL, "pop_macro", CPP_PRAGMA_POP_MACRO },
	/* include_alias defines an alias of a header. */
	{ NULL, "include_alias", CPP_PRAGMA_UNKNOWN },
	{ "GCC", "system_header", CPP_PRAGMA_SYSTEM_HEADER },
	{ "clang", "system_header", CPP_PRAGMA_SYSTEM_HEADER },
	/* These pragmas change macros such as __AVX2__ and __OPTIMIZE__. */
	{ "GCC", "target", CPP_PRAGMA_OPTIONS },
	{ "GCC", "optimize", CPP_PRAGMA_OPTIONS },
	{ "GCC", "push_options", CPP_PRAGMA_OPTIONS },
	{ "GCC", "pop_options", CPP_PRAGMA_OPTIONS },
	{ "GCC", "reset_options", CPP_PRAGMA_OPTIONS },
	/* dependency compares the ages of two files. */
	{ "GCC", "dependency", CPP_PRAGMA_UNKNOWN },
	{ "clang", "dependency", CPP_PRAGMA_UNKNOWN },
	/* pch_preprocess loads a precompiled header by name. */
	{ "GCC", "pch_preprocess", CPP_PRAGMA_UNKNOWN },
	/* "#pragma clang module" imports or loads a module. */
	{ "clang", "module", CPP_PRAGMA_UNKNOWN },
	{ "clang", "__debug", CPP_PRAGMA_UNKNOWN },
};

enum cpp_pragma cpp_pragma_classify(const char *s, size_t len)
{
	struct text_range p;

	for (size_t i = 0; i < ARRAY_SIZE(pragma_table); i++) {
		p = (struct text_range){ s, s + len };
		if ((!pragma_table[i].space ||
		     take_word(&p, pragma_table[i].space)) &&
		    take_word(&p, pragma_table[i].word))
			return pragma_table[i].is;
	}
	/* "clang fp eval_method(double)" changes __FLT_EVAL_METHOD__. */
	p = (struct text_range){ s, s + len };
	if (take_word(&p, "clang") && take_word(&p, "fp") &&
	    memmem(p.s, (size_t)(p.end - p.s), "eval_method", 11))
		return CPP_PRAGMA_UNKNOWN;
	return CPP_PRAGMA_OTHER;
}

const char *cpp_pragma_macro_name(const char *s, size_t len, size_t *name_len)
{
	struct text_range p = { s, s + len };
	const char *end = s + len, *name;

	if (!take_word(&p, "push_macro") && !take_word(&p, "pop_macro"))
		return NULL;
	s = p.s;
	while (s < end && *s == ' ')
		s++;
	while (s < end && strchr(" \t\v\f\r", end[-1]))
		end--;
	if (end - s < 5 || s[0] != '(' || s[1] != '"' || end[-1] != ')' ||
	    end[-2] != '"')
		return NULL;
	name = s + 2;
	for (s = name; s < end - 2; s++) {
		if (!cpp_is_word_char((uint8_t)*s) || (uint8_t)*s >= 0x80 ||
		    *s == '$')
			return NULL;
	}
	if (*name >= '0' && *name <= '9')
		return NULL;
	*name_len = (size_t)(s - name);
	return name;
}

/*
 * Pragmas as directives and as operators.
 *
 * A _Pragma with a literal operand is classified like a directive.  The operand
 * can also result from macros.  The fast scan of a unit with such a _Pragma is
 * inconclusive if the code of the unit contains the word "once" or "GCC" where
 * it could be part of a relevant pragma.
 */

/* Skip blanks, line ends and comments. */
static void skip_space(struct text_range *p)
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

/*
 * Return true for the macro calls NAME(GCC diagnostic ...) and NAME(clang
 * diagnostic ...).  Macros of Linux and of other projects convert such an
 * argument to the string operand of _Pragma.
 */
static bool is_diagnostic(struct text_range p)
{
	while (p.s < p.end && cpp_is_word_char((uint8_t)*p.s))
		p.s++;
	skip_space(&p);
	if (p.s == p.end || *p.s++ != '(')
		return false;
	skip_space(&p);
	return (take_word(&p, "GCC") || take_word(&p, "clang")) &&
	       take_word(&p, "diagnostic");
}

/* Get the contents of a string literal, or return false. */
static bool take_literal(struct text_range *p, struct text_range *inside)
{
	static const char *const prefix[] = { "\"", "L\"", "u8\"", "u\"",
					      "U\"" };
	const char *s;

	for (size_t i = 0; i < ARRAY_SIZE(prefix); i++) {
		size_t n = strlen(prefix[i]);

		if ((size_t)(p->end - p->s) < n || memcmp(p->s, prefix[i], n))
			continue;
		for (s = p->s + n; s < p->end && *s != '"'; s++)
			s += *s == '\\' && s + 1 < p->end;
		*inside = (struct text_range){ p->s + n, s };
		return true;
	}
	return false;
}

void cpp_pragma_mark_operator(struct cpp_lexer *l, const char *s,
			      const char *end)
{
	struct text_range p = { s, end }, inside;
	bool whole = take_word(&p, "_Pragma"), matters;

	if (whole) {
		skip_space(&p);
		whole = p.s < p.end && *p.s++ == '(';
		skip_space(&p);
	} else {
		size_t n = 0;

		/* ## can extend a piece such as _Pra to _Pragma. */
		while (s + n < end && cpp_is_word_char((uint8_t)s[n]))
			n++;
		/*
		 * Linux uses _P as a name, so _P is ignored, and "ragma" is
		 * searched for instead (pragma_words).
		 */
		if (n < 3 || n > 7 || memcmp(s, "_Pragma", n))
			return;
	}
	if (!whole || !take_literal(&p, &inside)) {
		if (!whole || !is_diagnostic(p))
			l->t->marks |= CPP_MARK_PRAGMA;
		return;
	}
	matters = cpp_pragma_classify(inside.s,
				      (size_t)(inside.end - inside.s));
	skip_blanks(&inside);
	/* A comment or a splice can hide a word from the classification. */
	if (matters ||
	    (inside.s < inside.end && !cpp_is_word_char((uint8_t)*inside.s)) ||
	    memmem(inside.s, (size_t)(inside.end - inside.s), "\\\n", 2))
		l->t->marks |= CPP_MARK_PRAGMA_MACRO;
}

/*
 * Return true if the word GCC, followed by the text at `s`, cannot start a
 * pragma that changes macros or reads files.
 */
static bool is_ignored_gcc_pragma(const uint8_t *s, const uint8_t *end)
{
	static const char *const words[] = { "diagnostic", "unroll",  "ivdep",
					     "visibility", "warning", "error",
					     "poison" };
	struct text_range p = { (const char *)s, (const char *)end };

	skip_blanks(&p);
	/* A number follows GCC in prose such as "requires GCC 4.1". */
	if (p.s < p.end && *p.s >= '0' && *p.s <= '9')
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (take_word(&p, words[i]))
			return true;
	}
	return false;
}

static const struct {
	const char *s;
	size_t rare; /* index of the byte that is rarest in sources */
	unsigned mark;
} pragma_words[CPP_LEXER_PRAGMA_WORDS] = {
	{ "once", 2, CPP_MARK_WORD_ONCE },
	{ "GCC", 0, CPP_MARK_WORD_GCC },
	/* ## can prepend _ or _P to these words. */
	{ "Pragma", 0, CPP_MARK_PRAGMA },
	{ "ragma", 2, CPP_MARK_PRAGMA },
};

static const uint8_t *find_pragma_word(const struct cpp_lexer *l,
				       const uint8_t *p, unsigned word)
{
	size_t n = strlen(pragma_words[word].s);

	for (; (p = bytes_find(bytes_of(p, (size_t)(l->end - p)),
			       bytes_of(pragma_words[word].s, n),
			       pragma_words[word].rare));
	     p++) {
		if (p > l->start && (cpp_is_word_char(p[-1]) || p[-1] == '.'))
			continue;
		if (!cpp_is_word_char(p[n]) &&
		    !(pragma_words[word].mark == CPP_MARK_WORD_GCC &&
		      is_ignored_gcc_pragma(p + n, l->end)))
			return p;
	}
	return NULL;
}

void cpp_pragma_find_words(struct cpp_lexer *l)
{
	for (unsigned i = 0; i < CPP_LEXER_PRAGMA_WORDS; i++)
		l->pragma_word[i] = find_pragma_word(l, l->start, i);
}

void cpp_pragma_skip_words(struct cpp_lexer *l, const uint8_t *from)
{
	for (unsigned i = 0; i < CPP_LEXER_PRAGMA_WORDS; i++) {
		if (!l->pragma_word[i] || l->pragma_word[i] >= l->p)
			continue;
		if (l->pragma_word[i] < from) {
			l->t->marks |= pragma_words[i].mark;
			l->pragma_word[i] = NULL;
		} else {
			l->pragma_word[i] = find_pragma_word(l, l->p, i);
		}
	}
}

/* Line number given to the last pragma; all other lines have lower numbers. */
#define LAST_LINE 1000000

/* Minimum number of predefined macros in valid output of gcc. */
#define PREDEFINED_MIN 50

static bool is_gcc_pragma(const char *pragma, const char *word)
{
	pragma += strspn(pragma, " \t");
	if (!str_starts(pragma, "GCC"))
		return false;
	pragma += 3 + strspn(pragma + 3, " \t");
	return !strncmp(pragma, word, strlen(word));
}

void cpp_pragma_options_prune(struct strv *pragmas)
{
	size_t depth = 1, n = pragmas->n;

	if (!n || !is_gcc_pragma(pragmas->v[n - 1], "pop_options"))
		return;
	while (--n && depth) {
		if (is_gcc_pragma(pragmas->v[n - 1], "push_options"))
			depth--;
		else if (is_gcc_pragma(pragmas->v[n - 1], "pop_options"))
			depth++;
	}
	/* An unmatched pop_options changes nothing and can stay. */
	if (depth)
		return;
	while (pragmas->n > n)
		free(pragmas->v[--pragmas->n]);
	pragmas->v[n] = NULL;
}

char *cpp_pragma_options_key(const struct strv *pragmas)
{
	char *key = strv_join(pragmas, "\t");

	for (char *c = key; *c; c++) {
		if (*c == '\n')
			*c = ' ';
	}
	return key;
}

void cpp_pragma_options_add_source(struct buf *source,
				   const struct strv *pragmas)
{
	for (size_t i = 0; i < pragmas->n; i++) {
		if (i + 1 == pragmas->n)
			buf_printf(source, "#line %d\n", LAST_LINE);
		buf_printf(source, "#pragma %s\n", pragmas->v[i]);
	}
}

/*
 * Return the operand after `word` in the line at *s, or NULL.  *s moves to the
 * next line.
 */
static const char *take_asm_operand(const char **s, const char *word)
{
	const char *p = *s + strspn(*s, " \t");
	const char *end = strchrnul(*s, '\n');
	size_t n = strlen(word);

	*s = end + (*end == '\n');
	if (strncmp(p, word, n))
		return NULL;
	return p + n + strspn(p + n, " \t");
}

/* Parse an assembler string "NAME VALUE". */
static bool read_asm_string(const char *p, struct buf *out)
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";

	buf_reset(out);
	if (*p++ != '"')
		return false;
	while (*p && *p != '"' && *p != '\n') {
		char c = *p++;

		if (c == '\\') {
			const char *name = *p ? strchr(names, *p) : NULL;
			unsigned v = 0, n = 0;

			while (n < 3 && p[n] >= '0' && p[n] <= '7')
				v = v * 8 + (unsigned)(p[n++] - '0');
			c = n ? (char)v : name ? values[name - names] : *p;
			p += n ? n : 1;
		}
		if (!c)
			return true;
		buf_add(out, &c, 1);
	}
	return *p == '"';
}

/*
 * Parse three directives: ".byte 1" or ".byte 2"; ".uleb128 LINE"; and .string
 * or .ascii with the operand "NAME VALUE".
 */
static bool read_line_entry(const char **s, long *kind, unsigned long *line,
			    struct buf *text)
{
	const char *p = take_asm_operand(s, ".byte"), *next = *s, *string;

	*kind = p ? strtol(p, NULL, 0) : 0;
	if (*kind != 1 && *kind != 2)
		return false;
	p = take_asm_operand(&next, ".uleb128");
	if (!p)
		return false;
	*line = strtoul(p, NULL, 0);
	string = next;
	p = take_asm_operand(&next, ".string");
	if (!p)
		p = take_asm_operand(&string, ".ascii");
	if (!p || !read_asm_string(p, text))
		return false;
	*s = next;
	return true;
}

int cpp_pragma_options_parse(const char *output, struct buf *changes)
{
	const char *s = strstr(output, ".debug_macinfo");
	struct buf text = { 0 };
	unsigned long line;
	size_t predefined = 0;
	long kind;

	while (s && *s) {
		if (!read_line_entry(&s, &kind, &line, &text))
			continue;
		predefined += !line && kind == 1;
		if (line >= LAST_LINE)
			buf_printf(changes, "#%s %s\n",
				   kind == 1 ? "define" : "undef",
				   buf_str(&text));
	}
	buf_release(&text);
	return predefined < PREDEFINED_MIN ? -EPROTO : 0;
}
