/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/night.h"

#include "base/str.h"
#include "history/sql.h"

#include <errno.h>
#include <stdlib.h>

void history_night_release(struct history_night *n)
{
	free(n->name);
	free(n->decision);
	free(n->key);
	free(n->commit);
	free(n->describe);
	free(n->arch);
	free(n->config);
	free(n->toolchain);
	free(n->dir);
	free(n->subject);
	*n = (struct history_night){ 0 };
}

int history_night_add(struct history *h, struct history_night *n,
		      struct err *err)
{
	int ret = sql_run(
		h, err,
		"INSERT INTO night(name, began_s, decision, key, build,"
		" status, commit_id, describe, arch, config, toolchain, dir,"
		" subject, errors, new_errors, warnings, new_warnings)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
		" ?13, ?14, ?15, ?16, ?17)",
		"tittnitttttttnnnn", n->name, n->began_s, n->decision, n->key,
		n->build ? n->build : -1, n->status, n->commit, n->describe,
		n->arch, n->config, n->toolchain, n->dir, n->subject, n->errors,
		n->new_errors, n->warnings, n->new_warnings);

	if (!ret)
		n->id = sqlite3_last_insert_rowid(h->db);
	return ret;
}

int history_build_move(struct history *h, int64_t build, const char *output,
		       struct err *err)
{
	return sql_run(h, err, "UPDATE build SET output = ?2 WHERE number = ?1",
		       "it", build, output);
}

static void take_night(struct history_night *n, sqlite3_stmt *s)
{
	*n = (struct history_night){
		.id = sqlite3_column_int64(s, 0),
		.name = sql_text(s, 1),
		.began_s = sql_count(s, 2),
		.decision = sql_text(s, 3),
		.key = sql_text(s, 4),
		.build = sql_count(s, 5),
		.status = sql_count(s, 6),
		.commit = sql_text(s, 7),
		.describe = sql_text(s, 8),
		.arch = sql_text(s, 9),
		.config = sql_text(s, 10),
		.toolchain = sql_text(s, 11),
		.dir = sql_text(s, 12),
		.subject = sql_text(s, 13),
		.errors = sql_known(s, 14),
		.new_errors = sql_known(s, 15),
		.warnings = sql_known(s, 16),
		.new_warnings = sql_known(s, 17),
	};
}

static int prepare_nights(struct history *h, sqlite3_stmt **s,
			  const struct history_night_filter *f, struct err *err)
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
			 (int64_t)f->good, f->before ? f->before : INT64_MAX,
			 f->most ? (int64_t)f->most : -1);
	return ret;
}

int history_night_list(struct history *h, const struct history_night_filter *f,
		       history_night_each *each, void *ctx, struct err *err)
{
	struct history_night n;
	sqlite3_stmt *s;
	int ret = prepare_nights(h, &s, f, err);

	if (ret)
		return ret;
	while ((ret = sql_row(h, s, err)) > 0) {
		take_night(&n, s);
		ret = each(ctx, &n);
		history_night_release(&n);
		if (ret)
			break;
	}
	sqlite3_finalize(s);
	return ret;
}

int history_night_last(struct history *h, const struct history_night_filter *f,
		       struct history_night *out, struct err *err)
{
	sqlite3_stmt *s;
	int ret = prepare_nights(h, &s, f, err);

	*out = (struct history_night){ 0 };
	if (ret)
		return ret;
	ret = sql_row(h, s, err);
	if (ret > 0)
		take_night(out, s);
	sqlite3_finalize(s);
	if (!ret)
		return err_set(err, ENOENT,
			       "there is no such night in the history");
	return ret < 0 ? ret : 0;
}
