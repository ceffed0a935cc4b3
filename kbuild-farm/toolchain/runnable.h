/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/runnable.h - does a compiler's program run with the libraries that
 * it finds here?
 */
#ifndef TOOLCHAIN_RUNNABLE_H
#define TOOLCHAIN_RUNNABLE_H

#include "base/err.h"

/*
 * Has `program` all libraries, and they every symbol?  The loader says so
 * and runs nothing of it (as ldd -r does).  0, also for a loader that cannot be
 * asked (not glibc's); -ENOEXEC with what it said in `err`.
 */
int toolchain_runnable(const char *program, struct err *err);

#endif
