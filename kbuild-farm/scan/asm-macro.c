/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The assembler's macros, as gas/macro.c expands them.  In the alternate
 * syntax a parameter needs no \ in front, <> quotes, ! escapes, %EXPR is a
 * number and LOCAL makes names.
 */
#include "scan/asm.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void append_char(struct buf *out, char c)
{
	buf_add(out, &c, 1);
}

static bool is_at(const struct scan_asm_part *in, char c)
{
	return in->p < in->end && *in->p == c;
}

void scan_asm_comma(struct scan_asm_part *in)
{
	scan_asm_blanks(in);
	in->p += is_at(in, ',');
	scan_asm_blanks(in);
}

/* A word, and in the alternate syntax an & behind it. */
static size_t word(const struct scan_asm_dialect *d, struct scan_asm_part *in)
{
	size_t len = scan_asm_name(d->syntax, in);

	if (d->alternate && is_at(in, '&'))
		in->p++;
	return len;
}

/* <...>, which nests. */
static void angled(struct scan_asm_part *in, struct buf *out)
{
	int nest = 0;

	for (in->p++; in->p < in->end && (*in->p != '>' || nest); in->p++) {
		if (*in->p == '!') {
			if (++in->p == in->end)
				return;
		} else if (*in->p == '>') {
			nest--;
		} else if (*in->p == '<') {
			nest++;
		}
		append_char(out, *in->p);
	}
	in->p += in->p < in->end;
}

/* "..." or '...': the quote twice stands for itself. */
static void copy_quoted(const struct scan_asm_dialect *d,
			struct scan_asm_part *in, struct buf *out)
{
	char quote = *in->p++;
	bool escaped = false;

	while (in->p < in->end) {
		escaped = in->p[-1] == '\\' && !escaped;
		if (d->alternate && *in->p == '!') {
			if (++in->p == in->end)
				return;
		} else if (!escaped && *in->p == quote) {
			in->p++;
			if (!is_at(in, quote))
				return;
		}
		append_char(out, *in->p++);
	}
}

static bool starts_string(const struct scan_asm_dialect *d, char c)
{
	return c == '"' || (d->alternate && (c == '<' || c == '\''));
}

static void copy_strings(const struct scan_asm_dialect *d,
			 struct scan_asm_part *in, struct buf *out)
{
	while (in->p < in->end && starts_string(d, *in->p)) {
		if (*in->p == '<')
			angled(in, out);
		else
			copy_quoted(d, in, out);
	}
}

/* A string inside an argument; false: it has no end. */
static bool copy_string(struct scan_asm_part *in, struct buf *out)
{
	char quote = *in->p;

	append_char(out, *in->p++);
	while (in->p < in->end && *in->p != quote)
		append_char(out, *in->p++);
	return in->p < in->end;
}

/* Up to a comma or a blank, but not within brackets. */
static void copy_plain(const struct scan_asm_dialect *d,
		       struct scan_asm_part *in, struct buf *out)
{
	struct buf open = { 0 };

	while (in->p < in->end && *in->p != ',' &&
	       (open.len || !scan_asm_is_blank(*in->p)) &&
	       (*in->p != '<' || !d->alternate)) {
		char c = *in->p, last;

		if ((c == '"' || c == '\'') && !copy_string(in, out))
			break;
		last = open.len ? (char)open.data[open.len - 1] : '\0';
		if (c == '(' || c == '[')
			append_char(&open, c);
		else if ((c == ')' && last == '(') || (c == ']' && last == '['))
			open.len--;
		append_char(out, c);
		in->p++;
	}
	buf_release(&open);
}

/* b'0110: a number with its base, up to what separates. */
static bool is_based(const struct scan_asm_part *in)
{
	return in->end - in->p > 2 && in->p[1] == '\'' && *in->p &&
	       strchr("bBqQhHdD", *in->p);
}

static bool separates_arguments(const struct scan_asm_dialect *d, char c)
{
	return c && (strchr(" \t,\";)(", c) ||
		     (d->alternate && (c == '<' || c == '>')));
}

void scan_asm_argument(const struct scan_asm_dialect *d,
		       struct scan_asm_part *in, struct buf *out)
{
	buf_reset(out);
	scan_asm_blanks(in);
	if (in->p == in->end)
		return;
	if (is_based(in)) {
		while (in->p < in->end && !separates_arguments(d, *in->p))
			append_char(out, *in->p++);
	} else if (*in->p == '%' && d->alternate) {
		in->p++;
		d->value(d->ctx, in, out);
	} else if (!starts_string(d, *in->p)) {
		copy_plain(d, in, out);
	} else if (d->alternate && *in->p != '<') {
		append_char(out, '"');
		copy_strings(d, in, out);
		append_char(out, '"');
	} else {
		copy_strings(d, in, out);
	}
}

