/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/expression.h - conditions of Kconfig, looked at for a .config.
 *
 *	EXPR := SYMBOL | SYMBOL = SYMBOL | SYMBOL != SYMBOL | SYMBOL < SYMBOL
 *... | ( EXPR ) | ! EXPR | EXPR && EXPR | EXPR || EXPR
 */
#ifndef KERNEL_EXPRESSION_H
#define KERNEL_EXPRESSION_H

#include "base/str.h"

/* As Kconfig counts. */
enum kernel_tristate {
	KERNEL_N,
	KERNEL_M,
	KERNEL_Y,
};

/*
 * The value of `text` with the symbols as `config`, the text of a .config, has
 * them; a macro, $(...), counts as y.
 */
enum kernel_tristate kernel_expression_value(const char *text,
					     const char *config);
/* The length of the macro, "$(...)", that `text` begins with. */
size_t kernel_expression_macro(const char *text);
/*
 * Of the parts that && joins those that are less than `wanted`, as text:
 * "OF", "!SMP", "A || B".
 */
void kernel_expression_unmet(const char *text, const char *config,
			     enum kernel_tristate wanted, struct strv *out);

#endif
