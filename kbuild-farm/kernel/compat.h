/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/compat.h - the second compiler, of arm64's 32-bit vDSO.
 *
 * CONFIG_COMPAT_VDSO depends on CROSS_COMPILE_COMPAT: without it make drops
 * the setting in silence.
 */
#ifndef KERNEL_COMPAT_H
#define KERNEL_COMPAT_H

#include "kernel/compiler.h"
#include "kernel/kconfig.h"

/*
 * Where the configuration asks for CONFIG_COMPAT_VDSO and nobody says
 * CROSS_COMPILE_COMPAT, add it to c->vars: arm's prefix of the same release
 * for an installed compiler, else one of Debian's that is on PATH, else the
 * same release.  Where there is none, c->notes says so.
 *
 * `config` is the .config that is kept, which may not exist.  Returns 0, or a
 * negative errno with `err` set.
 */
int kernel_compat_choose(struct kernel_compiler *c,
			 const struct kernel_arch *arch,
			 const struct kernel_kconfig *k, const char *config,
			 const struct strv *variables, char *const *env,
			 struct err *err);

#endif
