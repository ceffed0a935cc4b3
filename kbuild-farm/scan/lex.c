/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/lexer.h"

#include "scan/macro.h"
#include "scan/pragma.h"
#include "scan/token.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

/* Linux 6.12 has a header of 223,000. */
#define DIRECTIVES_MAX (1u << 19)

/* The line that was just appended to the blob, without blanks around it. */
struct line {
	uint32_t at, len;
	const char *s;
};

static struct line line_from(const struct scan_lexer *l, size_t at)
{
	const char *blob = (const char *)l->blob.data;
	size_t end = l->blob.len;

	while (end > at && strchr(" \t\v\f\r", blob[end - 1]))
		end--;
	while (at < end && strchr(" \t\v\f\r", blob[at]))
		at++;
	return (struct line){ (uint32_t)at, (uint32_t)(end - at),
			      blob ? blob + at : "" };
}

static struct line rest(struct scan_lexer *l)
{
	size_t at = l->blob.len;

	scan_lexer_rest(l);
	return line_from(l, at);
}

static size_t word_length(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && scan_is_word((uint8_t)s[n]))
		n++;
	return n;
}

/* Take a macro's name off the front; WORD_NONE: there is none we know. */
static uint32_t take_name(struct scan_lexer *l, struct line *line)
{
	size_t n = word_length(line->s, line->len);
	uint32_t id;

	if (!n || (line->s[0] >= '0' && line->s[0] <= '9') ||
	    (n < line->len && line->s[n] == '\\'))
		return WORD_NONE;
	for (size_t i = 0; i < n; i++) {
		if ((uint8_t)line->s[i] >= 0x80 ||
		    (line->s[i] == '$' && (l->mode & SCAN_ASM)))
			return WORD_NONE;
	}
	id = scan_name_id_locked(l->names, line->s, n);
	line->s += n;
	line->at += (uint32_t)n;
	line->len -= (uint32_t)n;
	return id;
}

static void lex_define(struct scan_lexer *l)
{
	struct line line = rest(l);
	uint32_t name = take_name(l, &line);
	struct scan_text *t = l->t;
	struct scan_directive *d;
	struct scan_def *def;

	if (name == WORD_NONE || name == WORD_DEFINED) {
		scan_lexer_unsupported(l, REASON_MACRO_NAME);
		return;
	}
	t->def = vec_reserve(t->def, &l->cap_def, t->n_def, sizeof(*t->def));
	def = &t->def[t->n_def];
	*def = (struct scan_def){
		.text = t, .name = name, .at = line.at, .len = line.len
	};
	d = scan_lexer_add(l, SCAN_OP_DEFINE);
	d->name = name;
	d->at = t->n_def++;
	scan_lexer_body(l, line.s, line.len);
}

/* #undef, #ifdef and their like. */
static void named(struct scan_lexer *l, enum scan_op op)
{
	size_t before = l->blob.len;
	struct line line = rest(l);
	uint32_t name = take_name(l, &line);

	l->blob.len = before;
	scan_lexer_add(l, op)->name = name;
}

