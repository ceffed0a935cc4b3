/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/macro.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

/* State of the parser of one definition. */
struct macro_parser {
	const struct cpp_token *next; /* in a list that ends in CPP_TOK_END */
	uint32_t *param;
	uint32_t n_params;
	bool funlike, variadic, malformed;
	unsigned mode;
};

static void add_param(struct macro_parser *r, uint32_t name)
{
	for (uint32_t i = 0; i < r->n_params; i++)
		r->malformed |= r->param[i] == name;
	*VEC_ADD(r->param, r->n_params) = name;
}

/* Read "(a, b...)". */
static void read_params(struct macro_parser *r)
{
	r->funlike = true;
	if (cpp_is_punct(*++r->next, ')')) {
		r->next++;
		return;
	}
	for (;; r->next++) {
		if (cpp_is_punct(*r->next, CPP_PUNCT_ELLIPSIS)) {
			add_param(r, WORD_VA_ARGS);
			r->variadic = true;
			r->next++;
		} else if (r->next->kind == CPP_TOK_NAME) {
			add_param(r, r->next->id);
			r->next++;
			r->variadic = cpp_is_punct(*r->next,
						   CPP_PUNCT_ELLIPSIS);
			r->next += r->variadic;
		} else {
			break;
		}
		if (cpp_is_punct(*r->next, ')')) {
			r->next++;
			return;
		}
		if (!cpp_is_punct(*r->next, ',') || r->variadic)
			break;
	}
	r->malformed = true;
}

static bool convert_param(const struct macro_parser *r, struct cpp_token *t)
{
	for (uint32_t i = 0; t->kind == CPP_TOK_NAME && i < r->n_params; i++) {
		if (r->param[i] == t->id) {
			t->kind = CPP_TOK_PARAM;
			t->id = i;
			return true;
		}
	}
	return false;
}

/*
 * Return the number of tokens in the parentheses after __VA_OPT__.  If there is
 * no such operand, set `malformed` and return 0.
 */
static uint32_t option_length(struct macro_parser *r, const struct cpp_token *v)
{
	const struct cpp_token *from = v + 1;
	unsigned depth = 0;

	if (!cpp_is_punct(*v, '(')) {
		r->malformed = true;
		return 0;
	}
	for (; v->kind != CPP_TOK_END; v++) {
		depth += cpp_is_punct(*v, '(');
		depth -= cpp_is_punct(*v, ')');
		if (!depth)
			return (uint32_t)(v - from);
	}
	r->malformed = true;
	return 0;
}

static uint32_t read_body(struct macro_parser *r, struct cpp_token *out,
			  const struct cpp_token *end);

/*
 * Read a token or a __VA_OPT__ group and write it to `out`.  Return the number
 * of tokens written.
 */
static uint32_t read_token(struct macro_parser *r, struct cpp_token *out)
{
	struct cpp_token t = *r->next++;
	uint8_t white = t.flags & CPP_FLAG_WHITE;
	bool hash = r->funlike && cpp_is_punct(t, '#');
	uint32_t n;

	if (hash && (r->next->kind == CPP_TOK_NAME)) {
		struct cpp_token what = *r->next;

		if (convert_param(r, &what) ||
		    (r->variadic && what.id == WORD_VA_OPT)) {
			t = *r->next++;
			t.flags = CPP_FLAG_STRINGIFY;
			hash = false;
		}
	}
	if (hash && !(r->mode & CPP_MODE_ASM))
		r->malformed = true;
	t.flags = (uint8_t)((t.flags & ~CPP_FLAG_WHITE) | white);
	if (r->variadic && t.kind == CPP_TOK_NAME && t.id == WORD_VA_OPT) {
		n = option_length(r, r->next);
		if (r->malformed)
			return 0;
		*out = t;
		out->kind = CPP_TOK_VA_OPT;
		r->next++;
		out->id = read_body(r, out + 1, r->next + n);
		r->next++;
		return out->id + 1;
	}
	convert_param(r, &t);
	*out = t;
	return 1;
}

static uint32_t read_body(struct macro_parser *r, struct cpp_token *out,
			  const struct cpp_token *end)
{
	uint32_t n = 0, last = 0;

	while (r->next < end && !r->malformed) {
		if (cpp_is_punct(*r->next, CPP_PUNCT_PASTE)) {
			r->next++;
			if (!n || r->next == end)
				r->malformed = true;
			else
				out[last].flags |= CPP_FLAG_PASTE;
			continue;
		}
		last = n;
		n += read_token(r, out + n);
	}
	if (n)
		out[0].flags &= (uint8_t)~CPP_FLAG_WHITE;
	return n;
}

