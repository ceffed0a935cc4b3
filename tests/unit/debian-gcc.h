/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * debian-gcc.h - Paths of Debian's cross compiler for TRIPLET.
 *
 * Its version is that of the native gcc, which compiles the test.
 */
#ifndef DEBIAN_GCC_H
#define DEBIAN_GCC_H

#define GCC_TEXT(x)        #x
#define GCC_TEXT_OF(macro) GCC_TEXT(macro)
#define GCC_VERSION        GCC_TEXT_OF(__GNUC__)
/* Directory of the headers, below the prefix. */
#define GCC_LIB "lib/gcc-cross/" TRIPLET "/" GCC_VERSION
/* Directory of the programs, below the prefix. */
#if __GNUC__ < 13
#define GCC_EXEC GCC_LIB
#else
#define GCC_EXEC "libexec/gcc-cross/" TRIPLET "/" GCC_VERSION
#endif

#endif
