/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/nightly-runs.h"

#include "base/str.h"
#include "history/sql.h"

#include <errno.h>
#include <stdlib.h>

void history_nightly_runs_release(struct history_nightly_run *n)
{
	free(n->name);
	free(n->decision);
	free(n->series_key);
	free(n->commit);
	free(n->describe);
	free(n->arch);
	free(n->config);
	free(n->toolchain);
	free(n->dir);
	free(n->subject);
	*n = (struct history_nightly_run){ 0 };
}

int history_nightly_runs_add(struct history *h, struct history_nightly_run *n,
			     struct err *err)
{
	int ret = sql_run(
		h, err,
		"INSERT INTO night(name, began_s, decision, key, build,"
		" status, commit_id, describe, arch, config, toolchain, dir,"
		" subject, errors, new_errors, warnings, new_warnings)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
		" ?13, ?14, ?15, ?16, ?17)",
		"tittnitttttttnnnn", n->name, n->start_s, n->decision,
		n->series_key, n->build_number ? n->build_number : -1,
		n->status, n->commit, n->describe, n->arch, n->config,
		n->toolchain, n->dir, n->subject, n->n_errors, n->n_new_errors,
		n->n_warnings, n->n_new_warnings);

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
	*n = (struct history_nightly_run){
		.id = sqlite3_column_int64(s, 0),
		.name = sql_column_text(s, 1),
		.start_s = sql_column_count(s, 2),
		.decision = sql_column_text(s, 3),
		.series_key = sql_column_text(s, 4),
		.build_number = sql_column_count(s, 5),
		.status = sql_column_count(s, 6),
		.commit = sql_column_text(s, 7),
		.describe = sql_column_text(s, 8),
		.arch = sql_column_text(s, 9),
		.config = sql_column_text(s, 10),
		.toolchain = sql_column_text(s, 11),
		.dir = sql_column_text(s, 12),
		.subject = sql_column_text(s, 13),
		.n_errors = sql_column_known(s, 14),
		.n_new_errors = sql_column_known(s, 15),
		.n_warnings = sql_column_known(s, 16),
		.n_new_warnings = sql_column_known(s, 17),
	};
}

static int prepare_nightly_query(struct history *h, sqlite3_stmt **s,
				 const struct history_nightly_filter *f,
				 struct err *err)
{
	int ret = sql_prepare(h, s,
			      "SELECT id, name, began_s, decision, key, build,"
			      " status, commit_id, describe, arch, config,"
			      " toolchain, dir, subject, errors, new_errors,"
			      " warnings, new_warnings FROM night WHERE "
			      "(?1 IS NULL OR name = ?1) AND (NOT ?2 OR build "
			      "NOT NULL) AND (NOT ?3 OR (build NOT NULL AND "
			      "status IN (0, 101))) AND id < ?4 ORDER BY id "
			      "DESC LIMIT ?5",
			      err);

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
