/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/nightly-runs.h"

#include "base/fs.h"
#include "history/sql.h"

#include <stdlib.h>

#define TEXT(column, member) RECORD_STRING(column, history_nightly_run, member)
#define NUMBER(column, member, least) \
	RECORD_NUMBER(column, history_nightly_run, member, least, SQL_COUNT_MAX)

static const struct record_member members[] = {
	{ TEXT("name", name) },
	{ NUMBER("began_s", start_s, 0) },
	{ TEXT("decision", decision) },
	{ TEXT("key", series_key) },
	{ NUMBER("build", build_number, 1) },
	{ NUMBER("status", status, 0) },
	{ TEXT("commit_id", commit) },
	{ TEXT("describe", describe) },
	{ TEXT("arch", arch) },
	{ TEXT("config", config) },
	{ TEXT("toolchain", toolchain) },
	{ TEXT("dir", dir) },
	{ NUMBER("errors", n_errors, 0), .absent = -1 },
	{ NUMBER("new_errors", n_new_errors, 0), .absent = -1 },
	{ NUMBER("warnings", n_warnings, 0), .absent = -1 },
	{ NUMBER("new_warnings", n_new_warnings, 0), .absent = -1 },
};
static const struct record run_record = RECORD(history_nightly_run, members);

int history_nightly_runs_add(struct history *h,
			     const struct history_nightly_run *n,
			     struct err *err)
{
	struct buf text = { 0 };
	int ret;

	buf_add_str(&text, "INSERT INTO night(id");
	sql_add_columns(&text, &run_record);
	buf_add_str(&text, ") VALUES(NULL");
	sql_add_parameters(&text, &run_record);
	buf_add_str(&text, ")");
	ret = sql_run_members(h, err, buf_str(&text), &run_record, n, "");
	buf_release(&text);
	if (ret)
		return ret;
	return sql_run(h, err, "DELETE FROM night WHERE id <= ?1", "i",
		       (int64_t)sqlite3_last_insert_rowid(h->db) -
			       HISTORY_NIGHTLY_RUNS_MAX);
}

int history_nightly_runs_set_output(struct history *h, int64_t build,
				    const char *output, struct err *err)
{
	char *path = output ? fs_canonical_path(output) : NULL;
	int ret = sql_run(h, err,
			  "UPDATE build SET output = ?2 WHERE number = ?1",
			  "it", build, path);

	free(path);
	return ret;
}
