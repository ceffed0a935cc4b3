/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/lexer.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>

static void keep_token(struct scan_keep *k, struct scan_token t)
{
	k->v = vec_reserve(k->v, &k->cap, k->n, sizeof(*k->v));
	k->v[k->n++] = t;
}

static void add_line(struct scan_keep *k, uint32_t line)
{
	if (k->n && k->line == line)
		return;
	k->line = line;
	keep_token(k, (struct scan_token){ .kind = SCAN_TOK_LINE, .id = line });
}

void scan_keep_line(struct scan_lexer *l)
{
	struct scan_keep *k = l->keep;
	size_t before = l->blob.len, turn = 0;
	uint8_t fresh = SCAN_TOK_FRESH | SCAN_TOK_WHITE;
	uint32_t line = l->line;
	struct scan_cursor c = { .names = l->names, .mode = l->mode };
	const char *start;

	k->n_turn = 0;
	k->seen = line;
	scan_lexer_line(l);
	start = (const char *)l->blob.data + before;
	c.s = start;
	c.end = (const char *)l->blob.data + l->blob.len;
	for (;;) {
		struct scan_token t = scan_token_next(&c);
		size_t at;

		if (t.kind == SCAN_TOK_END)
			break;
		at = (size_t)(c.s - start) - scan_name(l->names, t.id)->len;
		while (turn < k->n_turn && k->turn[turn].at <= at)
			line = k->turn[turn++].line;
		add_line(k, line);
		t.flags |= fresh;
		fresh = 0;
		keep_token(k, t);
	}
	l->blob.len = before;
}

void scan_keep_said(struct scan_lexer *l, uint8_t kind, const char *s,
		    size_t len)
{
	add_line(l->keep, l->line - 1);
	keep_token(l->keep, (struct scan_token){ .kind = kind,
						 .id = scan_name_id_locked(
							 l->names, s, len) });
}

/* What of `k` lasts, as the full text of `t`. */
static struct scan_full *make_full(struct scan_text *t, struct scan_keep *k)
{
	struct scan_full *full = xcalloc(1, sizeof(*full));

	full->n = k->n;
	full->v = xrealloc(k->v, (k->n + 1) * sizeof(*k->v));
	k->from = xrealloc(k->from, (t->n + 2) * sizeof(*k->from));
	k->from[t->n + 1] = (uint32_t)k->n;
	full->from = k->from;
	k->v = NULL;
	k->from = NULL;
	return full;
}

static size_t full_memory(const struct scan_text *t,
			  const struct scan_full *full)
{
	return sizeof(*full) + full->n * sizeof(*full->v) +
	       (t->n + 2) * sizeof(*full->from);
}

void scan_keep_end(struct scan_keep *k, struct scan_text *t)
{
	struct scan_full *full = make_full(t, k);

	scan_names_charge(t->names, full_memory(t, full));
	atomic_init(&t->full, full);
}

void scan_full_drop(struct scan_text *t)
{
	struct scan_full *full = atomic_load(&t->full);

	if (!full)
		return;
	scan_names_discharge(t->names, full_memory(t, full));
	free(full->v);
	free(full->from);
	free(full);
}

void scan_keep_release(struct scan_keep *k)
{
	free(k->v);
	free(k->from);
	free(k->turn);
}
