/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/prune.h - keeps the history within the bounds of db.h.
 */
#ifndef HISTORY_PRUNE_H
#define HISTORY_PRUNE_H

#include "history/read.h"

/*
 * Remove what is beyond them now that `b`, whose key has the id `key` (0:
 * none), ended; within its transaction.
 */
int history_prune(struct history *h, const struct history_build *b, int64_t key,
		  struct err *err);
/* Give some free pages back to the file system, where there are many. */
void history_prune_pages(struct history *h);

#endif
