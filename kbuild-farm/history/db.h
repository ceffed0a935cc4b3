/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/db.h - ~/.local/state/kfarm/history.db: what builds left behind.
 *
 * An SQLite database in WAL mode, so that readers and builds do not wait for
 * each other; what it holds is said in history/schema.c.  Nothing that befalls
 * it makes a build fail, or wait for more than a second in all:
 *
 *	damaged		renamed to history.db.damaged-DATE-TIME, a new one
 *begins newer		(user_version) left alone; the build is not recorded
 *	older		migrated by the first that may write
 *	locked, disk full, not writable: the build is not recorded
 *
 * with a line that says so.  Who writes it looks at the header, the schema and
 * the list of builds when he opens it; damage elsewhere is found when it is
 * read, as every page is checked then (PRAGMA cell_size_check), and then the
 * next build looks at all of it (history.db.suspect).  Commits are not synced,
 * but checkpoints are (history/checkpoint.h): after a power failure the last
 * builds may be missing, the rest is there.
 *
 * It is bounded (history/prune.c): of the last HISTORY_BUILDS builds all but
 * units, diagnostics and sizes is kept; diagnostics and sizes of the last
 * HISTORY_DETAILS builds of a key; units of the last HISTORY_UNITS, and of the
 * last good one that was fresh; costs and units of the keys that were built
 * last, as many as together have HISTORY_COSTS units.  Some 250 bytes a build,
 * 100 a cost, 40 a unit, 30 a warning that stands.  Pages that become free are
 * used again, and given back to the file system some at a time.
 */
#ifndef HISTORY_DB_H
#define HISTORY_DB_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define HISTORY_BUILDS  20000
#define HISTORY_DETAILS 30
#define HISTORY_UNITS   3
#define HISTORY_COSTS   1000000

struct history; /* an open one; for one thread */

enum history_use {
	HISTORY_READ, /* it is there, and stays as it is, but for its schema */
	HISTORY_WRITE, /* it is made where it lacks; a damaged one is set aside
			*/
};

/* The path, from the environment; the caller frees it. */
char *history_path(void);
/*
 * Open the user's history to read it.  Returns 0; -ENOENT when there is none;
 * -EPROTONOSUPPORT when it is of a newer kfarm; -EUCLEAN when it is damaged;
 * -EBUSY when somebody has it locked; another negative errno; all with `err`
 * naming the file.
 */
int history_open(struct history **out, struct err *err);
/*
 * The same of a path, and for a use.  What lacks of the directory is made for
 * HISTORY_WRITE.  Locks are waited for `wait_ms`, now and later.
 */
int history_open_at(struct history **out, const char *path,
		    enum history_use use, unsigned wait_ms, struct err *err);
/* NULL is fine. */
void history_close(struct history *h);
/* That a damaged file was set aside, in a line; NULL: none was. */
const char *history_note(const struct history *h);
/* Has it another name now, or none?  Then another is the user's history. */
bool history_has_moved(const struct history *h);
/*
 * What is open was found to be damaged (a call returned -EUCLEAN): set it
 * aside, unless another did so.  Close it, then open a new one.
 */
void history_set_aside(struct history *h, struct err *note);

#endif