/* Turn `defined(X)` and `!defined X` into #ifdef and #ifndef. */
static bool simple_if(struct scan_lexer *l, struct line line)
{
	enum scan_op op = SCAN_OP_IFDEF;
	bool paren;
	uint32_t name;

	if (line.len && *line.s == '!') {
		op = SCAN_OP_IFNDEF;
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
	scan_lexer_add(l, op)->name = name;
	return true;
}

static void condition(struct scan_lexer *l, enum scan_op op)
{
	size_t before = l->blob.len;
	const uint8_t *from = l->p;
	struct line line = rest(l);
	struct scan_directive *d;

	if (op == SCAN_OP_IF && simple_if(l, line)) {
		l->blob.len = before;
		return;
	}
	d = scan_lexer_add(l, op);
	d->at = scan_lexer_piece(l, line.at, line.len);
	/* What looks like a comment may have been a part of a name. */
	if (memmem(line.s, line.len, "__has_include", 13) &&
	    scan_lexer_bracketed(from, l->p))
		d->form = 1;
}

static void open_group(struct scan_lexer *l)
{
	l->open = vec_reserve(l->open, &l->cap_open, l->n_open,
			      sizeof(*l->open));
	l->open[l->n_open++] = l->t->n - 1;
}

/* #elif, #else, #endif: the group that is open goes on here. */
static void link_group(struct scan_lexer *l)
{
	struct scan_text *t = l->t;
	uint8_t op = t->dir[t->n - 1].op;
	struct scan_directive *before;

	if (!l->n_open) {
		t->unbalanced = true;
		return;
	}
	before = &t->dir[l->open[l->n_open - 1]];
	if (before->op == SCAN_OP_ELSE && op != SCAN_OP_ENDIF)
		t->unbalanced = true;
	before->next = t->n - 1;
	if (op == SCAN_OP_ENDIF)
		l->n_open--;
	else
		l->open[l->n_open - 1] = t->n - 1;
}

/* <x.h> or "x.h" as it stands; false: it is neither, and in the blob now. */
static bool header_name(struct scan_lexer *l, enum scan_op op)
{
	size_t before = l->blob.len, len;
	uint8_t open = *l->p, close = open == '<' ? '>' : '"';
	struct scan_directive *d;
	const char *s;

	if (open != '<' && open != '"')
		return false;
	buf_add(&l->blob, l->p++, 1);
	scan_lexer_header(l, close);
	s = (const char *)l->blob.data + before;
	len = l->blob.len - before;
	if (len < 2 || s[len - 1] != (char)close)
		return false;
	if (len == 2) {
		scan_lexer_unsupported(l, REASON_DIRECTIVE_ERROR);
	} else {
		d = scan_lexer_add(l, op);
		d->form = open;
		d->name = scan_name_id_locked(l->names, s + 1, len - 2);
	}
	scan_lexer_rest(l);
	l->blob.len = before;
	return true;
}

static void lex_include(struct scan_lexer *l, enum scan_op op)
{
	size_t before = l->blob.len;
	struct scan_directive *d;
	struct line line;
	uint32_t at;

	if (!scan_lexer_blanks(l)) {
		scan_lexer_unsupported(l, REASON_DIRECTIVE_ERROR);
		scan_lexer_rest(l);
		return;
	}
	if (header_name(l, op))
		return;
	scan_lexer_rest(l);
	line = line_from(l, before);
	at = scan_lexer_piece(l, line.at, line.len);
	d = scan_lexer_add(l, op);
	d->at = at;
}

/* push_macro("X") and pop_macro("X") */
static void pragma_macro(struct scan_lexer *l, enum scan_op op,
			 const struct line *line)
{
	size_t len;
	const char *name = scan_pragma_macro(line->s, line->len, &len);
	uint32_t id;

	if (!name) {
		scan_lexer_unsupported(l, REASON_PRAGMA);
		return;
	}
	id = scan_name_id_locked(l->names, name, len);
	scan_lexer_add(l, op)->name = id;
}

static void lex_pragma(struct scan_lexer *l)
{
	const uint8_t *from = l->p;
	size_t before = l->blob.len;
	struct line line = rest(l);

	scan_lexer_passed(l, from);
	if (l->keep)
		scan_keep_said(l, SCAN_TOK_PRAGMA, line.s, line.len);
	l->blob.len = before;
	switch (scan_pragma(line.s, line.len)) {
	case SCAN_PRAGMA_OTHER:
		break;
	case SCAN_PRAGMA_ONCE:
		scan_lexer_add(l, SCAN_OP_ONCE);
		break;
	case SCAN_PRAGMA_PUSH_MACRO:
		pragma_macro(l, SCAN_OP_PUSH_MACRO, &line);
		break;
	case SCAN_PRAGMA_POP_MACRO:
		pragma_macro(l, SCAN_OP_POP_MACRO, &line);
		break;
	case SCAN_PRAGMA_SYSTEM_HEADER:
		scan_lexer_add(l, SCAN_OP_SYSTEM_HEADER);
		break;
	case SCAN_PRAGMA_OPTIONS:
		scan_lexer_unsupported(l, REASON_PRAGMA_OPTIONS);
		break;
	case SCAN_PRAGMA_UNKNOWN:
		scan_lexer_unsupported(l, REASON_PRAGMA);
	}
}

enum kind {
	INCLUDE,
	DEFINE,
	NAMED,
	CONDITION,
	PLAIN,
	PRAGMA,
	UNSUPPORTED,
	LINE,
	SKIP,
};

static const struct word {
	const char *s;
	uint8_t kind;
	uint8_t op; /* of UNSUPPORTED: enum reason */
	int8_t group; /* 1 opens a conditional, -1 continues it */
} words[] = {
	{ "define", DEFINE, 0, 0 },
	{ "include", INCLUDE, SCAN_OP_INCLUDE, 0 },
	{ "ifdef", NAMED, SCAN_OP_IFDEF, 1 },
	{ "ifndef", NAMED, SCAN_OP_IFNDEF, 1 },
	{ "if", CONDITION, SCAN_OP_IF, 1 },
	{ "endif", PLAIN, SCAN_OP_ENDIF, -1 },
	{ "else", PLAIN, SCAN_OP_ELSE, -1 },
	{ "elif", CONDITION, SCAN_OP_ELIF, -1 },
	{ "undef", NAMED, SCAN_OP_UNDEF, 0 },
	{ "pragma", PRAGMA, 0, 0 },
	{ "include_next", INCLUDE, SCAN_OP_INCLUDE_NEXT, 0 },
	{ "import", INCLUDE, SCAN_OP_IMPORT, 0 },
	{ "error", UNSUPPORTED, REASON_DIRECTIVE_ERROR, 0 },
	{ "warning", SKIP, 0, 0 },
	{ "line", LINE, 0, 0 },
	{ "elifdef", NAMED, SCAN_OP_ELIFDEF, -1 },
	{ "elifndef", NAMED, SCAN_OP_ELIFNDEF, -1 },
	{ "embed", UNSUPPORTED, REASON_EMBED, 0 },
	{ "assert", UNSUPPORTED, REASON_ASSERT, 0 },
	{ "unassert", UNSUPPORTED, REASON_ASSERT, 0 },
	{ "ident", SKIP, 0, 0 },
	{ "sccs", SKIP, 0, 0 },
};

static const struct word *find_word(const char *s, size_t len)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].s[0] == s[0] && strlen(words[i].s) == len &&
		    !memcmp(words[i].s, s, len))
			return &words[i];
	}
	return NULL;
}

