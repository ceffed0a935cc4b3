/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: scan */
/*
 * A file whose definitions apply from its start: each of its conditions is
 * evaluated twice, and must not change its mind.
 */
#include "scan-host.h"
#include "scan-names.h"

#include "scan/expr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void evaluate(struct scan_cpp *cpp, struct scan_text *t, uint32_t piece)
{
	struct scan_memo **memo = calloc(1, sizeof(*memo));
	int first, second;

	/* A __COUNTER__ in it counts on. */
	cpp->counter = 0;
	first = scan_expr_memoized(cpp, t, piece, memo, 1);
	cpp->counter = 0;
	second = scan_expr_memoized(cpp, t, piece, memo, 1);
	if (first != second || (first < 0 && !cpp->run.why))
		abort();
	scan_expr_forget(memo, 1, cpp->names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan_names *names = fuzz_names();
	struct scan_host host = { 0 };
	struct buf in = { 0 };
	struct scan_text *t;
	struct scan_cpp cpp;

	buf_add(&in, data, size);
	t = scan_lex(names, &in, size ? data[0] & SCAN_ASM : 0, false);
	fuzz_cpp_init(&cpp, names, &host, t->mode);
	for (uint32_t i = 0; i < t->n_def; i++)
		scan_cpp_define(&cpp, &t->def[i]);
	for (uint32_t i = 0; i < t->n_piece && i < 8; i++)
		evaluate(&cpp, t, i);
	scan_cpp_release(&cpp);
	scan_text_free(t);
	buf_release(&in);
	return 0;
}
