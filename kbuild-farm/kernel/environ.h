/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/environ.h - environments, as words NAME=VALUE.
 */
#ifndef KERNEL_ENVIRON_H
#define KERNEL_ENVIRON_H

#include "base/err.h"
#include "base/str.h"

/* `env` with `by` in it, whose last setting of a name counts, to `out`. */
void kernel_environ_overlay(struct strv *out, char *const *env,
			    const struct strv *by);
/* The value of `name`, NULL for an empty one, too; borrowed. */
const char *kernel_environ_value(char *const *env, const char *name);
/* PATH with `dirs` in front; the caller frees it. */
char *kernel_environ_path(const struct strv *dirs, char *const *env);
/* Are these, of -e, all NAME=VALUE?  Else -EINVAL with `err` set. */
int kernel_environ_check(const struct strv *given, struct err *err);

#endif