static void drop_rest(struct scan_lexer *l)
{
	const uint8_t *from = l->p;
	size_t before = l->blob.len;

	scan_lexer_rest(l);
	scan_lexer_passed(l, from);
	l->blob.len = before;
}

/* Behind #line, or behind the # of # 33 "file". */
static void lex_origin(struct scan_lexer *l)
{
	const uint8_t *from = l->p;
	size_t before = l->blob.len;
	struct line line;

	scan_lexer_origin(l);
	line = rest(l);
	scan_lexer_passed(l, from);
	if (l->keep)
		scan_keep_said(l, SCAN_TOK_ORIGIN, line.s, line.len);
	l->blob.len = before;
}

static void lex_known(struct scan_lexer *l, const struct word *w)
{
	uint32_t n = l->t->n, line = l->line;

	switch ((enum kind)w->kind) {
	case INCLUDE:
		lex_include(l, w->op);
		break;
	case DEFINE:
		lex_define(l);
		break;
	case NAMED:
		named(l, w->op);
		break;
	case CONDITION:
		condition(l, w->op);
		break;
	case PRAGMA:
		lex_pragma(l);
		break;
	case PLAIN:
		drop_rest(l);
		scan_lexer_add(l, w->op);
		break;
	case LINE:
		lex_origin(l);
		break;
	case UNSUPPORTED:
		scan_lexer_unsupported(l, w->op);
		drop_rest(l);
		break;
	case SKIP:
		drop_rest(l);
	}
	for (uint32_t i = n; i < l->t->n; i++) {
		l->t->dir[i].spliced = l->line != line + 1;
		l->t->dir[i].line = line;
	}
	if (w->group > 0)
		open_group(l);
	else if (w->group < 0)
		link_group(l);
}

/* A line of text: looked through, and kept if that is wanted. */
static void text(struct scan_lexer *l)
{
	const uint8_t *from = l->p;
	uint32_t line = l->line;

	scan_lexer_text(l);
	if (!l->keep)
		return;
	l->p = from;
	l->line = line;
	scan_keep_line(l);
}

/* What is no directive: # 33 "file", or text of the assembler. */
static void lex_unknown(struct scan_lexer *l, const uint8_t *hash,
			uint32_t line, bool number)
{
	if (number)
		l->t->marks |= SCAN_MARK_LINE;
	if (l->mode & SCAN_ASM) {
		l->p = hash;
		l->line = line;
		l->comment_line = l->line;
		text(l);
		return;
	}
	if (!number)
		scan_lexer_unsupported(l, REASON_DIRECTIVE);
	l->comment_line = l->line;
	scan_lexer_text(l);
}

