/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/arch.h - the kernel's architectures: where their code is.  What is
 * known of them, and of their compilers, is in toolchain/data.h.
 */
#ifndef BUILD_ARCH_H
#define BUILD_ARCH_H

#include "base/err.h"
#include "toolchain/data.h"

struct build_arch {
	char arch[32]; /* the kernel's ARCH: "x86_64" */
	char srcarch[32]; /* its directory below arch/: "x86" */
	const struct toolchain_arch *known; /* NULL: the tree alone knows it */
	bool guessed; /* nobody named it, so a toolchain may be of another */
};

/*
 * Look `arch` up.  One that is not known is taken as it is if
 * the tree has such a directory; without a tree (NULL) it is not.  Else -EINVAL
 * with `err` naming the ones that the tree has.
 */
int build_arch_find(struct build_arch *out, const char *tree, const char *arch,
		    struct err *err);
/* The srcarch of this machine, as make finds it with `uname -m`. */
void build_arch_host(char out[static 32]);
/* The Debian package of a prefix: "gcc-aarch64-linux-gnu", or NULL when it
 * is not one of Debian's; the caller frees it. */
char *build_arch_package(const char *prefix);

#endif
