/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/save.h - Writing of builds within the bounds of history/db.h.
 *
 * Each function runs one transaction.  It returns 0, or a negative errno with
 * `err` set; after an error, the database is unchanged.
 */
#ifndef HISTORY_SAVE_H
#define HISTORY_SAVE_H

#include "history/read.h"

/*
 * Insert the row of a build that this process runs, with the number b->number.
 * If b->number is 0 or another build has this number, the row gets the next
 * unused number, which is stored in b->number.  Running builds whose process no
 * longer exists become HISTORY_STATE_KILLED.
 */
int history_save_begin(struct history *h, struct history_build *b,
		       struct err *err);
/*
 * Write a finished build and remove older data beyond the bounds.  If the build
 * has no row, the row is inserted as history_save_begin() does.
 */
int history_save_end(struct history *h, struct history_build *b,
		     const struct history_details *d, struct err *err);
/*
 * Delete the row of the build that history_save_begin() inserted, because its
 * end cannot be saved.  Does nothing if the build has no row.
 */
int history_save_cancel(struct history *h, struct history_build *b,
			struct err *err);

#endif
