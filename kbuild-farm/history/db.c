/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Build numbers are unique and never reused.  A `key` row is a series of
 * comparable builds (kernel/series-key.h).  `cost` has one row per key, object
 * and source file; a `unit` row is one compile of one build and refers to
 * `cost` for the file names.  In the tables NAME_of_build, `n` numbers the rows
 * of a build from 0.  The column `node` of `unit` contains the `n` of a row in
 * node_of_build, and `reason` the `n` of a row in reason_of_build.  Times of
 * units and phases are in ms since the start of the build.
 *
 * Columns of the table `build`: `steps` counts the tool steps that nodes ran,
 * `steps_here` the tool steps that the build host ran; `step_of_build` has the
 * reasons for running steps on the build host.  In `kept`, bit 0 is set while
 * the diagnostics and sizes of the build are stored, and bit 1 while its units
 * are stored.  `pid`, `started` (clock ticks, proc(5)) and `boot` (boot_id)
 * identify the process of a running build.
 */
#include "history/db.h"

#include "base/fs.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"
#include "history/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READ_WAIT_MS   500
#define CACHE_SIZE     "-4096" /* negative: KiB */
#define APPLICATION_ID 0x6b66726d /* "kfrm", for file(1) */

/*
 * Entry I migrates a file from user_version I to I + 1.  Never change an entry
 * that was released.
 */
