/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/lex-directives.h"

#include "base/str.h"
#include "base/vec.h"
#include "cpp/lexer.h"
#include "cpp/macro.h"
#include "cpp/pragma.h"
#include "cpp/token.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void sink_token(struct cpp_token_sink *k, struct cpp_token t)
{
	k->tokens = vec_reserve(k->tokens, &k->cap_tokens, k->n_tokens,
				sizeof(*k->tokens));
	k->tokens[k->n_tokens++] = t;
}

static void sink_line(struct cpp_token_sink *k, uint32_t line)
{
	if (k->n_tokens && k->line == line)
		return;
	k->line = line;
	sink_token(k, (struct cpp_token){ .kind = CPP_TOK_LINE, .id = line });
}

static void sink_add_directive(struct cpp_lexer *l, uint8_t kind, const char *s,
			       size_t len)
{
	sink_line(l->sink, l->line - 1);
	sink_token(l->sink, (struct cpp_token){ .kind = kind,
						.id = cpp_names_intern_locked(
							l->names, s, len) });
}

static size_t full_memory(const struct cpp_text *t,
			  const struct cpp_full_text *full)
{
	return sizeof(*full) + full->n_tokens * sizeof(*full->tokens) +
	       (t->n_directives + 2) * sizeof(*full->starts);
}

/* Move the tokens of `k` to a new full text of `t` and release the rest. */
static void sink_finish(struct cpp_token_sink *k, struct cpp_text *t)
{
	struct cpp_full_text *full = xcalloc(1, sizeof(*full));

	full->n_tokens = k->n_tokens;
	full->tokens = xrealloc(k->tokens,
				(k->n_tokens + 1) * sizeof(*k->tokens));
	k->starts = xrealloc(k->starts,
			     (t->n_directives + 2) * sizeof(*k->starts));
	k->starts[t->n_directives + 1] = (uint32_t)k->n_tokens;
	full->starts = k->starts;
	free(k->line_changes);
	cpp_names_charge(t->names, full_memory(t, full));
	atomic_init(&t->full, full);
}

/* Limit of directives per file.  A header of Linux 6.12 has 223,000. */
#define DIRECTIVES_MAX (1u << 19)

/* The line last appended to cpp_lexer.blob, without surrounding blanks. */
struct directive_line {
	uint32_t offset, len;
	const char *s;
};

static struct directive_line line_from(const struct cpp_lexer *l, size_t at)
{
	const char *blob = (const char *)l->blob.data;
	size_t end = l->blob.len;

	while (end > at && strchr(" \t\v\f\r", blob[end - 1]))
		end--;
	while (at < end && strchr(" \t\v\f\r", blob[at]))
		at++;
	return (struct directive_line){ (uint32_t)at, (uint32_t)(end - at),
					blob ? blob + at : "" };
}

static struct directive_line take_rest(struct cpp_lexer *l)
{
	size_t at = l->blob.len;

	cpp_lexer_copy_rest(l);
	return line_from(l, at);
}

/*
 * Consume a macro name.  Return WORD_NONE if it is missing or its bytes are not
 * supported.
 */
static uint32_t take_name(struct cpp_lexer *l, struct directive_line *line)
{
	const char *end = cpp_skip_word(line->s, line->s + line->len);
	size_t n = (size_t)(end - line->s);
	uint32_t id;

	if (!n || (line->s[0] >= '0' && line->s[0] <= '9') ||
	    (n < line->len && line->s[n] == '\\'))
		return WORD_NONE;
	for (size_t i = 0; i < n; i++) {
		if ((uint8_t)line->s[i] >= 0x80 ||
		    (line->s[i] == '$' && (l->mode & CPP_MODE_ASM)))
			return WORD_NONE;
	}
	id = cpp_names_intern_locked(l->names, line->s, n);
	line->s += n;
	line->offset += (uint32_t)n;
	line->len -= (uint32_t)n;
	return id;
}

