/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/name.h - the normalized names of a toolchain's tools.
 *
 * The file TRIPLET-TOOL of gcc X.Y.Z is also
 * ${TRIPLET-TOOL/-linux/-gccXYZ-linux} with the dots dropped: aarch64-linux-gcc
 * of 13.3.0 is aarch64-gcc1330-linux-gcc, arm-linux-gnueabi-ld is
 * arm-gcc1330-linux-gnueabi-ld.  A triplet without "-linux" gets the word
 * behind its first part: c6x-elf-gcc of 4.7.0 is c6x-gcc470-elf-gcc.
 *
 * TOOL of clang X.Y.Z is TOOL-X.Y.Z: ld.lld-22.1.8; then LLVM=-22.1.8 finds
 * all of them.  Names that end in a version already (clang-22) get none.
 *
 * gcc and clang print the name by which they are called, and Linux keeps that
 * in CONFIG_CC_VERSION_TEXT: so everything that builds uses these names.
 */
#ifndef TOOLCHAIN_NAME_H
#define TOOLCHAIN_NAME_H

#include "toolchain/release.h"

/*
 * The normalized name of a file in a toolchain's bin; `triplet` is NULL for
 * clang.  NULL when the file gets none: no tool of that triplet, or no plain
 * name.  The caller frees it.
 */
char *toolchain_name(const char *file, const char *triplet,
		     const struct toolchain_release *r);
/* "aarch64-gcc1330-linux-" of gcc, "-22.1.8" of clang: what CROSS_COMPILE= or
 * LLVM= is set to.  The caller frees it. */
char *toolchain_name_prefix(const char *triplet,
			    const struct toolchain_release *r);

#endif
