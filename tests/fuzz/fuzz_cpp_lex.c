/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
#include "cpp-names.h"

#include "cpp/driver-query.h"
#include "cpp/lex-directives.h"

#include <stdlib.h>
#include <string.h>

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All references in the list are in range and point forward. */
static void check(const struct cpp_text *t)
{
	uint32_t line = 1;

	for (uint32_t i = 0; i < t->n_directives; i++) {
		const struct cpp_directive *d = &t->directives[i];

		if (d->next_group &&
		    (d->next_group <= i || d->next_group >= t->n_directives))
			abort();
		if (d->op == CPP_OP_DEFINE && d->index >= t->n_defs)
			abort();
		if (d->op == CPP_OP_IF && d->index >= t->n_expr_texts)
			abort();
		if (d->op == CPP_OP_INCLUDE && !d->form &&
		    d->index >= t->n_expr_texts)
			abort();
		if (d->op == CPP_OP_IF && !d->next_group && !t->reason)
			abort();
		if (d->line < line)
			abort();
		line = d->line;
	}
	for (uint32_t i = 0; i < t->n_defs; i++) {
		if (t->defs[i].offset + t->defs[i].len > t->blob_len)
			abort();
	}
	for (uint32_t i = 0; i < t->n_expr_texts; i++) {
		if (t->expr_texts[i].offset + t->expr_texts[i].len >
		    t->blob_len)
			abort();
	}
}

/* The driver queries that a header's operators cause: "OP WORD". */
static void check_harvest(const struct cpp_text *t)
{
	struct strv keys = { 0 };

	cpp_driver_query_add_mentioned(&keys, t->blob, t->blob_len);
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
	struct cpp_names *names;
	struct cpp_text *t;
	struct buf in = { 0 };

	if (!size)
		return 0;
	names = fuzz_names();
	buf_add(&in, data + 1, size - 1);
	t = cpp_lex_file(names, &in, data[0], false);
	check(t);
	check_harvest(t);
	cpp_text_free(t);
	buf_release(&in);
	return 0;
}
