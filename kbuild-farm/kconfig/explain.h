/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kconfig/explain.h - Explanation of requested settings that Kconfig rejected.
 *
 * Conditions are evaluated against the text of a .config:
 *
 *	EXPR := SYMBOL | SYMBOL = SYMBOL | SYMBOL != SYMBOL
 *	      | SYMBOL < SYMBOL ... | ( EXPR ) | ! EXPR
 *	      | EXPR && EXPR | EXPR || EXPR
 */
#ifndef KCONFIG_EXPLAIN_H
#define KCONFIG_EXPLAIN_H

#include "base/str.h"
#include "kconfig/kconfig.h"
#include "kconfig/symbol.h"

/* Kconfig's tristate values, in its order. */
enum kconfig_tristate {
	KCONFIG_TRISTATE_N,
	KCONFIG_TRISTATE_M,
	KCONFIG_TRISTATE_Y,
};

/*
 * Evaluate the condition `text` with the symbol values of `config`, the text
 * of a .config.  A macro, $(...), counts as y.
 */
enum kconfig_tristate kconfig_explain_eval(const char *text,
					   const char *config);
/*
 * Append the operands of && in `text` whose value is less than `wanted`, as
 * text: "PCI", "!SMP", "A || B".
 */
void kconfig_explain_list_unmet(const char *text, const char *config,
				enum kconfig_tristate wanted, struct strv *out);

/*
 * Return the reason why `s`, one of the tree's symbols `all`, could not be set
 * to `asked` ("y", "m", "n" or another value).  `config` is the text of the
 * resulting .config.  The caller frees the result.
 */
char *kconfig_explain_setting(const struct kconfig_symbol *s,
			      const struct kconfig_symbols *all,
			      const char *asked, const char *config);

/* Tree and configuration for which Kconfig rejected settings. */
struct kconfig_explain_context {
	const struct kconfig_spec *spec; /* may be NULL */
	const char *tree, *srcarch;
	const char *config; /* text of the resulting .config */
};

/*
 * Append a line to `out` for each of the `n` rejected settings in `missed`.
 * The lines of the first hundred settings contain the reason, unless the tree
 * has no Kconfig.  Append the line to `accepted` instead if a later request for
 * another member of the same choice replaced a setting, because the result is
 * as requested, or if a fragment of the tree sets a symbol that the tree no
 * longer has, which make ignores.
 */
void kconfig_explain_rejected(const struct kconfig_rejected *missed, size_t n,
			      const struct kconfig_explain_context *of,
			      struct strv *out, struct strv *accepted);
/*
 * Append "CONFIG_X=y: no such symbol ..." to `out` for each requested setting
 * whose symbol no Kconfig file of `tree` defines, so that Kconfig would reject
 * the setting, except for fragments of the tree.  If the parser cannot read all
 * Kconfig files of the tree, append nothing.
 */
void kconfig_explain_unknown(const struct kconfig_spec *k, const char *tree,
			     const char *srcarch, struct strv *out);

#endif
