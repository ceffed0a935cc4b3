/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/arch.h - the kernel's architectures: where their code is and what
 * Debian calls their cross compilers.
 */
#ifndef BUILD_ARCH_H
#define BUILD_ARCH_H

#include "base/err.h"

#include <stdbool.h>

#define BUILD_ARCH_PREFIXES 3

struct build_arch {
	char arch[32]; /* the kernel's ARCH: "x86_64" */
	char srcarch[32]; /* its directory below arch/: "x86" */
	/* Debian's CROSS_COMPILE prefixes, the usual one first, then NULL. */
	const char *prefix[BUILD_ARCH_PREFIXES];
};

/*
 * Look `arch` up.  One that the table does not know is taken as it is if
 * the tree has such a directory; without a tree (NULL) it is not.  Else -EINVAL
 * with `err` naming the ones that the tree has.
 */
int build_arch_find(struct build_arch *out, const char *tree, const char *arch,
		    struct err *err);
/* The srcarch of this machine, as make finds it with `uname -m`. */
void build_arch_host(char out[static 32]);
/* The Debian package of a prefix: "gcc-aarch64-linux-gnu", or NULL when it
 * is none of the table's; the caller frees it. */
char *build_arch_package(const char *prefix);

#endif
