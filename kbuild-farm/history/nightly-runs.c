/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/nightly-runs.h"

#include "history/sql.h"

#include <errno.h>

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
	{ TEXT("subject", subject) },
	{ NUMBER("errors", n_errors, 0), .absent = -1 },
	{ NUMBER("new_errors", n_new_errors, 0), .absent = -1 },
	{ NUMBER("warnings", n_warnings, 0), .absent = -1 },
	{ NUMBER("new_warnings", n_new_warnings, 0), .absent = -1 },
};
static const struct record run_record = RECORD(history_nightly_run, members);

void history_nightly_runs_release(struct history_nightly_run *n)
{
	record_release(&run_record, n);
}

int history_nightly_runs_add(struct history *h, struct history_nightly_run *n,
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
	if (!ret)
		n->id = sqlite3_last_insert_rowid(h->db);
	return ret;
}

int history_nightly_runs_set_output(struct history *h, int64_t build,
				    const char *output, struct err *err)
{
	return sql_run(h, err, "UPDATE build SET output = ?2 WHERE number = ?1",
		       "it", build, output);
}

static void read_nightly_row(struct history_nightly_run *n, sqlite3_stmt *s)
{
	n->id = sqlite3_column_int64(s, 0);
	sql_read_members(s, 1, &run_record, n);
}

static int prepare_nightly_query(struct history *h, sqlite3_stmt **s,
				 const struct history_nightly_filter *f,
				 struct err *err)
{
	struct buf text = { 0 };
	int ret;

	buf_add_str(&text, "SELECT id");
	sql_add_columns(&text, &run_record);
	buf_add_str(&text, " FROM night WHERE "
			   "(?1 IS NULL OR name = ?1) AND (NOT ?2 OR build "
			   "NOT NULL) AND (NOT ?3 OR (build NOT NULL AND "
			   "status IN (0, 101))) AND id < ?4 ORDER BY id "
			   "DESC LIMIT ?5");
	ret = sql_prepare(h, s, buf_str(&text), err);
	buf_release(&text);
	if (!ret)
		sql_bind(*s, "tiiii", f->name, (int64_t)f->built,
			 (int64_t)f->succeeded,
			 f->before_id ? f->before_id : INT64_MAX,
			 f->max ? (int64_t)f->max : -1);
	return ret;
}

int history_nightly_runs_list(struct history *h,
			      const struct history_nightly_filter *f,
			      history_nightly_run_fn *on_run, void *ctx,
			      struct err *err)
{
	struct history_nightly_run n;
	sqlite3_stmt *s;
	int ret = prepare_nightly_query(h, &s, f, err);

	if (ret)
		return ret;
	while ((ret = sql_next_row(h, s, err)) > 0) {
		read_nightly_row(&n, s);
		ret = on_run(ctx, &n);
		history_nightly_runs_release(&n);
		if (ret)
			break;
	}
	sqlite3_finalize(s);
	return ret;
}

int history_nightly_runs_find_last(struct history *h,
				   const struct history_nightly_filter *f,
				   struct history_nightly_run *out,
				   struct err *err)
{
	sqlite3_stmt *s;
	int ret = prepare_nightly_query(h, &s, f, err);

	*out = (struct history_nightly_run){ 0 };
	if (ret)
		return ret;
	ret = sql_next_row(h, s, err);
	if (ret > 0)
		read_nightly_row(out, s);
	sqlite3_finalize(s);
	if (!ret)
		return err_set(err, ENOENT,
			       "no such nightly run in the history");
	return ret < 0 ? ret : 0;
}