static size_t macro_memory(const struct cpp_macro *m)
{
	return sizeof(*m) + (m->n_tokens + 1) * sizeof(m->body[0]);
}

const struct cpp_macro *cpp_macro_parsed(struct cpp_def *def,
					 struct cpp_names *names)
{
	struct cpp_macro *m = atomic_load(&def->macro), *none = NULL;
	struct macro_parser r;
	struct cpp_tokens *all;

	if (m)
		return m;
	r = (struct macro_parser){ .mode = def->text->mode };
	all = cpp_tokens_new(names, def->text->blob + def->offset, def->len,
			     r.mode);
	r.next = all->tokens;
	if (cpp_is_punct(*r.next, '(') && !(r.next->flags & CPP_FLAG_WHITE))
		read_params(&r);
	m = xcalloc(1, sizeof(*m) + (all->n_tokens + 1) * sizeof(m->body[0]));
	m->funlike = r.funlike;
	m->variadic = r.variadic;
	m->n_params = r.n_params;
	if (!r.malformed)
		m->n_tokens = read_body(&r, m->body,
					all->tokens + all->n_tokens);
	m->malformed = r.malformed;
	m = xrealloc(m, macro_memory(m));
	free(r.param);
	free(all);
	if (atomic_compare_exchange_strong(&def->macro, &none, m)) {
		cpp_names_charge(names, macro_memory(m));
		return m;
	}
	/* Another thread has stored its result first. */
	free(m);
	return none;
}

void cpp_macro_free(struct cpp_def *def, struct cpp_names *names)
{
	struct cpp_macro *m = atomic_load(&def->macro);

	if (!m)
		return;
	cpp_names_discharge(names, macro_memory(m));
	free(m);
}

void cpp_state_init(struct cpp_state *cpp, struct cpp_names *names,
		    const struct cpp_callbacks *host)
{
	*cpp = (struct cpp_state){ .names = names, .callbacks = *host };
}

void cpp_state_release(struct cpp_state *cpp)
{
	free(cpp->slots);
	free(cpp->lookups);
	cpp_expansion_release(&cpp->expansion);
}

void cpp_expansion_release(struct cpp_expansion *run)
{
	free(run->contexts);
	free(run->stack);
	arena_release(&run->arena);
	*run = (struct cpp_expansion){ 0 };
}

void cpp_macro_grow_slots(struct cpp_state *cpp, uint32_t name)
{
	uint32_t n = name + name / 2 + 1024;

	cpp->slots = xrealloc(cpp->slots, n * sizeof(*cpp->slots));
	memset(cpp->slots + cpp->n_slots, 0,
	       (n - cpp->n_slots) * sizeof(*cpp->slots));
	cpp->n_slots = n;
}

void cpp_state_reset(struct cpp_state *cpp, unsigned mode)
{
	cpp->mode = mode;
	cpp->include_level = 0;
	if (!++cpp->epoch) {
		memset(cpp->slots, 0, cpp->n_slots * sizeof(*cpp->slots));
		cpp->epoch = 1;
	}
}

void cpp_macro_define(struct cpp_state *cpp, struct cpp_def *def)
{
	cpp_macro_define_as(cpp, def->name, def);
}

void cpp_macro_undef(struct cpp_state *cpp, uint32_t name)
{
	if (name < cpp->n_slots)
		cpp->slots[name].def = NULL;
}

struct cpp_def *cpp_macro_find_tracked(struct cpp_state *cpp, uint32_t name)
{
	struct cpp_def *def = cpp_macro_find(cpp, name);
	struct cpp_macro_slot *s = cpp_macro_get_slot(cpp, name);

	if (s->lookup_id == cpp->lookup_id)
		return def;
	s->lookup_id = cpp->lookup_id;
	if (cpp->n_lookups == cpp->cap_lookups) {
		cpp->cap_lookups = cpp->cap_lookups ? cpp->cap_lookups * 2 : 64;
		cpp->lookups = xrealloc(
			cpp->lookups, cpp->cap_lookups * sizeof(*cpp->lookups));
	}
	cpp->lookups[cpp->n_lookups++] = (struct cpp_macro_lookup){ def, name };
	return def;
}

void cpp_state_fail(struct cpp_state *cpp, enum reason why)
{
	if (!cpp->expansion.reason)
		cpp->expansion.reason = why;
}
