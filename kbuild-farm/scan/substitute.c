/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/expand.h"

#include "base/buf.h"

/* One macro's body being filled in; the result grows on cpp->run.stack. */
struct filling {
	struct scan_cpp *cpp;
	const struct scan_macro *m;
	struct scan_argument *args;
	size_t from; /* where the result starts */
	bool pasting; /* what comes next stands behind ## */
	bool white; /* a blank that nothing has taken yet */
	uint8_t pad; /* the same in text: enum scan_pad */
};

static const struct scan_name *spelling(const struct scan_cpp *cpp,
					struct scan_token t)
{
	return scan_name(cpp->names, t.id);
}

static void add_escaped(struct buf *b, const struct scan_name *name)
{
	for (uint32_t i = 0; i < name->len; i++) {
		if (name->s[i] == '"' || name->s[i] == '\\')
			buf_add(b, "\\", 1);
		buf_add(b, &name->s[i], 1);
	}
}

static struct scan_token stringify(struct scan_cpp *cpp,
				   const struct scan_token *v, uint32_t n)
{
	struct scan_token t = { .kind = SCAN_TOK_STRING };
	struct buf b = { 0 };
	size_t slashes = 0;

	buf_add(&b, "\"", 1);
	for (uint32_t i = 0; i < n && b.len < SCAN_STEPS_MAX; i++) {
		const struct scan_name *name = spelling(cpp, v[i]);

		if (i && (v[i].flags & SCAN_TOK_WHITE))
			buf_add(&b, " ", 1);
		if (v[i].kind == SCAN_TOK_STRING || v[i].kind == SCAN_TOK_CHAR)
			add_escaped(&b, name);
		else
			buf_add(&b, name->s, name->len);
	}
	cpp->run.steps += (unsigned)b.len / 16;
	/* A lone backslash at the end would take the quote along. */
	while (slashes < b.len && b.data[b.len - 1 - slashes] == '\\')
		slashes++;
	if (slashes % 2)
		b.len--;
	buf_add(&b, "\"", 1);
	t.id = scan_name_id(cpp->names, buf_str(&b), b.len);
	buf_release(&b);
	return t;
}

bool scan_paste(struct scan_cpp *cpp, struct scan_token *l, struct scan_token r)
{
	const struct scan_name *a = spelling(cpp, *l);
	const struct scan_name *b = spelling(cpp, r);
	struct buf s = { 0 };
	struct scan_token t;
	bool ok;

	cpp->run.steps += (a->len + b->len) / 16;
	buf_add(&s, a->s, a->len);
	buf_add(&s, b->s, b->len);
	ok = scan_token_of(cpp->names, buf_str(&s), s.len, cpp->mode, &t);
	if (ok)
		*l = t;
	buf_release(&s);
	return ok;
}

static struct scan_token *last_of(struct filling *f)
{
	if (f->cpp->run.n_stack == f->from)
		return NULL;
	return &f->cpp->run.stack[f->cpp->run.n_stack - 1];
}

static void put_token(struct filling *f, struct scan_token t)
{
	if (f->white)
		t.flags |= SCAN_TOK_WHITE;
	f->white = false;
	scan_pad_take(&f->pad, &t);
	scan_stack_add(f->cpp, t);
}

/*
 * Behind ## comes nothing: what stands before it pastes with what follows,
 * or not at all.
 */
static void paste_nothing(struct filling *f, bool goes_on)
{
	struct scan_token *last = last_of(f);

	if (last && !goes_on)
		last->flags &= (uint8_t)~SCAN_TOK_PASTE;
}

/* ", ## args": true when that is what it is; the comma may be gone then. */
static bool comma(struct filling *f, struct scan_token param)
{
	struct scan_token *last = last_of(f);

	if (!last || last->kind != SCAN_TOK_PUNCT || last->punct != ',' ||
	    !f->m->variadic || param.id != f->m->paramc - 1)
		return false;
	if (f->args[param.id].omitted)
		f->cpp->run.n_stack--;
	else
		last->flags &= (uint8_t)~SCAN_TOK_PASTE;
	return true;
}