static char *copy_part(struct scan_asm_part part)
{
	return xstrndup(part.p, (size_t)(part.end - part.p));
}

static struct scan_asm_formal *add_formal(struct scan_asm_macro *m,
					  const char *name, size_t len)
{
	m->formal = xrealloc(m->formal, (m->n + 1) * sizeof(*m->formal));
	m->formal[m->n] = (struct scan_asm_formal){
		.name = xstrndup(name, len),
	};
	return &m->formal[m->n++];
}

/* :req or :vararg; false: neither. */
static bool qualifier(const struct scan_asm_dialect *d,
		      struct scan_asm_part *in, struct scan_asm_formal *f)
{
	const char *from;
	size_t len;

	in->p++;
	scan_asm_blanks(in);
	from = in->p;
	len = word(d, in);
	f->vararg = len == 6 && !memcmp(from, "vararg", 6);
	scan_asm_blanks(in);
	return f->vararg || (len == 3 && !memcmp(from, "req", 3));
}

static void formals(const struct scan_asm_dialect *d, struct scan_asm_macro *m,
		    struct scan_asm_part *in)
{
	struct buf def = { 0 };
	bool more = true;

	scan_asm_comma(in);
	while (in->p < in->end && more && !m->bad) {
		const char *name = in->p;
		size_t len = word(d, in);
		struct scan_asm_formal *f;

		if (!len)
			break;
		f = add_formal(m, name, len);
		scan_asm_blanks(in);
		if (is_at(in, ':'))
			m->bad = !qualifier(d, in, f);
		if (is_at(in, '=')) {
			in->p++;
			scan_asm_argument(d, in, &def);
			f->def = xstrdup(buf_str(&def));
			scan_asm_blanks(in);
		}
		more = !f->vararg;
		if (more)
			scan_asm_comma(in);
	}
	scan_asm_blanks(in);
	if (in->p < in->end)
		m->bad = true;
	buf_release(&def);
}

struct scan_asm_macro *scan_asm_macro_new(const struct scan_asm_dialect *d,
					  struct scan_asm_part operands,
					  struct scan_asm_part body)
{
	struct scan_asm_macro *m = xcalloc(1, sizeof(*m));

	m->operands = copy_part(operands);
	m->body = copy_part(body);
	m->alternate = d->alternate;
	formals(d, m, &operands);
	return m;
}

static void formals_release(struct scan_asm_formal *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(f[i].name);
		free(f[i].def);
		buf_release(&f[i].actual);
	}
	free(f);
}

void scan_asm_macro_free(struct scan_asm_macro *m)
{
	formals_release(m->formal, m->n);
	free(m->operands);
	free(m->body);
	free(m);
}

/* An expansion: `local` are names that LOCAL made. */
struct body {
	const struct scan_asm_dialect *d;
	struct scan_asm_formal *formal;
	size_t n;
	struct strv local;
	bool is_macro;
	bool quoted;
	struct scan_asm_part in;
	struct buf *out;
};

/* What a word stands for, put out; false: it is no parameter. */
static bool put_actual(struct body *b, const char *s, size_t len)
{
	for (size_t i = 0; i < b->n; i++) {
		struct scan_asm_formal *f = &b->formal[i];

		if (strlen(f->name) != len || memcmp(f->name, s, len))
			continue;
		if (f->actual.len)
			buf_add_bytes(b->out, buf_bytes(&f->actual));
		else if (f->def)
			buf_add_str(b->out, f->def);
		return true;
	}
	for (size_t i = 0; i < b->local.n; i++) {
		if (strlen(b->local.v[i]) != len ||
		    memcmp(b->local.v[i], s, len))
			continue;
		buf_add_str(b->out, ".LL");
		append_char(b->out, SCAN_ASM_DIGITS);
		return true;
	}
	return false;
}

/* Replace a word at the front; if it is none of ours `prefix` stays. */
static void substitute(struct body *b, char prefix)
{
	const char *s = b->in.p;
	size_t len = word(b->d, &b->in);

	b->in.p += is_at(&b->in, prefix == '&' ? '&' : '\'');
	if (put_actual(b, s, len))
		return;
	if (prefix)
		append_char(b->out, prefix);
	buf_add(b->out, s, len);
	if (prefix == '&' && b->in.p > s && b->in.p[-1] == '&')
		append_char(b->out, '&');
}

