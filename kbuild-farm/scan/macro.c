/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/macro.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

/* A definition while it is read. */
struct reading {
	const struct scan_token *v; /* ends in SCAN_TOK_END */
	const struct scan_tokens *all;
	uint32_t *param;
	uint32_t paramc;
	bool funlike, variadic, bad;
	unsigned mode;
};

static void add_param(struct reading *r, uint32_t name)
{
	for (uint32_t i = 0; i < r->paramc; i++)
		r->bad |= r->param[i] == name;
	*VEC_ADD(r->param, r->paramc) = name;
}

/* "(a, b...)": r->v is behind it afterwards. */
static void read_params(struct reading *r)
{
	r->funlike = true;
	if (scan_is_punct(*++r->v, ')')) {
		r->v++;
		return;
	}
	for (;; r->v++) {
		if (scan_is_punct(*r->v, SCAN_PUNCT_ELLIPSIS)) {
			add_param(r, WORD_VA_ARGS);
			r->variadic = true;
			r->v++;
		} else if (r->v->kind == SCAN_TOK_NAME) {
			add_param(r, r->v->id);
			r->v++;
			r->variadic = scan_is_punct(*r->v, SCAN_PUNCT_ELLIPSIS);
			r->v += r->variadic;
		} else {
			break;
		}
		if (scan_is_punct(*r->v, ')')) {
			r->v++;
			return;
		}
		if (!scan_is_punct(*r->v, ',') || r->variadic)
			break;
	}
	r->bad = true;
}

static bool as_param(const struct reading *r, struct scan_token *t)
{
	for (uint32_t i = 0; t->kind == SCAN_TOK_NAME && i < r->paramc; i++) {
		if (r->param[i] == t->id) {
			t->kind = SCAN_TOK_PARAM;
			t->id = i;
			return true;
		}
	}
	return false;
}

/* __VA_OPT__ ( ... ): how many tokens its body has; 0 with `bad` set. */
static uint32_t option_length(struct reading *r, const struct scan_token *v)
{
	const struct scan_token *from = v + 1;
	unsigned depth = 0;

	if (!scan_is_punct(*v, '(')) {
		r->bad = true;
		return 0;
	}
	for (; v->kind != SCAN_TOK_END; v++) {
		depth += scan_is_punct(*v, '(');
		depth -= scan_is_punct(*v, ')');
		if (!depth)
			return (uint32_t)(v - from);
	}
	r->bad = true;
	return 0;
}

static uint32_t read_body(struct reading *r, struct scan_token *out,
			  const struct scan_token *end);

/* One token of a body, or a group of them; r->v is behind it afterwards. */
static uint32_t read_token(struct reading *r, struct scan_token *out)
{
	struct scan_token t = *r->v++;
	uint8_t white = t.flags & SCAN_TOK_WHITE;
	bool hash = r->funlike && scan_is_punct(t, '#');
	uint32_t n;

	if (hash && (r->v->kind == SCAN_TOK_NAME)) {
		struct scan_token what = *r->v;

		if (as_param(r, &what) ||
		    (r->variadic && what.id == WORD_VA_OPT)) {
			t = *r->v++;
			t.flags = SCAN_TOK_STRINGIFY;
			hash = false;
		}
	}
	if (hash && !(r->mode & SCAN_ASM))
		r->bad = true;
	t.flags = (uint8_t)((t.flags & ~SCAN_TOK_WHITE) | white);
	if (r->variadic && t.kind == SCAN_TOK_NAME && t.id == WORD_VA_OPT) {
		n = option_length(r, r->v);
		if (r->bad)
			return 0;
		*out = t;
		out->kind = SCAN_TOK_OPTION;
		r->v++;
		out->id = read_body(r, out + 1, r->v + n);
		r->v++;
		return out->id + 1;
	}
	as_param(r, &t);
	*out = t;
	return 1;
}

static uint32_t read_body(struct reading *r, struct scan_token *out,
			  const struct scan_token *end)
{
	uint32_t n = 0, last = 0;

	while (r->v < end && !r->bad) {
		if (scan_is_punct(*r->v, SCAN_PUNCT_PASTE)) {
			r->v++;
			if (!n || r->v == end)
				r->bad = true;
			else
				out[last].flags |= SCAN_TOK_PASTE;
			continue;
		}
		last = n;
		n += read_token(r, out + n);
	}
	if (n)
		out[0].flags &= (uint8_t)~SCAN_TOK_WHITE;
	return n;
}

