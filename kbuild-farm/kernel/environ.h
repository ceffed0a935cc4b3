/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/environ.h - Environments as lists of NAME=VALUE.
 */
#ifndef KERNEL_ENVIRON_H
#define KERNEL_ENVIRON_H

#include "base/err.h"
#include "base/str.h"

/*
 * Append the settings of `env` and of `overrides` to `out`.  A setting in
 * `overrides` replaces the setting of the same name in `env`.  If `overrides`
 * has several settings of a name, the last one takes effect.
 */
void kernel_environ_overlay(struct strv *out, char *const *env,
			    const struct strv *overrides);
/* Return the value of `name`, borrowed, or NULL if it is unset or empty. */
const char *kernel_environ_value(char *const *env, const char *name);
/* Return PATH of `env` with `dirs` in front. The caller frees it. */
char *kernel_environ_path(const struct strv *dirs, char *const *env);
/*
 * Check the arguments of -e.  Returns 0 if all are NAME=VALUE, else -EINVAL
 * with `err` set.
 */
int kernel_environ_check(const struct strv *given, struct err *err);

#endif
