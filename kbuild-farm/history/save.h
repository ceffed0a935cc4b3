/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/save.h - writes builds, for history/record.c alone.
 */
#ifndef HISTORY_SAVE_H
#define HISTORY_SAVE_H

#include "history/read.h"

/*
 * Insert the row of a build of this process that begins: b->number is set.
 * Those of processes that are gone become HISTORY_KILLED.
 */
int history_save_begin(struct history *h, struct history_build *b,
		       struct err *err);
/*
 * Write all of a build that ended, in one transaction; it is inserted where
 * b->number is 0.  What is beyond the bounds of db.h goes.
 */
int history_save_end(struct history *h, struct history_build *b,
		     const struct history_details *d, struct err *err);

#endif
