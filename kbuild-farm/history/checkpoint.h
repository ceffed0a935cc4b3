/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/checkpoint.h - moves what commits wrote from history.db-wal into
 * history.db, once it is a MiB: who opens it first has to read all of that.
 *
 * That syncs both files, and at the end of a build, when gigabytes wait to be
 * written, a sync takes seconds.  So no commit does it: it is done while the
 * next build runs, on a thread that nobody waits for.  When the program ends
 * before, nothing is lost, and another build does it.
 */
#ifndef HISTORY_CHECKPOINT_H
#define HISTORY_CHECKPOINT_H

#include "history/db.h"

#define HISTORY_LOG (INT64_C(1) << 20) /* bytes from which it is due */

/* Begin it where it is due. */
void history_checkpoint_begin(const struct history *h);

#endif