static void backslash(struct body *b)
{
	b->in.p++;
	if (is_at(&b->in, '(')) {
		for (b->in.p++; b->in.p < b->in.end && *b->in.p != ')';)
			append_char(b->out, *b->in.p++);
		b->in.p += b->in.p < b->in.end;
	} else if (is_at(&b->in, '@') || is_at(&b->in, '+')) {
		append_char(b->out, SCAN_ASM_DIGITS);
		b->in.p++;
	} else if (is_at(&b->in, '&')) {
		buf_add_str(b->out, "\\&");
		b->in.p++;
	} else {
		substitute(b, '\\');
	}
}

static bool is_local_statement(const struct body *b)
{
	return b->is_macro && !b->quoted && b->in.end - b->in.p > 5 &&
	       !strncasecmp(b->in.p, "LOCAL", 5) &&
	       scan_asm_is_blank(b->in.p[5]);
}

static void locals(struct body *b)
{
	b->in.p += 5;
	scan_asm_blanks(&b->in);
	while (b->in.p < b->in.end && *b->in.p != '\n') {
		const char *s = b->in.p;
		size_t len = word(b->d, &b->in);

		if (!len)
			break;
		strv_own(&b->local, xstrndup(s, len));
		scan_asm_comma(&b->in);
	}
}

static void expand_body(struct body *b)
{
	while (b->in.p < b->in.end) {
		char c = *b->in.p;

		if (c == '&') {
			b->in.p++;
			substitute(b, '&');
		} else if (c == '\\') {
			backslash(b);
		} else if (b->d->alternate &&
			   scan_asm_starts_name(b->d->syntax, c)) {
			if (is_local_statement(b))
				locals(b);
			else
				substitute(b, '\0');
		} else {
			if (c == '"')
				b->quoted = !b->quoted;
			append_char(b->out, c);
			b->in.p++;
		}
	}
	if (!b->out->len || b->out->data[b->out->len - 1] != '\n')
		append_char(b->out, '\n');
	strv_release(&b->local);
}

static struct scan_asm_formal *find_formal(struct scan_asm_macro *m,
					   const char *s, size_t len)
{
	for (size_t i = 0; i < m->n; i++) {
		if (strlen(m->formal[i].name) == len &&
		    !memcmp(m->formal[i].name, s, len))
			return &m->formal[i];
	}
	return NULL;
}

/* NAME=: is the next argument one with its parameter's name? */
static bool has_keyword(const struct scan_asm_dialect *d,
			const struct scan_asm_part *in)
{
	const char *p = in->p;

	if (d->alternate)
		return false;
	while (p < in->end && *p != '=' && !separates_arguments(d, *p))
		p++;
	return p < in->end && *p == '=';
}

static bool keyword(const struct scan_asm_dialect *d, struct scan_asm_macro *m,
		    struct scan_asm_part *in)
{
	struct buf none = { 0 };
	struct scan_asm_formal *f;
	const char *s = in->p;
	size_t len = word(d, in);

	if (!is_at(in, '='))
		return false;
	in->p++;
	f = find_formal(m, s, len);
	scan_asm_argument(d, in, f ? &f->actual : &none);
	buf_release(&none);
	return true;
}

static bool arguments(const struct scan_asm_dialect *d,
		      struct scan_asm_macro *m, struct scan_asm_part *in)
{
	bool keywords = false;
	size_t next = 0;

	scan_asm_blanks(in);
	while (in->p < in->end) {
		struct scan_asm_formal *f;

		if (has_keyword(d, in)) {
			keywords = true;
			if (!keyword(d, m, in))
				return false;
			scan_asm_comma(in);
			continue;
		}
		if (keywords || next == m->n)
			return false;
		f = &m->formal[next++];
		if (f->vararg) {
			buf_add(&f->actual, in->p, (size_t)(in->end - in->p));
			in->p = in->end;
		} else {
			scan_asm_argument(d, in, &f->actual);
		}
		scan_asm_comma(in);
	}
	return true;
}

bool scan_asm_macro_expand(const struct scan_asm_dialect *d,
			   struct scan_asm_macro *m, struct scan_asm_part in,
			   struct buf *out)
{
	struct body b = { .d = d, .is_macro = true, .out = out };

	for (size_t i = 0; i < m->n; i++)
		buf_reset(&m->formal[i].actual);
	if (!arguments(d, m, &in))
		return false;
	b.formal = m->formal;
	b.n = m->n;
	b.in = (struct scan_asm_part){ m->body, m->body + strlen(m->body) };
	expand_body(&b);
	return true;
}

void scan_asm_repeat(const struct scan_asm_dialect *d, const char *name,
		     struct scan_asm_part value, struct scan_asm_part body,
		     struct buf *out)
{
	struct scan_asm_formal f = { .name = (char *)name };
	struct body b = {
		.d = d, .formal = &f, .n = 1, .in = body, .out = out
	};

	buf_add(&f.actual, value.p, (size_t)(value.end - value.p));
	expand_body(&b);
	buf_release(&f.actual);
}
