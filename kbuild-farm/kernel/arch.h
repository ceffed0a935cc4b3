/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/arch.h - Architectures of a kernel tree.
 *
 * toolchain/builtin.h has the table of their triplets and compilers.
 */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H

#include "base/err.h"
#include "toolchain/builtin.h"

struct kernel_arch {
	char arch[32]; /* the kernel's ARCH: "x86_64" */
	char srcarch[32]; /* directory of `arch` below arch/: "x86" */
	/*
	 * entry of the built-in table; NULL if only the tree has the
	 * architecture
	 */
	const struct toolchain_arch *toolchain_arch;
	/*
	 * the user named no architecture, so `arch` is a default, and a
	 * toolchain that is named by its id can be for any architecture
	 */
	bool guessed;
};

/*
 * Look up `arch`, a value of ARCH.  If `tree` is NULL, the built-in table must
 * have `arch`; otherwise, the tree must have its directory.  Returns 0, or
 * -EINVAL with `err` listing the known architectures.
 */
int kernel_arch_find(struct kernel_arch *out, const char *tree,
		     const char *arch, struct err *err);
/*
 * Store the build host's srcarch in `out`, derived from `uname -m` as make
 * does.
 */
void kernel_arch_host(char out[static 32]);
/*
 * Return the name of Debian's package for the compiler with the prefix
 * `prefix`, such as "gcc-aarch64-linux-gnu" for "aarch64-linux-gnu-", or NULL
 * if Debian has no such package.  The caller frees the name.
 */
char *kernel_arch_debian_package(const char *prefix);
/*
 * Return the end of an error message that advises the user to select a
 * compiler.  It is " clang with -t clang" if neither Debian nor kernel.org has
 * a gcc for the architecture, else " another toolchain with -t".
 */
const char *kernel_arch_toolchain_hint(const struct kernel_arch *arch);

#endif
