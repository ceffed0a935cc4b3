/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: scan */
/*
 * A file with its text, all of which is expanded while its definitions come
 * and go: it ends, and every token leads somewhere.
 */
#include "scan-host.h"
#include "scan-names.h"

#include "scan/assembly.h"
#include "scan/expr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct state {
	struct scan_cpp cpp;
	struct scan_text *t;
	struct scan_assembly assembly;
	uint32_t at; /* the next list of tokens */
	bool given;
};

/* Every group is taken. */
static bool more(void *ctx, bool inside, const struct scan_token **v, size_t *n)
{
	struct state *s = ctx;
	const struct scan_full *full = atomic_load(&s->t->full);

	(void)inside;
	for (; s->at <= s->t->n; s->at++, s->given = false) {
		const struct scan_directive *d = &s->t->dir[s->at];

		*v = full->v + full->from[s->at];
		*n = full->from[s->at + 1] - full->from[s->at];
		if (!s->given && *n) {
			s->given = true;
			return true;
		}
		if (s->at == s->t->n)
			break;
		if (d->op == SCAN_OP_DEFINE)
			scan_cpp_define(&s->cpp, &s->t->def[d->at]);
		else if (d->op == SCAN_OP_UNDEF && d->name != WORD_NONE)
			scan_cpp_undef(&s->cpp, d->name);
	}
	return false;
}

static void said(void *ctx, struct scan_token t)
{
	struct state *s = ctx;
	const struct scan_name *name = scan_name(s->cpp.names, t.id);

	scan_assembly_pragma(&s->assembly, name->s, name->len);
}

static uint32_t file(void *ctx, enum scan_word which)
{
	struct state *s = ctx;

	(void)which;
	return scan_name_id(s->cpp.names, "\"x\"", 3);
}

static void check_full(const struct scan_text *t)
{
	const struct scan_full *full = atomic_load(&t->full);

	if (full->from[0] || full->from[t->n + 1] != full->n)
		abort();
	for (uint32_t i = 0; i <= t->n; i++) {
		if (full->from[i] > full->from[i + 1])
			abort();
	}
}

static void expand(struct state *s)
{
	struct scan_token t;

	scan_cpp_begin_text(&s->cpp);
	while ((t = scan_cpp_next(&s->cpp)).kind != SCAN_TOK_END) {
		if (t.kind >= SCAN_TOK_PARAM)
			abort();
		scan_assembly_token(&s->assembly, &t,
				    scan_name(s->cpp.names, t.id));
	}
	for (size_t i = 0; i < s->assembly.n_part; i++) {
		if (s->assembly.part[i].from + s->assembly.part[i].len >
		    s->assembly.text.len)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan_names *names = fuzz_names();
	struct state s = { 0 };
	struct scan_host host = {
		.ctx = &s, .more = more, .said = said, .file = file
	};
	struct buf in = { 0 };

	if (!size)
		return 0;
	buf_add(&in, data + 1, size - 1);
	s.t = scan_lex(names, &in, data[0], true);
	check_full(s.t);
	fuzz_cpp_init(&s.cpp, names, &host, s.t->mode);
	s.cpp.exact = true;
	scan_assembly_init(&s.assembly, s.t->mode);
	expand(&s);
	scan_assembly_release(&s.assembly);
	scan_cpp_release(&s.cpp);
	scan_text_free(s.t);
	buf_release(&in);
	return 0;
}
