/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds are numbered and never renumbered.  A `key` is what makes builds
 * comparable (kernel/key.h).  `cost` has an object once per key; a `unit`, one
 * compile of one build, leads there for its names.  `node`, `reason` and `n`
 * number what a build has several of, from 0.  Times of units and phases are
 * ms since the build began.  `steps` are those of kbuild that nodes did beside
 * a compile, and `step_of_build` says why others ran on the build host.  `pid`,
 * `started` (clock ticks, proc(5)) and `boot` (boot_id) are of the process of a
 * build that is running.
 */
#include "history/schema.h"

#include <errno.h>
#include <stddef.h>

#define APPLICATION 0x6b66726d /* "kfrm", for file(1) */

/* Number I makes version I + 1.  What was released is never changed. */
static const char *const steps[] = {
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
};

#define STEPS ((int)(sizeof(steps) / sizeof(*steps)))

int history_schema_version(void)
{
	return STEPS;
}

/* A file without tables is nobody's. */
static int check_application(struct history *h, struct err *err)
{
	int64_t id, tables;
	int ret = sql_number(h, &id, err, "PRAGMA application_id", "");

	if (!ret)
		ret = sql_number(h, &tables, err,
				 "SELECT count(*) FROM sqlite_schema", "");
	if (ret || id == APPLICATION || (!id && !tables))
		return ret;
	return err_set(err, EUCLEAN,
		       "%s: it is damaged, or not a history of kfarm", h->path);
}

/* Another process may take the step meanwhile, so it is looked at again. */
static int take_step(struct history *h, struct err *err)
{
	char version[64];
	int64_t at;
	int ret = sql_script(h, "BEGIN IMMEDIATE", err);

	if (ret)
		return ret;
	ret = sql_number(h, &at, err, "PRAGMA user_version", "");
	if (!ret && at >= 0 && at < STEPS) {
		sqlite3_snprintf(sizeof(version), version,
				 "PRAGMA application_id = %d;"
				 "PRAGMA user_version = %d;",
				 APPLICATION, (int)at + 1);
		ret = sql_script(h, steps[at], err);
		if (!ret)
			ret = sql_script(h, version, err);
	}
	if (!ret)
		ret = sql_script(h, "COMMIT", err);
	if (ret)
		sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

int history_schema_update(struct history *h, struct err *err)
{
	int64_t at = 0;
	int ret;

	for (;;) {
		ret = sql_number(h, &at, err, "PRAGMA user_version", "");
		if (!ret)
			ret = check_application(h, err);
		if (ret || at == STEPS)
			return ret;
		if (at > STEPS)
			return err_set(err, EPROTONOSUPPORT,
				       "%s is of a newer kfarm (version %lld "
				       "of its tables, this one knows %d)",
				       h->path, (long long)at, STEPS);
		if (at < 0)
			return sql_error(h, SQLITE_CORRUPT, err);
		ret = take_step(h, err);
		if (ret)
			return ret;
	}
}
