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
	/* request, which shows replaced settings; can be NULL */
	const struct kconfig_spec *spec;
	const char *tree, *srcarch;
	const char *config; /* text of the resulting .config */
};

/*
 * Append a line to `out` for each of the `n` settings in `rejected`.  The lines
 * of the first hundred settings contain the reason, unless the tree has no
 * Kconfig.  Two of the reasons are not errors.  Lines with these reasons are
 * appended to `accepted` instead:
 *
 *  - A later request for another member of the same choice replaced the
 *    setting, so the result is as requested.
 *  - The setting is in a fragment of the tree, and the tree does not define the
 *    symbol, so make ignores the setting.
 */
void kconfig_explain_rejected(const struct kconfig_rejected *rejected, size_t n,
			      const struct kconfig_explain_context *of,
			      struct strv *out, struct strv *accepted);
/*
 * Append "CONFIG_X=y: no such symbol ..." to `out` for each requested setting
 * whose symbol the Kconfig of `tree` does not define for `srcarch`, because
 * Kconfig would reject the setting.  Settings to n and settings in fragments of
 * the tree are skipped.  If the parser cannot read all Kconfig files of the
 * tree, append nothing.
 */
void kconfig_explain_unknown(const struct kconfig_spec *k, const char *tree,
			     const char *srcarch, struct strv *out);

#endif
