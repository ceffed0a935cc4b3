/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/watch.h - have any of some files been touched?
 */
#ifndef COMPILER_WATCH_H
#define COMPILER_WATCH_H

#include "base/err.h"
#include "store/identity.h"

#include <stdbool.h>

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
int compiler_watch_check(struct compiler_watch *w, struct err *err);
/*
 * The same at a glance, by one stat(2) for each directory in which they lie:
 * true when nothing came, went or was put in the place of another since
 * compiler_watch_check() found them all as they were.  What was written into a
 * file it does not see.
 */
bool compiler_watch_glance(const struct compiler_watch *w);

#endif
