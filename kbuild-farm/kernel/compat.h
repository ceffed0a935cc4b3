/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/compat.h - the second compiler, of arm64's 32-bit vDSO.
 *
 * CONFIG_COMPAT_VDSO depends on CROSS_COMPILE_COMPAT: without it make drops
 * the setting in silence.
 */
#ifndef KERNEL_COMPAT_H
#define KERNEL_COMPAT_H

#include "kernel/plan.h"

/*
 * Where the configuration asks for CONFIG_COMPAT_VDSO and nobody sets
 * CROSS_COMPILE_COMPAT, add it to p->compiler.vars: arm's prefix of the same
 * release for an installed compiler, else one of Debian's that is on PATH,
 * else the same release.  Where there is none, p->compiler.notes says so.
 * Returns 0, or a negative errno with `err` set.
 */
int kernel_compat_choose(struct kernel_plan *p, struct err *err);

#endif