static const char *const schema_migrations[] = {
	"CREATE TABLE key(id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE,"
	" last INTEGER NOT NULL DEFAULT 0, costs INTEGER NOT NULL DEFAULT 0);"

	"CREATE TABLE build(number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" key INTEGER, state INTEGER NOT NULL, status INTEGER, kept INTEGER"
	" NOT NULL DEFAULT 0, pid INTEGER, started INTEGER, boot TEXT,"
	" what TEXT, arch TEXT, config TEXT, toolchain TEXT,"
	" toolchain_id TEXT, tree TEXT, source TEXT, dir TEXT, output TEXT,"
	" commit_id TEXT, release TEXT, fresh INTEGER, dirty INTEGER,"
	" began_s INTEGER NOT NULL, wall_ms INTEGER, host_ms INTEGER,"
	" scan_ms INTEGER, cpu_ms INTEGER, make_jobs INTEGER,"
	" local_slots INTEGER, remote INTEGER, local INTEGER,"
	" retried INTEGER, beside INTEGER, warnings INTEGER, errors INTEGER,"
	" new_warnings INTEGER, new_errors INTEGER, gone INTEGER);"
	"CREATE INDEX build_key ON build(key, number);"
	"CREATE INDEX build_kept ON build(key, number) WHERE kept > 0;"
	"CREATE INDEX build_output ON build(output, number);"
	"CREATE INDEX build_running ON build(number) WHERE state = 0;"

	"CREATE TABLE node_of_build(build INTEGER, n INTEGER, name TEXT,"
	" machine TEXT, state TEXT, reason TEXT, slots INTEGER,"
	" jobs INTEGER, failed INTEGER, retries INTEGER, cpu_ms INTEGER,"
	" sent INTEGER, received INTEGER, PRIMARY KEY(build, n))"
	" WITHOUT ROWID;"
	"CREATE TABLE reason_of_build(build INTEGER, n INTEGER, text TEXT,"
	" jobs INTEGER, PRIMARY KEY(build, n)) WITHOUT ROWID;"
	"CREATE TABLE phase_of_build(build INTEGER, n INTEGER, name TEXT,"
	" at_ms INTEGER, ms INTEGER, PRIMARY KEY(build, n)) WITHOUT ROWID;"

	"CREATE TABLE cost(id INTEGER PRIMARY KEY, key INTEGER NOT NULL,"
	" hash INTEGER NOT NULL, object TEXT, file TEXT, cpu_ms INTEGER, wall_ms INTEGER,"
	" build INTEGER NOT NULL);"
	"CREATE INDEX cost_key ON cost(key, hash);"
	"CREATE TABLE unit(build INTEGER, job INTEGER, cost INTEGER,"
	" node INTEGER, reason INTEGER, queued_ms INTEGER, sent_ms INTEGER,"
	" run_ms INTEGER, received_ms INTEGER, done_ms INTEGER,"
	" cpu_ms INTEGER, retries INTEGER, remote INTEGER,"
	" PRIMARY KEY(build, job)) WITHOUT ROWID;"

	"CREATE TABLE diag(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
	" tool TEXT, severity TEXT, file TEXT, flag TEXT, text TEXT);"
	"CREATE TABLE diag_of_build(build INTEGER, n INTEGER, diag INTEGER,"
	" how INTEGER, line INTEGER, col INTEGER, object TEXT,"
	" PRIMARY KEY(build, n))"
	" WITHOUT ROWID;"
	"CREATE TABLE size_of_build(build INTEGER, n INTEGER, name TEXT,"
	" text INTEGER, data INTEGER, bss INTEGER, file INTEGER,"
	" PRIMARY KEY(build, n)) WITHOUT ROWID;",

	/* Nothing uses the table `night`; the next migration can drop it. */
	"CREATE TABLE night(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT"
	" NOT NULL, began_s INTEGER, decision TEXT, key TEXT, build INTEGER,"
	" status INTEGER, commit_id TEXT, describe TEXT, arch TEXT,"
	" config TEXT, toolchain TEXT, dir TEXT, subject TEXT,"
	" errors INTEGER, new_errors INTEGER, warnings INTEGER,"
	" new_warnings INTEGER);"
	"CREATE INDEX night_name ON night(name, id);",

	"ALTER TABLE build ADD COLUMN steps INTEGER;"
	"ALTER TABLE build ADD COLUMN steps_here INTEGER;"
	"CREATE TABLE step_of_build(build INTEGER, n INTEGER, text TEXT,"
	" steps INTEGER, PRIMARY KEY(build, n)) WITHOUT ROWID;",

	"ALTER TABLE build ADD COLUMN cached INTEGER;"
	"ALTER TABLE unit ADD COLUMN cached INTEGER;",

	"ALTER TABLE unit ADD COLUMN miss TEXT;",

	"ALTER TABLE build ADD COLUMN cached_remote INTEGER;"
	"ALTER TABLE unit ADD COLUMN cached_remote INTEGER;",

	"ALTER TABLE node_of_build ADD COLUMN clock_milli INTEGER;"
	"ALTER TABLE node_of_build ADD COLUMN celsius_milli INTEGER;",

	"ALTER TABLE build ADD COLUMN cause TEXT;",

	"ALTER TABLE build RENAME COLUMN beside TO duplicated;"
	"CREATE TABLE disabled_of_build(build INTEGER, n INTEGER, tool TEXT,"
	" node TEXT, failures INTEGER, text TEXT, PRIMARY KEY(build, n))"
	" WITHOUT ROWID;",
};

#define N_SCHEMA_MIGRATIONS ((int)ARRAY_SIZE(schema_migrations))

/* ---- schema ---- */

/*
 * Accept a file with kfarm's application_id, and a new file, which has neither
 * an application_id nor tables.
 */
static int check_application(struct history *h, struct err *err)
{
	int64_t id, tables;
	int ret = sql_number(h, &id, err, "PRAGMA application_id", "");

	if (!ret)
		ret = sql_number(h, &tables, err,
				 "SELECT count(*) FROM sqlite_schema", "");
	if (ret || id == APPLICATION_ID || (!id && !tables))
		return ret;
	return err_set(err, EUCLEAN, "%s: damaged, or not a kfarm history",
		       h->path);
}

/*
 * Read user_version again inside the transaction, because another process can
 * apply the same migration concurrently.
 */
