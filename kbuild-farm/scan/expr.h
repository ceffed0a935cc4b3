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

/* How many answers are kept per condition. */
#define SCAN_MEMOS 2

struct scan_memo;

/*
 * A condition is a function of the definitions that its evaluation looked
 * at.  So a memo holds those names with the definition that each had, and
 * the answer; a unit in which all of them are the same takes it over.  `memo`
 * is a place for this condition and thread, NULL at first; memos of another
 * `epoch` do not count.  Returns 1 or 0; -EINVAL with cpp->why.
 */
int scan_expr_memoized(struct scan_cpp *cpp, struct scan_text *t,
		       uint32_t piece, struct scan_memo **memo, uint32_t epoch);
/* Frees `n` places and the array. */
void scan_expr_forget(struct scan_memo **memo, size_t n,
		      struct scan_names *names);

/* The tokens of a piece. */
const struct scan_tokens *scan_piece_tokens(struct scan_cpp *cpp,
					    struct scan_text *t,
					    uint32_t piece);

#endif