static void lex_define(struct cpp_lexer *l)
{
	struct directive_line line = take_rest(l);
	uint32_t name = take_name(l, &line);
	struct cpp_text *t = l->t;
	struct cpp_directive *d;
	struct cpp_def *def;

	if (name == WORD_NONE || name == WORD_DEFINED) {
		cpp_lexer_add_unsupported(l, REASON_MACRO_NAME);
		return;
	}
	t->defs = vec_reserve(t->defs, &l->cap_defs, t->n_defs,
			      sizeof(*t->defs));
	def = &t->defs[t->n_defs];
	*def = (struct cpp_def){
		.text = t, .name = name, .offset = line.offset, .len = line.len
	};
	d = cpp_lexer_add_directive(l, CPP_OP_DEFINE);
	d->name = name;
	d->index = t->n_defs++;
	cpp_lexer_mark_body(l, line.s, line.len);
}

/* Lex a directive whose operand is one macro name. */
static void lex_named_directive(struct cpp_lexer *l, enum cpp_op op)
{
	size_t before = l->blob.len;
	struct directive_line line = take_rest(l);
	uint32_t name = take_name(l, &line);

	/* A compiler warns about text after the name. */
	l->t->has_other_text |= line.len > 0;
	l->blob.len = before;
	cpp_lexer_add_directive(l, op)->name = name;
}

/*
 * Turn #if defined(X) and #if !defined X into #ifdef X and #ifndef X.  Return
 * false for any other condition.
 */
static bool lex_simple_if(struct cpp_lexer *l, struct directive_line line)
{
	enum cpp_op op = CPP_OP_IFDEF;
	bool paren;
	uint32_t name;

	if (line.len && *line.s == '!') {
		op = CPP_OP_IFNDEF;
		line.s++, line.len--;
	}
	if (line.len < 8 || memcmp(line.s, "defined", 7))
		return false;
	line.s += 7, line.len -= 7;
	paren = *line.s == '(';
	if (!paren && *line.s != ' ')
		return false;
	line.s++, line.len--;
	name = take_name(l, &line);
	if (name == WORD_NONE || line.len != paren || (paren && *line.s != ')'))
		return false;
	cpp_lexer_add_directive(l, op)->name = name;
	return true;
}

static uint32_t add_expr_text(struct cpp_lexer *l, uint32_t at, uint32_t len)
{
	struct cpp_text *t = l->t;

	t->expr_texts = vec_reserve(t->expr_texts, &l->cap_expr_texts,
				    t->n_expr_texts, sizeof(*t->expr_texts));
	t->expr_texts[t->n_expr_texts].offset = at;
	t->expr_texts[t->n_expr_texts].len = len;
	atomic_init(&t->expr_texts[t->n_expr_texts].tokens, NULL);
	return t->n_expr_texts++;
}

/* Return true if a comment seems to start between a '<' and the next '>'. */
static bool has_bracket_comment(const uint8_t *s, const uint8_t *end)
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

static void lex_condition(struct cpp_lexer *l, enum cpp_op op)
{
	size_t before = l->blob.len;
	const uint8_t *from = l->p;
	struct directive_line line = take_rest(l);
	struct cpp_directive *d;

	if (op == CPP_OP_IF && lex_simple_if(l, line)) {
		l->blob.len = before;
		return;
	}
	d = cpp_lexer_add_directive(l, op);
	d->index = add_expr_text(l, line.offset, line.len);
	/* A <> header name that seems to contain a comment is not supported. */
	if (memmem(line.s, line.len, "__has_include", 13) &&
	    has_bracket_comment(from, l->p))
		d->form = 1;
}

/* Link #elif, #else or #endif to the open conditional. */
static void continue_group(struct cpp_lexer *l)
{
	struct cpp_text *t = l->t;
	uint8_t op = t->directives[t->n_directives - 1].op;
	struct cpp_directive *before;

	if (!l->n_open_groups) {
		t->reason = REASON_CONDITIONALS;
		return;
	}
	before = &t->directives[l->open_groups[l->n_open_groups - 1]];
	if (before->op == CPP_OP_ELSE && op != CPP_OP_ENDIF)
		t->reason = REASON_CONDITIONALS;
	before->next_group = t->n_directives - 1;
	if (op == CPP_OP_ENDIF)
		l->n_open_groups--;
	else
		l->open_groups[l->n_open_groups - 1] = t->n_directives - 1;
}

/*
 * Lex <x.h> or "x.h".  Return false if the operand is computed instead; the
 * bytes that were read are then in the blob.
 */
