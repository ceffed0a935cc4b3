/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/cond.h"

#include "scan/expr.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Longer ones are evaluated each time. */
#define LOOKS_MAX 256

struct scan_memo {
	struct scan_memo *next;
	uint32_t epoch;
	uint8_t value;
	uint8_t signs; /* of the target's characters, and whose answer */
	uint16_t n;
	struct scan_look look[];
};

const struct scan_tokens *scan_piece_tokens(struct scan_cpp *cpp,
					    struct scan_text *t, uint32_t piece)
{
	struct scan_piece *p = &t->piece[piece];

	return scan_tokens_once(&p->tokens, cpp->names, t->blob + p->at, p->len,
				t->mode);
}

static uint8_t signs_of(const struct scan_cpp *cpp)
{
	return (uint8_t)(cpp->char_unsigned | cpp->wchar_unsigned << 1 |
			 (cpp->mode & SCAN_CLANG ? 4 : 0));
}

static bool holds(const struct scan_memo *m, struct scan_cpp *cpp)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (scan_cpp_def(cpp, m->look[i].name) != m->look[i].def)
			return false;
	}
	return m->signs == signs_of(cpp);
}

static size_t memory_of(const struct scan_memo *m)
{
	return sizeof(*m) + m->n * sizeof(m->look[0]);
}

static void drop(struct scan_memo **memo, struct scan_names *names)
{
	struct scan_memo *m = *memo;

	*memo = m->next;
	scan_names_discharge(names, memory_of(m));
	free(m);
}

static void keep(struct scan_cpp *cpp, struct scan_memo **memo, uint32_t epoch,
		 bool value)
{
	struct scan_memo **last = memo, *m;
	unsigned n = 0;

	if (cpp->unsteady || cpp->n_look > LOOKS_MAX)
		return;
	while (*last && (*last)->epoch == epoch && ++n < SCAN_MEMOS)
		last = &(*last)->next;
	while (*last)
		drop(last, cpp->names);
	m = xmalloc(sizeof(*m) + cpp->n_look * sizeof(m->look[0]));
	m->next = *memo;
	m->epoch = epoch;
	m->value = value;
	m->signs = signs_of(cpp);
	m->n = (uint16_t)cpp->n_look;
	if (cpp->n_look)
		memcpy(m->look, cpp->look, cpp->n_look * sizeof(m->look[0]));
	scan_names_charge(cpp->names, memory_of(m));
	*memo = m;
}

int scan_cond(struct scan_cpp *cpp, struct scan_text *t, uint32_t piece,
	      struct scan_memo **memo, uint32_t epoch)
{
	const struct scan_tokens *tokens;
	struct scan_value value;

	for (const struct scan_memo *m = *memo; m; m = m->next) {
		if (m->epoch == epoch && holds(m, cpp))
			return m->value;
	}
	tokens = scan_piece_tokens(cpp, t, piece);
	if (scan_expr(cpp, tokens->v, tokens->n, &value))
		return -EINVAL;
	keep(cpp, memo, epoch, value.v != 0);
	return value.v != 0;
}

void scan_memos_free(struct scan_memo **memo, size_t n,
		     struct scan_names *names)
{
	for (size_t i = 0; memo && i < n; i++) {
		while (memo[i])
			drop(&memo[i], names);
	}
	free(memo);
}
