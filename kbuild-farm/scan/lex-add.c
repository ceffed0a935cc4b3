/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/lexer.h"

#include "base/vec.h"

const uint8_t scan_class[256] = {
	['\0'] = SCAN_STOP_TEXT | SCAN_STOP_REST | SCAN_STOP_COMMENT |
		 SCAN_STOP_QUOTED,
	['\n'] = SCAN_STOP_TEXT | SCAN_STOP_REST | SCAN_STOP_COMMENT |
		 SCAN_STOP_QUOTED,
	['"'] = SCAN_STOP_TEXT | SCAN_STOP_REST | SCAN_STOP_QUOTED,
	['\''] = SCAN_STOP_TEXT | SCAN_STOP_REST | SCAN_STOP_QUOTED,
	['/'] = SCAN_STOP_TEXT | SCAN_STOP_REST,
	['*'] = SCAN_STOP_COMMENT,
	['\\'] = SCAN_STOP_TEXT | SCAN_STOP_REST | SCAN_STOP_QUOTED,
	['_'] = SCAN_STOP_TEXT | SCAN_WORD,
	['b'] = SCAN_STOP_TEXT | SCAN_WORD,
	['u'] = SCAN_STOP_TEXT | SCAN_WORD,
	['$'] = SCAN_WORD,
	['0' ... '9'] = SCAN_WORD,
	['A' ... 'Z'] = SCAN_WORD,
	['a'] = SCAN_WORD,
	['c' ... 't'] = SCAN_WORD,
	['v' ... 'z'] = SCAN_WORD,
	[' '] = SCAN_BLANK,
	['\t'] = SCAN_BLANK,
	['\v'] = SCAN_BLANK,
	['\f'] = SCAN_BLANK,
	['\r'] = SCAN_BLANK,
	[0x80 ... 0xff] = SCAN_WORD,
};

struct scan_directive *scan_lexer_add(struct scan_lexer *l, enum scan_op op)
{
	struct scan_text *t = l->t;
	struct scan_directive *d;

	t->dir = vec_reserve(t->dir, &l->cap, t->n, sizeof(*t->dir));
	d = &t->dir[t->n++];
	*d = (struct scan_directive){ .op = (uint8_t)op, .line = l->line };
	if (l->keep)
		scan_keep_gap(l);
	return d;
}

void scan_lexer_unsupported(struct scan_lexer *l, enum reason why)
{
	const struct scan_text *t = l->t;

	if (t->n && t->dir[t->n - 1].op == SCAN_OP_UNSUPPORTED &&
	    t->dir[t->n - 1].form == why)
		return;
	scan_lexer_add(l, SCAN_OP_UNSUPPORTED)->form = (uint8_t)why;
}

uint32_t scan_lexer_piece(struct scan_lexer *l, uint32_t at, uint32_t len)
{
	struct scan_text *t = l->t;

	t->piece = vec_reserve(t->piece, &l->cap_piece, t->n_piece,
			       sizeof(*t->piece));
	t->piece[t->n_piece].at = at;
	t->piece[t->n_piece].len = len;
	atomic_init(&t->piece[t->n_piece].tokens, NULL);
	return t->n_piece++;
}

void scan_keep_gap(struct scan_lexer *l)
{
	struct scan_keep *k = l->keep;

	k->from = vec_reserve(k->from, &k->cap_from, k->n_from,
			      sizeof(*k->from));
	k->from[k->n_from++] = (uint32_t)k->n;
}
