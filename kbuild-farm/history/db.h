/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/db.h - Database file of past builds, ~/.local/state/kfarm/history.db.
 *
 * The file is an SQLite database in WAL mode, so readers and builds do not wait
 * for each other.  history/db.c describes the tables.  No fault of the file
 * makes a build fail, or delays a build by more than a second in total.  The
 * faults have these effects:
 *
 *	damaged		the file is renamed to history.db.damaged-DATE-TIME,
 *			and a new file is created
 *	newer version	the file is left unchanged, and the build is not
 *			recorded
 *	older version	the first process that can write migrates the file
 *	other fault	the build is not recorded; such faults are a lock of
 *			another process, a read error, a full disk and a file
 *			that is not writable
 *
 * kfarm reports each fault in one line.  A writer checks the header, the schema
 * and the list of builds when it opens the file.  Every page is checked when it
 * is read (PRAGMA cell_size_check).  A reader that finds damage creates
 * history.db.suspect, and the next build then checks the whole file.  Commits
 * are not synced, but checkpoints are: after a power failure the last builds
 * can be missing, but the rest is intact.
 *
 * The size is bounded.  A series consists of comparable builds
 * (kernel/series-key.h).  After each build, the writer retains only
 *
 *	builds, with their nodes, reasons and phases: the last
 *		HISTORY_BUILDS_MAX builds
 *	diagnostics and sizes: the last HISTORY_DETAIL_BUILDS_MAX builds of each
 *		series
 *	units: the last HISTORY_UNIT_BUILDS_MAX builds of each series and its
 *		last good build from scratch with few cached jobs
 *
 * A cost is the compile time of one object in one series.  If all series have
 * more than HISTORY_COSTS_MAX costs in total, the writer also deletes the costs
 * and units of the least recently built series.  A build takes about 250 bytes,
 * a cost 100, a unit 40 and an unchanged warning 30.  SQLite reuses free pages;
 * the writer returns a few of them at a time to the file system.
 */
#ifndef HISTORY_DB_H
#define HISTORY_DB_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define HISTORY_BUILDS_MAX        20000
#define HISTORY_DETAIL_BUILDS_MAX 30
#define HISTORY_UNIT_BUILDS_MAX   3
#define HISTORY_COSTS_MAX         1000000

/* a checkpoint runs if history.db-wal has at least this many bytes */
#define HISTORY_WAL_BYTES_MAX (INT64_C(1) << 20)

struct history; /* an open database, for use by one thread */

enum history_mode {
	/*
	 * The file must exist.  Only a migration of its schema changes the
	 * file.
	 */
	HISTORY_MODE_READ,
	/* A missing file is created; a damaged file is renamed. */
	HISTORY_MODE_WRITE,
};

/*
 * Return the path of the user's database, derived from the environment.  The
 * caller frees it.
 */
char *history_db_path(void);
/*
 * Open the user's history for reading.
 *
 * Returns 0; -ENOENT if the file does not exist; -EPROTONOSUPPORT if a newer
 * kfarm wrote it; -EUCLEAN if it is damaged; -EBUSY if another process holds
 * the lock; or another negative errno.  `err` names the file.
 */
int history_db_open(struct history **out, struct err *err);
/*
 * Open the database at `path`.  HISTORY_MODE_WRITE creates missing directories.
 * This call and all later calls that use *out wait up to `lock_timeout_ms` for
 * a lock.  Returns the same values as history_db_open().
 */
int history_db_open_at(struct history **out, const char *path,
		       enum history_mode mode, unsigned lock_timeout_ms,
		       struct err *err);
/* Close `h`, which can be NULL. */
void history_db_close(struct history *h);
/*
 * Start a checkpoint, which moves committed data from history.db-wal into
 * history.db, if the log has at least HISTORY_WAL_BYTES_MAX bytes.  A long log
 * slows down the first process that opens the database, because this process
 * reads the whole log.
 *
 * A checkpoint syncs both files, which takes seconds while the output of a
 * build is being written back.  Therefore commits run no checkpoint.  Instead,
 * a build calls this function at its start, and the checkpoint runs on a
 * detached thread.  If the process exits before the end of the checkpoint, no
 * data is lost, and a later build repeats the checkpoint.
 */
void history_db_checkpoint(const struct history *h);

/*
 * Return true if the open file was renamed or removed, so it is no longer the
 * user's history.
 */
bool history_db_is_replaced(const struct history *h);
/*
 * Return -EPROTONOSUPPORT and set `err` if a newer kfarm has migrated the open
 * file, else 0 or another negative errno.  Inside a transaction, the result
 * remains valid until the transaction ends.
 */
int history_db_check_version(struct history *h, struct err *err);
/*
 * Rename the open file after a call returned -EUCLEAN, unless another process
 * has already renamed it.  Sets `note` to a message for the user if this call
 * tried to rename it.  The caller then closes `h` and opens a new file.
 */
void history_db_move_damaged(struct history *h, struct err *note);

#endif
