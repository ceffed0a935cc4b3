/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/kconfig-find.h - what a word of -k or -K names: a target of the tree,
 * a file, a fragment of the tree, a URL.
 */
#ifndef KERNEL_KCONFIG_FIND_H
#define KERNEL_KCONFIG_FIND_H

#include "base/err.h"
#include "kernel/request.h"

/* The tree that the names are of. */
struct kernel_kconfig_tree {
	const char *dir, *srcarch;
};

/* Is it a configuration target of the tree's make ("defconfig")? */
bool kernel_kconfig_is_target(const struct kernel_kconfig_tree *t,
			      const char *word);
/*
 * The text of the base (-k) or of the fragment (-K) that a word names in *out,
 * for the caller to free; of URLs what `r` holds of them, and file:// is a
 * file.  -ENOENT and others with `err` saying where it was looked for and what
 * is like it, but not naming the word.
 */
int kernel_kconfig_base_text(const struct kernel_kconfig_tree *t,
			     const struct kernel_request *r, const char *word,
			     char **out, struct err *err);
int kernel_kconfig_fragment_text(const struct kernel_kconfig_tree *t,
				 const struct kernel_request *r,
				 const char *word, char **out, struct err *err);
/* Must somebody fetch it before a plan is made: http:// or https://? */
bool kernel_kconfig_is_remote(const char *word);

#endif
