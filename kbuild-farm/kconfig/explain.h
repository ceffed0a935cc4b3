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