static bool lex_header_name(struct cpp_lexer *l, enum cpp_op op)
{
	size_t before = l->blob.len, len;
	uint8_t open = *l->p, close = open == '<' ? '>' : '"';
	struct cpp_directive *d;
	const char *s;

	if (open != '<' && open != '"')
		return false;
	buf_add(&l->blob, l->p++, 1);
	cpp_lexer_copy_header(l, close);
	s = (const char *)l->blob.data + before;
	len = l->blob.len - before;
	if (len < 2 || s[len - 1] != (char)close)
		return false;
	if (len == 2) {
		cpp_lexer_add_unsupported(l, REASON_DIRECTIVE_ERROR);
	} else {
		d = cpp_lexer_add_directive(l, op);
		d->form = open;
		d->name = cpp_names_intern_locked(l->names, s + 1, len - 2);
	}
	cpp_lexer_copy_rest(l);
	l->blob.len = before;
	return true;
}

static void lex_include(struct cpp_lexer *l, enum cpp_op op)
{
	size_t before = l->blob.len;
	struct cpp_directive *d;
	struct directive_line line;
	uint32_t at;

	if (!cpp_lexer_skip_blanks(l)) {
		cpp_lexer_add_unsupported(l, REASON_DIRECTIVE_ERROR);
		cpp_lexer_copy_rest(l);
		return;
	}
	if (lex_header_name(l, op))
		return;
	cpp_lexer_copy_rest(l);
	line = line_from(l, before);
	at = add_expr_text(l, line.offset, line.len);
	d = cpp_lexer_add_directive(l, op);
	d->index = at;
}

static void lex_pragma_macro(struct cpp_lexer *l, enum cpp_op op,
			     const struct directive_line *line)
{
	size_t len;
	const char *name = cpp_pragma_macro_name(line->s, line->len, &len);
	uint32_t id;

	if (!name) {
		cpp_lexer_add_unsupported(l, REASON_PRAGMA);
		return;
	}
	id = cpp_names_intern_locked(l->names, name, len);
	cpp_lexer_add_directive(l, op)->name = id;
}

static void lex_pragma(struct cpp_lexer *l)
{
	const uint8_t *from = l->p;
	size_t before = l->blob.len;
	struct directive_line line = take_rest(l);

	cpp_pragma_skip_words(l, from);
	l->t->has_other_text = true;
	if (l->words)
		cpp_words_add(l->words, line.s, line.len, true);
	if (l->sink)
		sink_add_directive(l, CPP_TOK_PRAGMA, line.s, line.len);
	l->blob.len = before;
	switch (cpp_pragma_classify(line.s, line.len)) {
	case CPP_PRAGMA_OTHER:
		break;
	case CPP_PRAGMA_ONCE:
		cpp_lexer_add_directive(l, CPP_OP_ONCE);
		break;
	case CPP_PRAGMA_PUSH_MACRO:
		lex_pragma_macro(l, CPP_OP_PUSH_MACRO, &line);
		break;
	case CPP_PRAGMA_POP_MACRO:
		lex_pragma_macro(l, CPP_OP_POP_MACRO, &line);
		break;
	case CPP_PRAGMA_SYSTEM_HEADER:
		cpp_lexer_add_directive(l, CPP_OP_SYSTEM_HEADER);
		break;
	case CPP_PRAGMA_OPTIONS:
		cpp_lexer_add_unsupported(l, REASON_PRAGMA_OPTIONS);
		break;
	case CPP_PRAGMA_UNKNOWN:
		cpp_lexer_add_unsupported(l, REASON_PRAGMA);
	}
}

enum directive_kind {
	DIRECTIVE_INCLUDE,
	DIRECTIVE_DEFINE,
	DIRECTIVE_NAMED,
	DIRECTIVE_CONDITION,
	DIRECTIVE_PLAIN,
	DIRECTIVE_PRAGMA,
	DIRECTIVE_UNSUPPORTED,
	DIRECTIVE_LINE,
	DIRECTIVE_IDENT,
	DIRECTIVE_SKIP,
};

