/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/arch.h - the kernel's architectures: where their code is.  What is
 * known of them, and of their compilers, is in toolchain/data.h.
 */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H

#include "base/err.h"
#include "toolchain/data.h"

struct kernel_arch {
	char arch[32]; /* the kernel's ARCH: "x86_64" */
	char srcarch[32]; /* its directory below arch/: "x86" */
	const struct toolchain_arch *known; /* NULL: the tree alone knows it */
	bool guessed; /* nobody named it, so a toolchain may be of another */
};

/*
 * Look `arch` up.  One that is not known is taken as it is if the tree has such
 * a directory; without a tree (NULL) it is not.  Else -EINVAL with `err` naming
 * the ones that the tree has.
 */
int kernel_arch_find(struct kernel_arch *out, const char *tree,
		     const char *arch, struct err *err);
/* The srcarch of this machine, as make finds it with `uname -m`. */
void kernel_arch_host(char out[static 32]);
/* The Debian package of a prefix: "gcc-aarch64-linux-gnu", or NULL when it
 * is not one of Debian's; the caller frees it. */
char *kernel_arch_package(const char *prefix);

#endif
