/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/arguments.h - Arguments of function-like macros.
 *
 * Arguments are collected unexpanded.  An argument is expanded at most once,
 * and only if the body needs it expanded.  The functions read tokens and report
 * errors through cpp_state.expansion.
 */
#ifndef CPP_ARGUMENTS_H
#define CPP_ARGUMENTS_H

#include "cpp/macro.h"

struct cpp_argument {
	const struct cpp_token *raw;
	uint32_t n_raw;
	const struct cpp_token *expanded; /* NULL: not expanded yet */
	uint32_t n_expanded;
	uint8_t tail_padding; /* enum cpp_padding after `expanded` */
	bool has_rows; /* tokens carry line offsets; else all are in `line` */
	uint32_t line;
	bool omitted; /* variable argument; ", ## args" drops the comma */
};

/*
 * Read the arguments of `m` up to its closing parenthesis, which is stored in
 * `close`.  Returns an array of m->n_params arguments in the arena, or NULL
 * after cpp_state_fail().
 */
struct cpp_argument *cpp_arguments_collect(struct cpp_state *cpp,
					   const struct cpp_macro *m,
					   struct cpp_token *close);
/*
 * Substitute `args` into the body of `m`, applying # and ##.  Returns `*n`
 * tokens in the arena.  `*tail` receives the enum cpp_padding that follows the
 * last token.
 */
const struct cpp_token *cpp_arguments_substitute(struct cpp_state *cpp,
						 const struct cpp_macro *m,
						 struct cpp_argument *args,
						 uint32_t *n, uint8_t *tail);

#endif
