/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/environ.h - Environments and make's variables as lists of NAME=VALUE.
 *
 * An assignment on make's command line can have an operator other than "=".
 * The functions that look up a name ignore such an assignment.
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

/* Return the length of the name in an assignment with any operator of make. */
size_t kernel_environ_name_len(const char *assignment);
/*
 * Append an assignment of make's command line to `variables`.  NAME=VALUE
 * replaces an earlier NAME=VALUE, but not an assignment with another operator,
 * because make evaluates all assignments in order.
 */
void kernel_environ_assign(struct strv *variables, const char *assignment);
/*
 * Check the assignments of make's command line.  Returns 0; or -EINVAL with
 * `err` set if an assignment with an operator other than "=" sets a variable
 * that determines the architecture, compiler, directories, configuration or
 * release of the build.
 */
int kernel_environ_check_variables(const struct strv *variables,
				   struct err *err);

#endif
