/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
#include "cpp-names.h"

#include "cpp/expr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpp_names *names = fuzz_names();
	struct cpp_callbacks host = { 0 };
	struct cpp_tokens *t;
	struct cpp_value v;
	struct cpp_state cpp;

	cpp_state_init(&cpp, names, &host);
	cpp_state_reset(&cpp, CPP_MODE_RAW_STRINGS);
	t = cpp_tokens_new(names, (const char *)data, size,
			   CPP_MODE_RAW_STRINGS);
	if (!cpp_expr_eval(&cpp, t->tokens, t->n_tokens, &v) ==
	    !!cpp.expansion.reason)
		abort();
	free(t);
	cpp_state_release(&cpp);
	return 0;
}