static struct scan_macro *read_macro(const struct scan_def *def,
				     struct scan_names *names)
{
	const char *s = def->text->blob + def->at;
	struct reading r = { .mode = def->text->mode };
	struct scan_tokens *all;
	struct scan_macro *m;

	all = scan_tokens_of(names, s, def->len, r.mode);
	r.v = all->v;
	if (scan_is_punct(*r.v, '(') && !(r.v->flags & SCAN_TOK_WHITE))
		read_params(&r);
	m = xcalloc(1, sizeof(*m) + (all->n + 1) * sizeof(m->body[0]));
	m->funlike = r.funlike;
	m->variadic = r.variadic;
	m->paramc = r.paramc;
	if (!r.bad)
		m->n = read_body(&r, m->body, all->v + all->n);
	m->bad = r.bad;
	m = xrealloc(m, sizeof(*m) + (m->n + 1) * sizeof(m->body[0]));
	free(r.param);
	free(all);
	return m;
}

static size_t macro_memory(const struct scan_macro *m)
{
	return sizeof(*m) + (m->n + 1) * sizeof(m->body[0]);
}

const struct scan_macro *scan_macro_of(struct scan_def *def,
				       struct scan_names *names)
{
	struct scan_macro *made = atomic_load(&def->macro);
	struct scan_macro *none = NULL;

	if (made)
		return made;
	made = read_macro(def, names);
	if (atomic_compare_exchange_strong(&def->macro, &none, made)) {
		scan_names_charge(names, macro_memory(made));
		return made;
	}
	free(made);
	return none;
}

void scan_macro_drop(struct scan_def *def, struct scan_names *names)
{
	struct scan_macro *m = atomic_load(&def->macro);

	if (!m)
		return;
	scan_names_discharge(names, macro_memory(m));
	free(m);
}

void scan_cpp_init(struct scan_cpp *cpp, struct scan_names *names,
		   const struct scan_host *host)
{
	*cpp = (struct scan_cpp){ .names = names, .host = *host };
}

void scan_cpp_release(struct scan_cpp *cpp)
{
	free(cpp->slot);
	free(cpp->look);
	scan_run_release(&cpp->run);
}

void scan_run_release(struct scan_run *run)
{
	free(run->context);
	free(run->stack);
	arena_release(&run->arena);
	*run = (struct scan_run){ 0 };
}

void scan_cpp_make_room(struct scan_cpp *cpp, uint32_t name)
{
	uint32_t n = name + name / 2 + 1024;

	cpp->slot = xrealloc(cpp->slot, n * sizeof(*cpp->slot));
	memset(cpp->slot + cpp->n_slot, 0,
	       (n - cpp->n_slot) * sizeof(*cpp->slot));
	cpp->n_slot = n;
}

/* What the compiler may have built in; whether it has is for the host. */
void scan_cpp_reset(struct scan_cpp *cpp, unsigned mode)
{
	cpp->mode = mode;
	cpp->level = 0;
	if (!++cpp->epoch) {
		memset(cpp->slot, 0, cpp->n_slot * sizeof(*cpp->slot));
		cpp->epoch = 1;
	}
}

void scan_cpp_define(struct scan_cpp *cpp, struct scan_def *def)
{
	scan_cpp_define_as(cpp, def->name, def);
}

void scan_cpp_undef(struct scan_cpp *cpp, uint32_t name)
{
	if (name < cpp->n_slot)
		cpp->slot[name].def = NULL;
}

struct scan_def *scan_cpp_look(struct scan_cpp *cpp, uint32_t name)
{
	struct scan_def *def = scan_cpp_def(cpp, name);
	struct scan_slot *s = scan_cpp_slot(cpp, name);

	if (s->looked == cpp->looking)
		return def;
	s->looked = cpp->looking;
	if (cpp->n_look == cpp->cap_look) {
		cpp->cap_look = cpp->cap_look ? cpp->cap_look * 2 : 64;
		cpp->look = xrealloc(cpp->look,
				     cpp->cap_look * sizeof(*cpp->look));
	}
	cpp->look[cpp->n_look++] = (struct scan_look){ def, name };
	return def;
}

void scan_cpp_fail(struct scan_cpp *cpp, enum reason why)
{
	if (!cpp->run.why)
		cpp->run.why = why;
}