static const struct directive_word {
	const char *s;
	uint8_t kind;
	uint8_t op; /* enum cpp_op; DIRECTIVE_UNSUPPORTED: enum reason */
	int8_t group; /* 1 opens a conditional, -1 continues or ends it */
} directive_words[] = {
	{ "define", DIRECTIVE_DEFINE, 0, 0 },
	{ "include", DIRECTIVE_INCLUDE, CPP_OP_INCLUDE, 0 },
	{ "ifdef", DIRECTIVE_NAMED, CPP_OP_IFDEF, 1 },
	{ "ifndef", DIRECTIVE_NAMED, CPP_OP_IFNDEF, 1 },
	{ "if", DIRECTIVE_CONDITION, CPP_OP_IF, 1 },
	{ "endif", DIRECTIVE_PLAIN, CPP_OP_ENDIF, -1 },
	{ "else", DIRECTIVE_PLAIN, CPP_OP_ELSE, -1 },
	{ "elif", DIRECTIVE_CONDITION, CPP_OP_ELIF, -1 },
	{ "undef", DIRECTIVE_NAMED, CPP_OP_UNDEF, 0 },
	{ "pragma", DIRECTIVE_PRAGMA, 0, 0 },
	{ "include_next", DIRECTIVE_INCLUDE, CPP_OP_INCLUDE_NEXT, 0 },
	{ "import", DIRECTIVE_INCLUDE, CPP_OP_IMPORT, 0 },
	{ "error", DIRECTIVE_UNSUPPORTED, REASON_DIRECTIVE_ERROR, 0 },
	{ "warning", DIRECTIVE_SKIP, 0, 0 },
	{ "line", DIRECTIVE_LINE, 0, 0 },
	{ "elifdef", DIRECTIVE_NAMED, CPP_OP_ELIFDEF, -1 },
	{ "elifndef", DIRECTIVE_NAMED, CPP_OP_ELIFNDEF, -1 },
	{ "embed", DIRECTIVE_UNSUPPORTED, REASON_EMBED, 0 },
	{ "assert", DIRECTIVE_UNSUPPORTED, REASON_ASSERT, 0 },
	{ "unassert", DIRECTIVE_UNSUPPORTED, REASON_ASSERT, 0 },
	{ "ident", DIRECTIVE_IDENT, 0, 0 },
	{ "sccs", DIRECTIVE_IDENT, 0, 0 },
};

static const struct directive_word *find_word(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(directive_words); i++) {
		if (directive_words[i].s[0] == s[0] &&
		    strlen(directive_words[i].s) == len &&
		    !memcmp(directive_words[i].s, s, len))
			return &directive_words[i];
	}
	return NULL;
}

static void skip_rest_of_line(struct cpp_lexer *l)
{
	const uint8_t *from = l->p;
	size_t before = l->blob.len;

	cpp_lexer_copy_rest(l);
	cpp_pragma_skip_words(l, from);
	/* The operand of #ident is expanded, so its words count as tokens. */
	if (l->words)
		cpp_words_add(l->words, (const char *)l->blob.data + before,
			      l->blob.len - before, true);
	l->blob.len = before;
}

