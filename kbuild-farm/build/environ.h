/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/environ.h - environments, as words NAME=VALUE.
 */
#ifndef BUILD_ENVIRON_H
#define BUILD_ENVIRON_H

#include "base/err.h"
#include "base/str.h"

/* `env` with `by` in it, whose last setting of a name counts, to `out`. */
void build_environ_overlay(struct strv *out, char *const *env,
			   const struct strv *by);
/* Are these, of -e, all NAME=VALUE?  Else -EINVAL with `err` set. */
int build_environ_check(const struct strv *given, struct err *err);

#endif
