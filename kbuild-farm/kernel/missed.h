/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/missed.h - why Kconfig did not take over a setting.
 */
#ifndef KERNEL_MISSED_H
#define KERNEL_MISSED_H

#include "kernel/kconfig.h"
#include "kernel/symbol.h"

/*
 * What keeps `s` of the tree's `all` from being `asked` ("y", "m", "n", a
 * value) where `config` is the text of the .config that was made; the caller
 * frees it.
 */
char *kernel_missed_reason(const struct kernel_symbol *s,
			   const struct kernel_symbols *all, const char *asked,
			   const char *config);

/* What the settings were asked of. */
struct kernel_missed_of {
	const struct kernel_kconfig *asked; /* may be NULL */
	const char *tree, *srcarch;
	const char *config; /* the text of the .config that was made */
};

/*
 * Add to `out` a line for each of `missed` with its reason; without one where
 * the tree has no Kconfig, and behind the first hundred.  What gave way to
 * another one of the same choice that was asked for later is a line of
 * `replaced`: it is as asked.
 */
void kernel_missed_lines(const struct kernel_missed *missed, size_t n,
			 const struct kernel_missed_of *of, struct strv *out,
			 struct strv *replaced);

#endif