/* Behind the '#' at `hash` that starts a line. */
static void lex_directive(struct scan_lexer *l, const uint8_t *hash)
{
	size_t before = l->blob.len;
	const struct word *w = NULL;
	const uint8_t *from;
	uint32_t line = l->line;
	bool number;
	size_t len;

	if (!scan_lexer_blanks(l)) {
		l->p++;
		l->line++;
		return;
	}
	from = l->p;
	len = scan_lexer_word(l);
	if (len)
		w = find_word((const char *)l->blob.data + before, len);
	l->blob.len = before;
	if (w) {
		lex_known(l, w);
		return;
	}
	number = len && l->blob.data[before] >= '0' &&
		 l->blob.data[before] <= '9';
	if (number && !(l->mode & SCAN_ASM)) {
		l->p = from;
		lex_origin(l);
		return;
	}
	lex_unknown(l, hash, line, number);
}

static void lines(struct scan_lexer *l)
{
	while (l->p < l->end) {
		if (l->t->n > DIRECTIVES_MAX) {
			scan_lexer_unsupported(l, REASON_MANY_DIRECTIVES);
			return;
		}
		if (!scan_lexer_blanks(l)) {
			l->p++;
			l->line++;
		} else if (*l->p == '#') {
			l->p++;
			lex_directive(l, l->p - 1);
		} else if (*l->p == '%' && l->p[1] == ':' &&
			   scan_has_digraphs(l->mode)) {
			l->p += 2;
			lex_directive(l, l->p - 2);
		} else {
			text(l);
		}
	}
}

/* The whole file is one #ifndef X ... #endif: X says that it has no effect. */
static uint32_t guard_of(const struct scan_text *t)
{
	const struct scan_directive *d = t->dir;

	if (t->unbalanced || t->n < 2 || d->op != SCAN_OP_IFNDEF ||
	    d->next != t->n - 1 || t->dir[t->n - 1].op != SCAN_OP_ENDIF)
		return WORD_NONE;
	return d->name;
}

/* Without the tokens, which are charged when they are made. */
static size_t text_memory(const struct scan_text *t)
{
	return sizeof(*t) + t->blob_len + (t->n + 1) * sizeof(*t->dir) +
	       (t->n_def + 1) * sizeof(*t->def) +
	       t->n_piece * sizeof(*t->piece);
}

struct scan_text *scan_lex(struct scan_names *names, struct buf *in,
			   unsigned mode, bool full)
{
	struct scan_text *t = xcalloc(1, sizeof(*t));
	struct scan_keep keep = { 0 };
	struct scan_lexer l = { .mode = mode,
				.line = 1,
				.names = names,
				.t = t,
				.keep = full ? &keep : NULL };

	t->mode = mode;
	t->names = names;
	buf_add(in, "\n", 1);
	l.p = l.start = in->data;
	l.end = in->data + in->len;
	if (in->len > 3 && !memcmp(in->data, "\xef\xbb\xbf", 3))
		l.p += 3;
	scan_names_lock(names);
	if (full)
		scan_keep_gap(&l);
	scan_lexer_bytes(&l, in);
	scan_lexer_hidden(&l, in);
	scan_lexer_words(&l);
	lines(&l);
	l.p = l.end;
	scan_lexer_passed(&l, l.end);
	scan_names_unlock(names);
	if (l.n_open)
		t->unbalanced = true;
	t->guard = guard_of(t);
	t->blob_len = l.blob.len;
	t->blob = buf_steal(&l.blob);
	t->blob = xrealloc(t->blob, t->blob_len + 1);
	t->dir = xrealloc(t->dir, (t->n + 1) * sizeof(*t->dir));
	t->def = xrealloc(t->def, (t->n_def + 1) * sizeof(*t->def));
	scan_names_charge(names, text_memory(t));
	if (full)
		scan_keep_end(&keep, t);
	scan_keep_release(&keep);
	buf_release(&l.scratch);
	buf_release(&l.unescaped);
	free(l.open);
	return t;
}

void scan_lex_full(struct scan_text *t, struct buf *in)
{
	struct scan_text *again = scan_lex(t->names, in, t->mode, true);
	struct scan_full *none = NULL, *full = atomic_load(&again->full);

	if (atomic_compare_exchange_strong(&t->full, &none, full))
		atomic_store(&again->full, NULL);
	scan_text_free(again);
}

void scan_text_free(struct scan_text *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n_def; i++)
		scan_macro_drop(&t->def[i], t->names);
	for (uint32_t i = 0; i < t->n_piece; i++)
		scan_tokens_drop(&t->piece[i].tokens, t->names);
	scan_full_drop(t);
	scan_names_discharge(t->names, text_memory(t));
	free(t->dir);
	free(t->def);
	free(t->piece);
	free(t->blob);
	free(t);
}
