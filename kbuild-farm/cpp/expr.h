/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/expr.h - Evaluation of #if expressions.
 *
 * Arithmetic is that of the preprocessor: values have 64 bits and are signed
 * unless an operand is unsigned.  Character constants have the signedness of
 * the target.
 */
#ifndef CPP_EXPR_H
#define CPP_EXPR_H

#include "cpp/macro.h"

struct cpp_value {
	uint64_t v;
	bool is_unsigned;
};

/*
 * Evaluate `n` tokens in the state of `cpp`.  Returns 0 with *out, or -EINVAL
 * with cpp->expansion.reason if the expression is invalid or not supported.
 */
int cpp_expr_eval(struct cpp_state *cpp, const struct cpp_token *v, size_t n,
		  struct cpp_value *out);

/* Maximum number of stored results per condition. */
#define CPP_EXPR_MEMOS_MAX 2

struct cpp_memo;

/*
 * Evaluate expression number `piece` of `t`, or reuse a stored result.
 *
 * The value of a condition depends only on the definitions of the names that
 * its evaluation looks up.  A stored result (memo) contains the names, their
 * definitions and the value.  A memo is valid for a unit in which the names
 * have the definitions of the memo.
 * `*memo` is the list of memos of this condition in this thread, initially
 * NULL; memos of another `epoch` are ignored.  Returns 1 if the condition is
 * true, 0 if it is false, or -EINVAL with cpp->expansion.reason.
 */
int cpp_expr_eval_memoized(struct cpp_state *cpp, struct cpp_text *t,
			   uint32_t piece, struct cpp_memo **memo,
			   uint32_t epoch);
/* Free the array `memo` of `n` memo lists.  NULL is allowed. */
void cpp_expr_free_memos(struct cpp_memo **memo, size_t n,
			 struct cpp_names *names);

/*
 * Return the tokens of expression number `piece` of `t`.  They are created once
 * for all threads.
 */
const struct cpp_tokens *cpp_expr_piece_tokens(struct cpp_state *cpp,
					       struct cpp_text *t,
					       uint32_t piece);

#endif
