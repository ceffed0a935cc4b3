/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/environ.h - environments, as words NAME=VALUE.
 */
#ifndef KERNEL_ENVIRON_H
#define KERNEL_ENVIRON_H

#include "base/err.h"
#include "base/str.h"

/* Add `env`, overridden by `by`, to `out`; in `by` the last setting counts. */
void kernel_environ_overlay(struct strv *out, char *const *env,
			    const struct strv *by);
/* The value of `name`, NULL for an empty one, too; borrowed. */
const char *kernel_environ_value(char *const *env, const char *name);
/* PATH with `dirs` in front; the caller frees it. */
char *kernel_environ_path(const struct strv *dirs, char *const *env);
/* 0 if all of these (of -e) are NAME=VALUE, else -EINVAL with `err` set. */
int kernel_environ_check(const struct strv *given, struct err *err);

#endif