static int apply_migration(struct history *h, struct err *err)
{
	char version[64];
	int64_t at;
	int ret = sql_script(h, "BEGIN IMMEDIATE", err);

	if (ret)
		return ret;
	ret = sql_number(h, &at, err, "PRAGMA user_version", "");
	if (!ret && at >= 0 && at < N_SCHEMA_MIGRATIONS) {
		sqlite3_snprintf(sizeof(version), version,
				 "PRAGMA application_id = %d;"
				 "PRAGMA user_version = %d;",
				 APPLICATION_ID, (int)at + 1);
		ret = sql_script(h, schema_migrations[at], err);
		if (!ret)
			ret = sql_script(h, version, err);
	}
	if (!ret)
		ret = sql_script(h, "COMMIT", err);
	if (ret)
		sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

static int reject_newer_version(const struct history *h, int64_t version,
				struct err *err)
{
	if (version <= N_SCHEMA_MIGRATIONS)
		return 0;
	return err_set(err, EPROTONOSUPPORT,
		       "%s: written by a newer kfarm (schema version %lld, "
		       "supported up to %d)",
		       h->path, (long long)version, N_SCHEMA_MIGRATIONS);
}

int history_db_check_version(struct history *h, struct err *err)
{
	int64_t version;
	int ret = sql_number(h, &version, err, "PRAGMA user_version", "");

	return ret ? ret : reject_newer_version(h, version, err);
}

/*
 * Apply the missing migrations, each in its own transaction.
 *
 * Returns 0; -EPROTONOSUPPORT if the file has a newer version; -EUCLEAN if it
 * belongs to another program.
 */
static int update_schema(struct history *h, struct err *err)
{
	int64_t at = 0;
	int ret;

	for (;;) {
		ret = sql_number(h, &at, err, "PRAGMA user_version", "");
		if (!ret)
			ret = check_application(h, err);
		if (ret || at == N_SCHEMA_MIGRATIONS)
			return ret;
		ret = reject_newer_version(h, at, err);
		if (ret)
			return ret;
		if (at < 0)
			return sql_error(h, SQLITE_CORRUPT, err);
		ret = apply_migration(h, err);
		if (ret)
			return ret;
	}
}

/* ---- damage ---- */

static void rename_with_suffix(const char *path, const char *to,
			       const char *suffix)
{
	char *from = xasprintf("%s%s", path, suffix);
	char *as = xasprintf("%s%s", to, suffix);

	rename(from, as);
	free(as);
	free(from);
}

bool history_db_is_replaced(const struct history *h)
{
	int moved = 0;

	return sqlite3_file_control(h->db, "main", SQLITE_FCNTL_HAS_MOVED,
				    &moved) == SQLITE_OK &&
	       moved;
}

/*
 * Rename the database and its -wal and -shm files.  Processes that have the
 * database open continue to write to the renamed file.  The -wal file, SQLite's
 * log, is renamed first, so that a new database never finds the old log.
 */
static void rename_damaged(struct history *h, struct err *note)
{
	struct tm now;
	time_t t = time(NULL);
	char when[32], *to;

	localtime_r(&t, &now);
	strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &now);
	to = xasprintf("%s.damaged-%s", h->path, when);
	rename_with_suffix(h->path, to, "-wal");
	rename_with_suffix(h->path, to, "-shm");
	if (rename(h->path, to))
		err_errno(note, "%s: damaged, and cannot be renamed", h->path);
	else
		err_set(note, 0,
			"the build history was damaged; moved it to %s and "
			"started a new one",
			to);
	free(to);
}

void history_db_move_damaged(struct history *h, struct err *note)
{
	char *path = xasprintf("%s.lock", h->path);
	int fd;

	/*
	 * If two processes find the damage, the first to get the lock renames
	 * the database and removes the lock file.  The second process, which
	 * has waited for the lock, gets -EAGAIN because the lock file is gone.
	 * It tries again and then finds that the database has been replaced.
	 */
	do
		fd = fs_open_locked(AT_FDCWD, path, O_RDWR | O_CREAT, LOCK_EX);
	while (fd == -EAGAIN);
	if (!history_db_is_replaced(h))
		rename_damaged(h, note);
	if (fd >= 0) {
		unlink(path);
		close(fd);
	}
	free(path);
}

