/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/*
 * A file whose definitions apply from its start.  Each of its conditions is
 * evaluated twice, with the same result.
 */
#include "cpp-host.h"
#include "cpp-names.h"

#include "cpp/expr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void evaluate(struct cpp_state *cpp, struct cpp_text *t, uint32_t piece)
{
	struct cpp_memo **memo = calloc(1, sizeof(*memo));
	int first, second;

	/* __COUNTER__ increments with each evaluation, so reset it. */
	cpp->counter = 0;
	first = cpp_expr_eval_memoized(cpp, t, piece, memo, 1);
	cpp->counter = 0;
	second = cpp_expr_eval_memoized(cpp, t, piece, memo, 1);
	if (first != second || (first < 0 && !cpp->expansion.reason))
		abort();
	cpp_expr_free_memos(memo, 1, cpp->names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpp_names *names = fuzz_names();
	struct cpp_callbacks host = { 0 };
	struct buf in = { 0 };
	struct cpp_text *t;
	struct cpp_state cpp;

	buf_add(&in, data, size);
	t = cpp_lex_file(names, &in, size ? data[0] & CPP_MODE_ASM : 0, false);
	fuzz_cpp_init(&cpp, names, &host, t->mode);
	for (uint32_t i = 0; i < t->n_defs; i++)
		cpp_macro_define(&cpp, &t->defs[i]);
	for (uint32_t i = 0; i < t->n_expr_texts && i < 8; i++)
		evaluate(&cpp, t, i);
	cpp_state_release(&cpp);
	cpp_text_free(t);
	buf_release(&in);
	return 0;
}
