/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: scan */
#include "scan-names.h"

#include "scan/lex.h"
#include "scan/query.h"

#include <stdlib.h>
#include <string.h>

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The list leads nowhere outside itself, and forward. */
static void check(const struct scan_text *t)
{
	uint32_t line = 1;

	for (uint32_t i = 0; i < t->n; i++) {
		const struct scan_directive *d = &t->dir[i];

		if (d->next && (d->next <= i || d->next >= t->n))
			abort();
		if (d->op == SCAN_OP_DEFINE && d->at >= t->n_def)
			abort();
		if (d->op == SCAN_OP_IF && d->at >= t->n_piece)
			abort();
		if (d->op == SCAN_OP_INCLUDE && !d->form && d->at >= t->n_piece)
			abort();
		if (d->op == SCAN_OP_IF && !d->next && !t->unbalanced)
			abort();
		if (d->line < line)
			abort();
		line = d->line;
	}
	for (uint32_t i = 0; i < t->n_def; i++) {
		if (t->def[i].at + t->def[i].len > t->blob_len)
			abort();
	}
	for (uint32_t i = 0; i < t->n_piece; i++) {
		if (t->piece[i].at + t->piece[i].len > t->blob_len)
			abort();
	}
}

/* What is asked of a compiler because a header mentions it: "OP WORD". */
static void check_harvest(const struct scan_text *t)
{
	struct strv keys = { 0 };

	scan_query_harvest(&keys, t->blob, t->blob_len);
	for (size_t i = 0; i < keys.n; i++) {
		size_t n = strcspn(keys.v[i], " ");

		if (strncmp(keys.v[i], "__has_", 6) || !keys.v[i][n] ||
		    !keys.v[i][n + 1] ||
		    keys.v[i][n + 1 + strspn(keys.v[i] + n + 1, WORD)])
			abort();
	}
	strv_release(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan_names *names;
	struct scan_text *t;
	struct buf in = { 0 };

	if (!size)
		return 0;
	names = fuzz_names();
	buf_add(&in, data + 1, size - 1);
	t = scan_lex(names, &in, data[0], false);
	check(t);
	check_harvest(t);
	scan_text_free(t);
	buf_release(&in);
	return 0;
}
