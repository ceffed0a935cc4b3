/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/*
 * Expansion of a file's whole text while its definitions change.  The expansion
 * ends, and every token is valid.
 */
#include "cpp-host.h"
#include "cpp-names.h"

#include "cpp/expr.h"
#include "cpp/inline-asm.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct state {
	struct cpp_state cpp;
	struct cpp_text *t;
	struct cpp_inline_asm assembly;
	uint32_t at; /* index of the next list of tokens */
	bool given;
};

/* Process every conditional group. */
static bool more(void *ctx, bool inside, const struct cpp_token **v, size_t *n)
{
	struct state *s = ctx;
	const struct cpp_full_text *full = atomic_load(&s->t->full);

	(void)inside;
	for (; s->at <= s->t->n_directives; s->at++, s->given = false) {
		const struct cpp_directive *d = &s->t->directives[s->at];

		*v = full->tokens + full->starts[s->at];
		*n = full->starts[s->at + 1] - full->starts[s->at];
		if (!s->given && *n) {
			s->given = true;
			return true;
		}
		if (s->at == s->t->n_directives)
			break;
		if (d->op == CPP_OP_DEFINE)
			cpp_macro_define(&s->cpp, &s->t->defs[d->index]);
		else if (d->op == CPP_OP_UNDEF && d->name != WORD_NONE)
			cpp_macro_undef(&s->cpp, d->name);
	}
	return false;
}

static void said(void *ctx, struct cpp_token t)
{
	struct state *s = ctx;
	const struct cpp_name *name = cpp_names_get(s->cpp.names, t.id);

	cpp_inline_asm_add_pragma(&s->assembly, name->s, name->len);
}

static uint32_t file(void *ctx, enum cpp_word which)
{
	struct state *s = ctx;

	(void)which;
	return cpp_names_intern(s->cpp.names, "\"x\"", 3);
}

static void check_full(const struct cpp_text *t)
{
	const struct cpp_full_text *full = atomic_load(&t->full);

	if (full->starts[0] ||
	    full->starts[t->n_directives + 1] != full->n_tokens)
		abort();
	for (uint32_t i = 0; i <= t->n_directives; i++) {
		if (full->starts[i] > full->starts[i + 1])
			abort();
	}
}

static void expand(struct state *s)
{
	struct cpp_token t;

	cpp_expand_begin_text(&s->cpp);
	while ((t = cpp_expand_next(&s->cpp)).kind != CPP_TOK_END) {
		if (t.kind >= CPP_TOK_PARAM)
			abort();
		cpp_inline_asm_add_token(&s->assembly, &t,
					 cpp_names_get(s->cpp.names, t.id));
	}
	for (size_t i = 0; i < s->assembly.n_parts; i++) {
		if (s->assembly.parts[i].from + s->assembly.parts[i].len >
		    s->assembly.text.len)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpp_names *names = fuzz_names();
	struct state s = { 0 };
	struct cpp_callbacks host = { .ctx = &s,
				      .next_text = more,
				      .on_directive = said,
				      .file_macro = file };
	struct buf in = { 0 };

	if (!size)
		return 0;
	buf_add(&in, data + 1, size - 1);
	s.t = cpp_lex_file(names, &in, data[0], true);
	check_full(s.t);
	fuzz_cpp_init(&s.cpp, names, &host, s.t->mode);
	s.cpp.full = true;
	cpp_inline_asm_init(&s.assembly, s.t->mode);
	expand(&s);
	cpp_inline_asm_release(&s.assembly);
	cpp_state_release(&s.cpp);
	cpp_text_free(s.t);
	buf_release(&in);
	return 0;
}
