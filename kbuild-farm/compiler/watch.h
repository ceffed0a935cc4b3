/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/watch.h - have any of some files been touched?
 */
#ifndef COMPILER_WATCH_H
#define COMPILER_WATCH_H

#include "base/err.h"
#include "store/identity.h"

struct compiler_watch;

struct compiler_watch *compiler_watch_new(void);
void compiler_watch_free(struct compiler_watch *w);
/* `stamp` is what `path` itself had, not what a link leads to. */
void compiler_watch_add(struct compiler_watch *w, const char *path,
			const struct stamp *stamp);
/*
 * One lstat(2) for each: 0 when all have the stamps that they had, else
 * -ESTALE with `err` naming the first that does not.
 */
int compiler_watch_check(const struct compiler_watch *w, struct err *err);

#endif
