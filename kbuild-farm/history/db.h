/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/db.h - Database file of past builds, ~/.local/state/kfarm/history.db.
 *
 * The file is an SQLite database in WAL mode, so readers and builds do not wait
 * for each other.  history/db.c describes the tables.  No fault of the file
 * makes a build fail or delays it by more than a second in total:
 *
 *	damaged		renamed to history.db.damaged-DATE-TIME; a new file
 *			is created
 *	newer version	left unchanged; the build is not recorded
 *	older version	migrated by the first process that can write
 *	locked, disk full or not writable: the build is not recorded
 *
 * Each fault is reported in one line.  A writer checks the header, the schema
 * and the list of builds when it opens the file.  Every page is checked when it
 * is read (PRAGMA cell_size_check).  A reader that finds damage creates
 * history.db.suspect, and the next build then checks the whole file.  Commits
 * are not synced, but checkpoints are: after a power failure the last builds
 * can be missing, but the rest is intact.
 *
 * The size is bounded.  The last HISTORY_BUILDS_MAX builds keep their rows
 * except units, diagnostics and sizes.  Diagnostics and sizes exist for the
 * last HISTORY_DETAIL_BUILDS_MAX builds of a series; units for the last
 * HISTORY_UNIT_BUILDS_MAX builds of a series and its last good build from
 * scratch; costs and units for the most recently built series that together
 * have at most HISTORY_COSTS_MAX costs.  A build takes about 250 bytes, a cost
 * 100, a unit 40 and an unchanged warning 30.  Free pages are reused, and
 * returned to the file system a few at a time.
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

/* size in bytes from which history.db-wal needs a checkpoint */
#define HISTORY_WAL_BYTES_MAX (INT64_C(1) << 20)

struct history; /* an open database, for use by one thread */

enum history_mode {
	/* The file must exist and does not change, except for its schema. */
	HISTORY_MODE_READ,
	/* A missing file is created; a damaged one is renamed. */
	HISTORY_MODE_WRITE,
};

/* Return the path, derived from the environment; the caller frees it. */
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
 * This and all later calls wait up to `lock_timeout_ms` for a lock.  Returns as
 * history_db_open().
 */
int history_db_open_at(struct history **out, const char *path,
		       enum history_mode mode, unsigned lock_timeout_ms,
		       struct err *err);
/* Close `h`, which can be NULL. */
void history_db_close(struct history *h);
/*
 * Move committed data from history.db-wal into history.db if the log has at
 * least HISTORY_WAL_BYTES_MAX bytes, because each process that opens the
 * database first reads the whole log.
 *
 * A checkpoint syncs both files, which takes seconds while the output of a
 * build is being written back.  So commits do no checkpoint; this runs on a
 * detached thread during the next build.  If the process exits earlier, no
 * data is lost and a later build repeats the checkpoint.
 */
void history_db_checkpoint(const struct history *h);

/*
 * Return the line that reports a renamed damaged file, or NULL if the file was
 * not damaged.
 */
const char *history_db_damage_note(const struct history *h);
/*
 * Return true if the open file was renamed or removed, so that another file is
 * the user's history.
 */
bool history_db_is_replaced(const struct history *h);
/*
 * Rename the open file after a call returned -EUCLEAN, unless another process
 * has done so.  `note` receives the line to report.  The caller then closes `h`
 * and opens a new file.
 */
void history_db_move_damaged(struct history *h, struct err *note);

#endif
