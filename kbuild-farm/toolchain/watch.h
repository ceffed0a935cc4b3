/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/watch.h - have any of some files been touched?
 */
#ifndef TOOLCHAIN_WATCH_H
#define TOOLCHAIN_WATCH_H

#include "base/err.h"
#include "store/identity.h"

struct toolchain_watch;

struct toolchain_watch *toolchain_watch_new(void);
void toolchain_watch_free(struct toolchain_watch *w);
/* `stamp` is what `path` itself had, not what a link leads to. */
void toolchain_watch_add(struct toolchain_watch *w, const char *path,
			 const struct store_stamp *stamp);
/*
 * One lstat(2) for each: 0 when all have the stamps that they had, else
 * -ESTALE with `err` naming the first that does not.
 */
int toolchain_watch_check(const struct toolchain_watch *w, struct err *err);

#endif