/* ---- open ---- */

/*
 * Check the database.  The extent of the check depends on the suspect file
 * (sql_suspect_path()), which a reader creates when it finds damage:
 *
 *	has content	do not check; the database is damaged
 *	empty		check all pages, which takes long
 *	missing		check only the small table `build`, which every reader
 *			reads
 */
static int check_file(struct history *h, struct err *err)
{
	char *path = sql_suspect_path(h);
	struct stat st;
	bool suspect = !stat(path, &st);
	sqlite3_stmt *s;
	int ret;

	if (suspect && st.st_size) {
		ret = sql_error(h, SQLITE_CORRUPT, err);
		goto out;
	}
	ret = sql_prepare(h, &s,
			  suspect ? "PRAGMA quick_check(1)" :
				    "PRAGMA quick_check('build')",
			  err);
	if (ret)
		goto out;
	ret = sql_next_row(h, s, err);
	if (ret > 0 &&
	    !str_equal((const char *)sqlite3_column_text(s, 0), "ok"))
		ret = sql_error(h, SQLITE_CORRUPT, err);
	sqlite3_finalize(s);
out:
	/* After a failed read, the next writer must check the file again. */
	if (ret >= 0 || ret == -EUCLEAN)
		unlink(path);
	free(path);
	return ret < 0 ? ret : 0;
}

static int open_and_check(struct history *h, unsigned lock_timeout_ms,
			  struct err *err)
{
	bool writes = h->mode == HISTORY_MODE_WRITE;
	int code, ret;

