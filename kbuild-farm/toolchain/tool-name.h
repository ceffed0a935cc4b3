/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/tool-name.h - Normalized names of a toolchain's tools.
 *
 * The tool TRIPLET-TOOL of gcc X.Y.Z has the normalized name
 * ${TRIPLET-TOOL/-linux/-gccXYZ-linux}: aarch64-linux-gcc of 13.3.0 is
 * aarch64-gcc1330-linux-gcc, arm-linux-gnueabi-ld is
 * arm-gcc1330-linux-gnueabi-ld.  If the triplet does not contain "-linux",
 * gccXYZ follows its first component: c6x-elf-gcc of 4.7.0 is
 * c6x-gcc470-elf-gcc.
 *
 * TOOL of clang X.Y.Z has the normalized name TOOL-X.Y.Z: ld.lld-22.1.8, so
 * LLVM=-22.1.8 finds all tools.  Files whose names end in a version (clang-22)
 * get no normalized name, unless the driver's name ends in this version (see
 * toolchain_link_request.driver).
 *
 * gcc and clang print the name by which they are called, and Linux records this
 * name in CONFIG_CC_VERSION_TEXT.  All builds call the compilers by the
 * normalized names, so that this text is the same everywhere.
 */
#ifndef TOOLCHAIN_TOOL_NAME_H
#define TOOLCHAIN_TOOL_NAME_H

#include "toolchain/release.h"

/*
 * Return the normalized name of a file in a toolchain's bin.  The caller frees
 * it.  `triplet` is NULL for clang.  Returns NULL for a file that is not a tool
 * of that triplet or whose name the shell or make could misinterpret.
 */
char *toolchain_tool_name_normalize(const char *file, const char *triplet,
				    const struct toolchain_release *r);
/*
 * Return the value of CROSS_COMPILE= for gcc ("aarch64-gcc1330-linux-") or of
 * LLVM= for clang ("-22.1.8").  The caller frees it.
 */
char *toolchain_tool_name_cross_prefix(const char *triplet,
				       const struct toolchain_release *r);

#endif
