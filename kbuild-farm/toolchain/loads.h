/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/loads.h - does a compiler's program run with the libraries that
 * it finds here?
 */
#ifndef TOOLCHAIN_LOADS_H
#define TOOLCHAIN_LOADS_H

#include "base/err.h"

/*
 * Has `program` all libraries, and they every symbol?  The loader says so
 * and runs nothing of it (as ldd -r does).  0, also for a loader that cannot be
 * asked (not glibc's); -ENOEXEC with what it said in `err`.
 */
int toolchain_loads_loads(const char *program, struct err *err);

/*
 * Does the compiler `driver` compile a unit and assemble it?  Every symbol is
 * looked up when a program of it starts, not when it is first called; the
 * unit makes the compiler fold floating point and complex numbers, which is
 * what libmpfr and libmpc are for.  Written in `dir`, a private
 * directory.  `flags` ends in NULL.  0, or -ENOEXEC with the first line that
 * it said in `err`.
 */
int toolchain_loads_compiles(const char *driver, const char *dir,
			     const char *const *flags, struct err *err);

#endif