	if (writes) {
		/*
		 * The file contains commands and paths, so it is private.
		 * SQLite creates its other files with the same mode.
		 */
		int fd = open(h->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			      0600);

		if (fd >= 0)
			close(fd);
	}
	code = sqlite3_open_v2(h->path, &h->db,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
				       (writes ? SQLITE_OPEN_CREATE : 0),
			       NULL);
	if (code)
		return sql_error(h, code, err);
	sqlite3_extended_result_codes(h->db, 1);
	sqlite3_busy_timeout(h->db, (int)lock_timeout_ms);
	sqlite3_db_config(h->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(h->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(h->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	ret = sql_script(h,
			 "PRAGMA cell_size_check = 1;"
			 "PRAGMA cache_size = " CACHE_SIZE ";"
			 "PRAGMA temp_store = memory;",
			 err);
	/*
	 * auto_vacuum takes effect in a new file only.  Neither a commit nor
	 * sqlite3_close() runs a checkpoint; see history_db_checkpoint().
	 */
	if (!ret && writes)
		ret = sql_script(h,
				 "PRAGMA auto_vacuum = incremental;"
				 "PRAGMA journal_mode = wal;"
				 "PRAGMA synchronous = normal;"
				 "PRAGMA wal_autocheckpoint = 0;",
				 err);
	if (!ret)
		ret = update_schema(h, err);
	if (!ret && writes)
		ret = check_file(h, err);
	return ret;
}

/*
 * Reopen a database whose file and directory are read-only.  SQLite cannot
 * create the -wal and -shm files in such a directory; the option `immutable`
 * makes SQLite read the database without these files.
 */
static int open_immutable(struct history *h, struct err *err)
{
	struct buf uri = { 0 };
	int code;

	buf_add_str(&uri, "file:");
	for (const char *p = h->path; *p; p++)
		buf_printf(&uri, strchr("%?#", *p) ? "%%%02x" : "%c", *p);
	buf_add_str(&uri, "?immutable=1");
	sqlite3_close(h->db);
	h->db = NULL;
	code = sqlite3_open_v2(buf_str(&uri), &h->db,
			       SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
				       SQLITE_OPEN_NOMUTEX,
			       NULL);
	buf_release(&uri);
	return code ? sql_error(h, code, err) : update_schema(h, err);
}

char *history_db_path(void)
{
	char *home = fs_state_home();
	char *path = xasprintf("%s/history.db", home);

	free(home);
	return path;
}

static struct history *history_new(const char *path, enum history_mode mode)
{
	struct history *h = xcalloc(1, sizeof(*h));

	h->path = xstrdup(path);
	h->mode = mode;
	return h;
}

/* Rename the damaged file, and replace *h with an empty database. */
static int replace_damaged(struct history **h, unsigned lock_timeout_ms,
			   struct err *err)
{
	struct history *fresh = history_new((*h)->path, (*h)->mode);
	struct err note = { 0 };

	history_db_move_damaged(*h, &note);
	history_db_close(*h);
	*h = fresh;
	if (note.text[0])
		fresh->note = xstrdup(note.text);
	return open_and_check(fresh, lock_timeout_ms, err);
}

int history_db_open_at(struct history **out, const char *path,
		       enum history_mode mode, unsigned lock_timeout_ms,
		       struct err *err)
{
	struct history *h;
	struct stat st;
	int ret;

	*out = NULL;
	if (mode == HISTORY_MODE_WRITE) {
		char *dir = str_dir(path);

		ret = fs_mkdirs(dir, 0700, err);
		free(dir);
		if (ret)
			return ret;
	}
	if (stat(path, &st)) {
		if (mode == HISTORY_MODE_READ)
			return err_errno(err, "%s", path);
	} else if (!S_ISREG(st.st_mode)) {
		return err_set(err, EINVAL,
			       "%s: not a regular file; move it away", path);
	}
	h = history_new(path, mode);
	ret = open_and_check(h, lock_timeout_ms, err);
	if (ret == -EUCLEAN && mode == HISTORY_MODE_WRITE)
		ret = replace_damaged(&h, lock_timeout_ms, err);
	/* Without write permission SQLite cannot create -wal and -shm. */
	else if (mode == HISTORY_MODE_READ && (ret == -EROFS || ret == -EACCES))
		ret = open_immutable(h, err);
	if (ret) {
		history_db_close(h);
		return ret;
	}
	*out = h;
	return 0;
}

int history_db_open(struct history **out, struct err *err)
{
	char *path = history_db_path();
	int ret = history_db_open_at(out, path, HISTORY_MODE_READ, READ_WAIT_MS,
				     err);

	free(path);
	return ret;
}

void history_db_close(struct history *h)
{
	if (!h)
		return;
	sqlite3_close(h->db);
	free(h->path);
	free(h->note);
	free(h);
}

/* ---- checkpoint ---- */

/*
 * Run a checkpoint and then one commit.  The first commit after a complete
 * checkpoint restarts the log and syncs its header.  The UPDATE below, which
 * changes no data, makes this commit, so that the build does not wait for the
 * sync.
 */
static void run_checkpoint(void *path)
{
	sqlite3 *db = NULL;

	if (!sqlite3_open_v2(path, &db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		sqlite3_exec(db,
			     "PRAGMA synchronous = normal;"
			     "PRAGMA wal_autocheckpoint = 0;"
			     "PRAGMA wal_checkpoint(passive);"
			     "UPDATE key SET last = last WHERE id = "
			     "(SELECT min(id) FROM key);",
			     NULL, NULL, NULL);
	if (db)
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				  NULL);
	sqlite3_close(db);
	free(path);
}

void history_db_checkpoint(const struct history *h)
{
	char *log = xasprintf("%s-wal", h->path), *path;
	struct task *task;
	struct stat st;
	bool due = !stat(log, &st) && st.st_size >= HISTORY_WAL_BYTES_MAX;

	free(log);
	if (!due)
		return;
	path = xstrdup(h->path);
	task = task_start(run_checkpoint, path);
	if (task)
		task_detach(task);
	else
		free(path);
}