static const uint8_t *skip_line_blanks(const uint8_t *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/*
 * Record the optional file name of #line at `p`.  gcc opens the file to show
 * the source line of a diagnostic and to measure its indentation.  Return false
 * for a name that is not supported.
 */
static bool take_line_file(struct cpp_lexer *l, const uint8_t *p)
{
	const uint8_t *end;
	struct cpp_directive *d;

	/* A block comment, which a file name can follow, is not supported. */
	if (*p != '"')
		return *p == '\n' || *p == '\r' || (*p == '/' && p[1] == '/');
	for (end = ++p; *end != '"'; end++) {
		if (*end == '\n' || *end == '\\' || *end == '?')
			return false;
	}
	/* Names such as "<built-in>" are not files. */
	if (end == p || *p == '<')
		return true;
	d = cpp_lexer_add_directive(l, CPP_OP_LINE);
	d->name = cpp_names_intern_locked(l->names, (const char *)p,
					  (size_t)(end - p));
	return true;
}

/* Lex #line after its name, or a line marker # 33 "file" after its '#'. */
static void lex_line_directive(struct cpp_lexer *l)
{
	const uint8_t *from = l->p;
	const uint8_t *p = skip_line_blanks(from), *digits = p;
	size_t before = l->blob.len;
	struct directive_line line;

	l->t->marks |= CPP_MARK_LINE;
	while (*p >= '0' && *p <= '9')
		p++;
	if (p == digits || !take_line_file(l, skip_line_blanks(p)))
		cpp_lexer_add_unsupported(l, REASON_LINE_NAME);
	line = take_rest(l);
	cpp_pragma_skip_words(l, from);
	l->t->has_other_text = true;
	if (l->words)
		cpp_words_add(l->words, line.s, line.len, true);
	if (l->sink)
		sink_add_directive(l, CPP_TOK_LINE_DIRECTIVE, line.s, line.len);
	l->blob.len = before;
}

static void lex_known_directive(struct cpp_lexer *l,
				const struct directive_word *w)
{
	uint32_t n = l->t->n_directives, line = l->line;

	switch ((enum directive_kind)w->kind) {
	case DIRECTIVE_INCLUDE:
		lex_include(l, w->op);
		break;
	case DIRECTIVE_DEFINE:
		lex_define(l);
		break;
	case DIRECTIVE_NAMED:
		lex_named_directive(l, w->op);
		break;
	case DIRECTIVE_CONDITION:
		lex_condition(l, w->op);
		break;
	case DIRECTIVE_PRAGMA:
		lex_pragma(l);
		break;
	case DIRECTIVE_PLAIN:
		skip_rest_of_line(l);
		cpp_lexer_add_directive(l, w->op);
		break;
	case DIRECTIVE_LINE:
		lex_line_directive(l);
		break;
	case DIRECTIVE_UNSUPPORTED:
		cpp_lexer_add_unsupported(l, w->op);
		skip_rest_of_line(l);
		break;
	case DIRECTIVE_IDENT:
		/*
		 * Compilers expand macros in the operand, and __DATE__ or
		 * __FILE__ would become a part of the object.
		 */
		if (*skip_line_blanks(l->p) != '"')
			cpp_lexer_add_unsupported(l, REASON_DIRECTIVE);
		/* fall through */
	case DIRECTIVE_SKIP:
		l->t->has_other_text = true;
		skip_rest_of_line(l);
	}
	for (uint32_t i = n; i < l->t->n_directives; i++) {
		l->t->directives[i].spliced = l->line != line + 1;
		l->t->directives[i].line = line;
	}
	if (w->group > 0) {
		l->open_groups = vec_reserve(
			l->open_groups, &l->cap_open_groups, l->n_open_groups,
			sizeof(*l->open_groups));
		l->open_groups[l->n_open_groups++] = l->t->n_directives - 1;
	} else if (w->group < 0)
		continue_group(l);
}

/* Skip a line of text.  With a token sink, read the line again as tokens. */
static void lex_text_line(struct cpp_lexer *l)
{
	struct cpp_token_sink *k = l->sink;
	const uint8_t *from = l->p;
	uint32_t line = l->line;
	size_t before = l->blob.len, n_passed = 0;
	uint8_t line_flags = CPP_FLAG_LINE_START | CPP_FLAG_WHITE;
	struct cpp_cursor c = { .names = l->names, .mode = l->mode };
	const char *start;

	l->t->has_other_text = true;
	cpp_lexer_skip_text(l);
	if (!k)
		return;
	l->p = from;
	l->line = line;
	k->n_line_changes = 0;
	k->last_change_line = line;
	cpp_lexer_copy_line(l);
	start = (const char *)l->blob.data + before;
	c.s = start;
	c.end = (const char *)l->blob.data + l->blob.len;
	for (;;) {
		struct cpp_token t = cpp_token_next(&c);
		size_t at;

		if (t.kind == CPP_TOK_END)
			break;
		at = (size_t)(c.s - start) - cpp_names_get(l->names, t.id)->len;
		while (n_passed < k->n_line_changes &&
		       k->line_changes[n_passed].offset <= at)
			line = k->line_changes[n_passed++].line;
		sink_line(k, line);
		t.flags |= line_flags;
		line_flags = 0;
		sink_token(k, t);
	}
	l->blob.len = before;
}

/* Lex the directive whose '#' is at `hash`. */
static void lex_directive(struct cpp_lexer *l, const uint8_t *hash)
{
	size_t before = l->blob.len;
	const struct directive_word *w = NULL;
	const uint8_t *from;
	uint32_t line = l->line;
	bool number;
	size_t len;

	if (!cpp_lexer_skip_blanks(l)) {
		l->p++;
		l->line++;
		return;
	}
	from = l->p;
	len = cpp_lexer_copy_word(l);
	if (len)
		w = find_word((const char *)l->blob.data + before, len);
	l->blob.len = before;
	if (w) {
		lex_known_directive(l, w);
		return;
	}
	number = len && l->blob.data[before] >= '0' &&
		 l->blob.data[before] <= '9';
	if (number && !(l->mode & CPP_MODE_ASM)) {
		l->p = from;
		lex_line_directive(l);
		return;
	}
	if (number)
		l->t->marks |= CPP_MARK_LINE;
	if (l->mode & CPP_MODE_ASM) {
		/* The line is assembler text or an assembler comment. */
		l->p = hash;
		l->line = line;
		l->comment_line = l->line;
		lex_text_line(l);
		return;
	}
	if (!number)
		cpp_lexer_add_unsupported(l, REASON_DIRECTIVE);
	l->comment_line = l->line;
	cpp_lexer_skip_text(l);
}

static void lex_lines(struct cpp_lexer *l)
{
	while (l->p < l->end) {
		if (l->t->n_directives > DIRECTIVES_MAX) {
			l->t->reason = REASON_MANY_DIRECTIVES;
			return;
		}
		if (!cpp_lexer_skip_blanks(l)) {
			l->p++;
			l->line++;
		} else if (*l->p == '#') {
			l->p++;
			lex_directive(l, l->p - 1);
		} else if (*l->p == '%' && l->p[1] == ':' &&
			   cpp_has_digraphs(l->mode)) {
			l->p += 2;
			lex_directive(l, l->p - 2);
		} else {
			lex_text_line(l);
		}
	}
}

/* Reject trigraphs and lone carriage returns. */
static void check_bytes(struct cpp_lexer *l, const struct buf *in)
{
	const uint8_t *p = in->data, *end = in->data + in->len;

	for (; p < end && (p = memchr(p, '\r', (size_t)(end - p))); p++) {
		if (p[1] != '\n') {
			cpp_lexer_add_unsupported(l, REASON_UNSUPPORTED_BYTES);
			break;
		}
	}
	if (!(l->mode & CPP_MODE_TRIGRAPHS))
		return;
	/* Two question marks alone, as in "what??", are not a trigraph. */
	for (p = in->data; (p = bytes_find(bytes_of(p, (size_t)(end - p)),
					   bytes_str("??"), 0));
	     p++) {
		if (p + 2 < end && memchr("=/'()!<>-", p[2], 9)) {
			cpp_lexer_add_unsupported(l, REASON_UNSUPPORTED_BYTES);
			break;
		}
	}
}

/*
 * Find words such as .INCBIN and .Include, which gas also accepts.  The scan of
 * lines finds only words in lower case.
 */
static void check_mixed_case(struct cpp_lexer *l, const struct buf *in)
{
	const char *p = (const char *)in->data, *end = p + in->len;

	for (; p < end && (p = memchr(p, '.', (size_t)(end - p))); p++) {
		if ((!strncasecmp(p, ".incbin", 7) &&
		     strncmp(p, ".incbin", 7)) ||
		    (!strncasecmp(p, ".include", 8) &&
		     strncmp(p, ".include", 8))) {
			l->t->marks |= CPP_MARK_ASM_FILE;
			return;
		}
	}
}

/* Find `what` by a search for its rarest byte, which has the index `dot`. */
static const char *find_dot_pattern(const char *p, const char *end,
				    const char *what, size_t dot)
{
	return bytes_find(bytes_of(p, (size_t)(end - p)), bytes_str(what), dot);
}

/*
 * Find C tokens that # can convert to the start of an assembler directive, as
 * in S(.inc).
 */
static void check_call_arguments(struct cpp_lexer *l, const struct buf *in)
{
	const char *start = (const char *)in->data, *end = start + in->len;
	const char *p;

	/* A dot before a macro call, as in S(.NAME(x)). */
	for (p = start; p < end && (p = find_dot_pattern(p, end, "(.", 1));
	     p++) {
		const char *behind = cpp_skip_word(p + 2, end);

		if (behind > p + 2 && behind < end && *behind == '(') {
			l->t->marks |= CPP_MARK_ASM_FILE;
			break;
		}
	}
	if (find_dot_pattern(start, end, "(.)", 1)) /* S(.) */
		l->t->incbin_words.pieces[0] |= CPP_INCBIN_DOT;
	for (p = start; p < end && (p = find_dot_pattern(p, end, ".in", 0));
	     p++) {
		size_t len = cpp_incbin_words_prefix_length(p + 1, end);

		if (len == SIZE_MAX ||
		    (p > start && (strchr(".)]", p[-1]) ||
				   cpp_is_word_char((uint8_t)p[-1]))))
			continue;
		len++;
		while (p + len < end && (p[len] == ' ' || p[len] == '\t'))
			len++;
		if (p + len < end && strchr("),#\n", p[len])) {
			l->t->marks |= CPP_MARK_ASM_FILE;
			return;
		}
	}
}

/*
 * Return the size in bytes of a text without its tokens.  The tokens are
 * charged when they are created.
 */
static size_t directives_memory(const struct cpp_text *t)
{
	return sizeof(*t) + t->blob_len +
	       (t->n_directives + 1) * sizeof(*t->directives) +
	       (t->n_defs + 1) * sizeof(*t->defs) +
	       t->n_expr_texts * sizeof(*t->expr_texts);
}

struct cpp_text *cpp_lex_file(struct cpp_names *names, struct buf *in,
			      unsigned mode, bool full)
{
	struct cpp_text *t = xcalloc(1, sizeof(*t));
	struct cpp_token_sink sink = { 0 };
	struct cpp_lexer l = { .mode = mode,
			       .line = 1,
			       .names = names,
			       .t = t,
			       .sink = full ? &sink : NULL };

	t->mode = mode;
	t->names = names;
	if (cpp_names_records_words(names)) {
		l.words = &t->words;
		t->n_locations = cpp_words_count_locations(
			(const char *)in->data, in->len);
	}
	buf_add(in, "\n", 1);
	l.p = l.start = in->data;
	l.end = in->data + in->len;
	if (in->len > 3 && !memcmp(in->data, "\xef\xbb\xbf", 3))
		l.p += 3;
	cpp_names_lock(names);
	if (full)
		cpp_token_sink_add_gap(&l);
	check_bytes(&l, in);
	if (mode & CPP_MODE_ASM)
		check_mixed_case(&l, in);
	else
		check_call_arguments(&l, in);
	cpp_pragma_find_words(&l);
	lex_lines(&l);
	l.p = l.end;
	cpp_pragma_skip_words(&l, l.end);
	cpp_names_unlock(names);
	if (l.n_open_groups && !t->reason)
		t->reason = REASON_CONDITIONALS;
	/* A file that consists of one #ifndef X ... #endif has the guard X. */
	t->guard = !t->reason && t->n_directives > 1 &&
				   t->directives[0].op == CPP_OP_IFNDEF &&
				   t->directives[0].next_group ==
					   t->n_directives - 1 &&
				   t->directives[t->n_directives - 1].op ==
					   CPP_OP_ENDIF ?
			   t->directives[0].name :
			   WORD_NONE;
	t->blob_len = l.blob.len;
	t->blob = buf_steal(&l.blob);
	t->blob = xrealloc(t->blob, t->blob_len + 1);
	t->directives = xrealloc(t->directives, (t->n_directives + 1) *
							sizeof(*t->directives));
	t->defs = xrealloc(t->defs, (t->n_defs + 1) * sizeof(*t->defs));
	cpp_names_charge(names, directives_memory(t));
	if (l.words)
		cpp_words_add_directives(t, (const char *)in->data,
					 in->len - 1);
	if (t->words.names_file)
		t->marks |= CPP_MARK_FILE;
	if (full)
		sink_finish(&sink, t);
	buf_release(&l.scratch);
	buf_release(&l.unescaped);
	free(l.open_groups);
	return t;
}

void cpp_text_free(struct cpp_text *t)
{
	struct cpp_full_text *full;

	if (!t)
		return;
	for (uint32_t i = 0; i < t->n_defs; i++)
		cpp_macro_free(&t->defs[i], t->names);
	for (uint32_t i = 0; i < t->n_expr_texts; i++) {
		struct cpp_tokens *tokens = atomic_load(
			&t->expr_texts[i].tokens);

		if (tokens)
			cpp_names_discharge(t->names,
					    cpp_tokens_memory(tokens));
		free(tokens);
	}
	full = atomic_load(&t->full);
	if (full) {
		cpp_names_discharge(t->names, full_memory(t, full));
		free(full->tokens);
		free(full->starts);
		free(full);
	}
	cpp_names_discharge(t->names, directives_memory(t));
	free(t->directives);
	free(t->defs);
	free(t->expr_texts);
	free(t->blob);
	free(t->words.hashes);
	free(t->defined_names);
	free(t);
}
