/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/expr.h - what an #if says.
 *
 * Arithmetic is the preprocessor's: 64 bits, signed unless an operand is
 * unsigned, character constants as the target has them.
 */
#ifndef SCAN_EXPR_H
#define SCAN_EXPR_H

#include "scan/macro.h"

struct scan_value {
	uint64_t v;
	bool is_unsigned;
};

/*
 * Evaluate `n` tokens in the state of `cpp`.  Returns 0 with *out; -EINVAL
 * with cpp->why when it is in error or not understood.
 */
int scan_expr(struct scan_cpp *cpp, const struct scan_token *v, size_t n,
	      struct scan_value *out);

#endif