static void fill_param(struct filling *f, struct scan_token t, bool first)
{
	struct scan_argument *a = &f->args[t.id];
	bool raw = f->pasting || (t.flags & SCAN_TOK_PASTE);
	bool text = f->cpp->run.text;
	const struct scan_token *v;
	uint32_t n;

	if (!raw)
		scan_argument_expand(f->cpp, a);
	v = raw ? a->raw : a->expanded;
	n = raw ? a->n : a->n_expanded;
	if (f->pasting && !comma(f, t) && !n)
		paste_nothing(f, t.flags & SCAN_TOK_PASTE);
	if (text && !first && !f->pasting)
		scan_pad(&f->pad, t.flags);
	for (uint32_t i = 0; i < n; i++) {
		struct scan_token copy = v[i];

		copy.flags &= (uint8_t)~SCAN_TOK_PASTE;
		if (!text && !i && !first && !f->pasting)
			copy.flags = (uint8_t)((copy.flags & ~SCAN_TOK_WHITE) |
					       (t.flags & SCAN_TOK_WHITE));
		if (i + 1 == n)
			copy.flags |= t.flags & SCAN_TOK_PASTE;
		put_token(f, copy);
	}
	if (text && !(t.flags & SCAN_TOK_PASTE))
		scan_pad_end(&f->pad, raw ? SCAN_PAD_NONE : a->tail);
	else if (!n && !first && !f->pasting && (t.flags & SCAN_TOK_WHITE))
		f->white = true;
}

static void fill(struct filling *f, const struct scan_token *v, uint32_t n);

/* __VA_OPT__(...) */
static void fill_option(struct filling *f, struct scan_token t,
			const struct scan_token *v, bool first)
{
	bool pads = f->cpp->run.text && !(t.flags & SCAN_TOK_STRINGIFY);
	struct scan_argument *a = &f->args[f->m->paramc - 1];
	size_t before = f->cpp->run.n_stack;
	bool pasting = f->pasting;
	struct scan_token *last;

	scan_argument_expand(f->cpp, a);
	if (t.flags & SCAN_TOK_STRINGIFY)
		f->pasting = false;
	if (pads && !first && !pasting)
		scan_pad(&f->pad, t.flags);
	if (a->n_expanded)
		fill(f, v, t.id);
	if (pads && !(t.flags & SCAN_TOK_PASTE))
		scan_pad_end(&f->pad, SCAN_PAD_NONE);
	if (t.flags & SCAN_TOK_STRINGIFY) {
		size_t n = f->cpp->run.n_stack - before;
		struct scan_token s;

		s = stringify(f->cpp, n ? f->cpp->run.stack + before : NULL,
			      (uint32_t)n);
		f->cpp->run.n_stack = before;
		s.flags = t.flags & (SCAN_TOK_WHITE | SCAN_TOK_PASTE);
		put_token(f, s);
	} else if (f->cpp->run.n_stack == before) {
		if (pasting)
			paste_nothing(f, t.flags & SCAN_TOK_PASTE);
	} else if ((last = last_of(f)) && (t.flags & SCAN_TOK_PASTE)) {
		last->flags |= SCAN_TOK_PASTE;
	}
}

static void fill(struct filling *f, const struct scan_token *v, uint32_t n)
{
	for (uint32_t i = 0; i < n && !f->cpp->run.why; i++) {
		struct scan_token t = v[i];

		if (t.kind == SCAN_TOK_OPTION) {
			fill_option(f, t, v + i + 1, !i);
			i += t.id;
		} else if (t.kind != SCAN_TOK_PARAM) {
			put_token(f, t);
		} else if (t.flags & SCAN_TOK_STRINGIFY) {
			struct scan_token s;

			s = stringify(f->cpp, f->args[t.id].raw,
				      f->args[t.id].n);
			s.flags = t.flags & (SCAN_TOK_WHITE | SCAN_TOK_PASTE);
			put_token(f, s);
		} else {
			fill_param(f, t, !i);
		}
		f->pasting = t.flags & SCAN_TOK_PASTE;
	}
}

const struct scan_token *scan_substitute(struct scan_cpp *cpp,
					 const struct scan_macro *m,
					 struct scan_argument *args,
					 uint32_t *n, uint8_t *tail)
{
	struct filling f = { .cpp = cpp, .m = m, .args = args };
	size_t last;

	/*
	 * Arguments first: their expansion uses the stack as well.  Those
	 * that stand only beside # or ## need none.
	 */
	for (uint32_t i = 0; i < m->n; i++) {
		bool raw = i && (m->body[i - 1].flags & SCAN_TOK_PASTE);

		if (m->body[i].kind == SCAN_TOK_OPTION)
			scan_argument_expand(cpp, &args[m->paramc - 1]);
		if (m->body[i].kind == SCAN_TOK_PARAM && !raw &&
		    !(m->body[i].flags & (SCAN_TOK_STRINGIFY | SCAN_TOK_PASTE)))
			scan_argument_expand(cpp, &args[m->body[i].id]);
	}
	f.from = last = cpp->run.n_stack;
	fill(&f, m->body, m->n);
	*tail = f.pad;
	return scan_stack_take(cpp, last, n);
}
