/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/stat-watch.h - Change detection for a list of files by stat(2).
 */
#ifndef COMPILER_STAT_WATCH_H
#define COMPILER_STAT_WATCH_H

#include "base/err.h"
#include "store/digest-cache.h"

#include <stdbool.h>

struct compiler_stat_watch;

struct compiler_stat_watch *compiler_stat_watch_new(void);
void compiler_stat_watch_free(struct compiler_stat_watch *w);
/* Add a path.  For a link, `stamp` is that of the link itself. */
void compiler_stat_watch_add(struct compiler_stat_watch *w, const char *path,
			     const struct file_stamp *stamp);
/*
 * Check all paths by lstat(2).  Returns 0 if all stamps are unchanged, or
 * -ESTALE with `err` naming the first changed path.
 */
int compiler_stat_watch_check(struct compiler_stat_watch *w, struct err *err);
/*
 * Check only the directories of the paths by stat(2).  Returns true if no file
 * was added, removed or replaced since the last successful
 * compiler_stat_watch_check().  Does not detect writes into a file.
 */
bool compiler_stat_watch_check_quick(const struct compiler_stat_watch *w);

#endif
