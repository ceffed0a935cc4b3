/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/save.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/process.h"
#include "base/str.h"
#include "base/vec.h"
#include "history/sql.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIAG_DIGEST_BYTES 16 /* stored bytes of a diagnostic's digest */
/* if more pages than this are free, some are returned to the file system */
#define FREE_PAGES_RESERVE 256
/* number of builds after which unused rows of `diag` are deleted */
#define ORPHANS_INTERVAL 64

/* ---- bounds of the database ---- */

/*
 * Delete the details (diagnostics and sizes) or the units of one build, or
 * both, and clear their bits in build.kept.
 */
static int delete_build_parts(struct history *h, int64_t build, bool details,
			      bool units, struct err *err)
{
	static const char *const tables[] = {
		"DELETE FROM unit WHERE build = ?1",
		"DELETE FROM diag_of_build WHERE build = ?1",
		"DELETE FROM size_of_build WHERE build = ?1",
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(tables); i++) {
		if (i ? details : units)
			ret = sql_run(h, err, tables[i], "i", build);
	}
	if (!ret)
		ret = sql_run(h, err,
			      "UPDATE build SET kept = kept & ?2 WHERE "
			      "number = ?1",
			      "ii", build,
			      (int64_t)((details ? 0 : 1) | (units ? 0 : 2)));
	return ret;
}

/*
 * Delete data of old builds of the series key `key`.  If `details` is false,
 * delete the units of all builds except the last `max` builds that have units.
 * If `details` is true, delete both details and units of all builds except the
 * last `max` builds that have details.  In both cases, the units of build
 * `except` remain; 0 means no build.
 */
static int delete_older_parts(struct history *h, int64_t key, bool details,
			      int64_t max, int64_t except, struct err *err)
{
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      "SELECT number FROM build WHERE key IS ?1 AND "
			      "kept > 0 AND kept & ?2 ORDER BY number DESC "
			      "LIMIT -1 OFFSET ?3",
			      err);

	if (ret)
		return ret;
	sql_bind(s, "nii", key ? key : -1, (int64_t)(details ? 1 : 2), max);
	while ((ret = sql_next_row(h, s, err)) > 0) {
		int64_t build = sqlite3_column_int64(s, 0);

		if (build == except && !details)
			continue;
		ret = delete_build_parts(h, build, details, build != except,
					 err);
		if (ret)
			break;
	}
	sqlite3_finalize(s);
	return ret;
}

/*
 * While there are more than HISTORY_COSTS_MAX costs, delete the costs and units
 * of the least recently built series key other than `key`.
 */
static int delete_excess_costs(struct history *h, int64_t key, struct err *err)
{
	int64_t costs, oldest;
	int ret;

	for (;;) {
		ret = sql_number(h, &costs, err, "SELECT sum(costs) FROM key",
				 "");
		if (ret || costs <= HISTORY_COSTS_MAX)
			return ret;
		ret = sql_number(h, &oldest, err,
				 "SELECT id FROM key WHERE costs > 0 AND id "
				 "!= ?1 ORDER BY last LIMIT 1",
				 "i", key);
		if (ret || !oldest)
			return ret;
		ret = delete_older_parts(h, oldest, false, 0, 0, err);
		if (!ret)
			ret = sql_run(h, err, "DELETE FROM cost WHERE key = ?1",
				      "i", oldest);
		if (!ret)
			ret = sql_run(h, err,
				      "UPDATE key SET costs = 0 WHERE id = ?1",
				      "i", oldest);
		if (ret)
			return ret;
	}
}

/*
 * Condition for a series key to which only builds up to number ?1 belong.
 * key.last covers only builds that have ended, so also search `build` for a
 * running build with this key.  If the key of a running build were deleted,
 * SQLite could assign the id of the key to another series, and the build would
 * then belong to that series.
 */
#define UNUSED_KEY                                                          \
	"last <= ?1 AND NOT EXISTS (SELECT 1 FROM build WHERE build.key = " \
	"key.id AND number > ?1)"

static int delete_old_builds(struct history *h, int64_t until, struct err *err)
{
	static const char *const all[] = {
		"DELETE FROM unit WHERE build <= ?1",
		"DELETE FROM diag_of_build WHERE build <= ?1",
		"DELETE FROM size_of_build WHERE build <= ?1",
		"DELETE FROM node_of_build WHERE build <= ?1",
		"DELETE FROM reason_of_build WHERE build <= ?1",
		"DELETE FROM step_of_build WHERE build <= ?1",
		"DELETE FROM disabled_of_build WHERE build <= ?1",
		"DELETE FROM phase_of_build WHERE build <= ?1",
		"DELETE FROM cost WHERE key IN "
		"(SELECT id FROM key WHERE " UNUSED_KEY ")",
		"DELETE FROM key WHERE " UNUSED_KEY,
		"DELETE FROM build WHERE number <= ?1",
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(all); i++)
		ret = sql_run(h, err, all[i], "i", until);
	return ret;
}

/*
 * Enforce the bounds of db.h in the transaction that writes build `b`.  `key`
 * is the id of its series key, or 0 if it has no series.
 */
static int prune_build(struct history *h, const struct history_build *b,
		       int64_t key, struct err *err)
{
	int64_t baseline, until = 0;
	/*
	 * The units of the baseline remain, because the next build from scratch
	 * predicts its progress from them.
	 */
	int ret = sql_number(h, &baseline, err,
			     "SELECT number FROM build WHERE key = ?1 "
			     "AND " SQL_CAN_BE_BASELINE
			     " ORDER BY number DESC LIMIT 1",
			     "ii", key, (int64_t)HISTORY_STATE_GOOD);

	if (!ret)
		ret = delete_older_parts(h, key, false, HISTORY_UNIT_BUILDS_MAX,
					 baseline, err);
	if (!ret)
		ret = delete_older_parts(
			h, key, true, HISTORY_DETAIL_BUILDS_MAX, baseline, err);
	if (ret)
		return ret;

	/*
	 * A good build from scratch has a unit for every object that still
	 * exists.  Saving a unit stores the number of the build in the unit's
	 * cost, so a cost with an older number belongs to a removed object.
	 * Delete the costs of removed objects, except costs to which a stored
	 * unit of an earlier build can refer.
	 */
	if (key && b->from_scratch && b->state == HISTORY_STATE_GOOD)
		ret = sql_run(h, err,
			      "DELETE FROM cost WHERE key = ?1 AND build < "
			      "(SELECT min(number) FROM build WHERE key = ?1 "
			      "AND kept > 0 AND kept & 2)",
			      "i", key);
	if (!ret && key)
		ret = sql_run(h, err,
			      "UPDATE key SET last = ?2, costs = (SELECT "
			      "count(*) FROM cost WHERE key = ?1) WHERE id = "
			      "?1",
			      "ii", key, b->number);
	if (!ret)
		ret = delete_excess_costs(h, key, err);
	if (ret)
		return ret;

	/* The history can lack numbers below b->number, so count builds. */
	if (b->number > HISTORY_BUILDS_MAX)
		ret = sql_number(h, &until, err,
				 "SELECT number FROM build ORDER BY number "
				 "DESC LIMIT 1 OFFSET ?1",
				 "i", (int64_t)HISTORY_BUILDS_MAX);
	if (!ret && until)
		ret = delete_old_builds(h, until, err);
	if (!ret && b->number % ORPHANS_INTERVAL == 0)
		ret = sql_run(h, err,
			      "DELETE FROM diag WHERE id NOT IN "
			      "(SELECT diag FROM diag_of_build)",
			      "");
	return ret;
}

/* ---- the row of a build ---- */

/* Look up or insert a series key; *id is 0 if `digest` is NULL. */
static int ensure_key_row(struct history *h, const char *digest, int64_t *id,
			  struct err *err)
{
	int ret;

	*id = 0;
	if (!digest)
		return 0;
	ret = sql_run(h, err, "INSERT OR IGNORE INTO key(digest) VALUES(?1)",
		      "t", digest);
	if (!ret)
		ret = sql_number(h, id, err,
				 "SELECT id FROM key WHERE digest = ?1", "t",
				 digest);
	return ret;
}

/*
 * Insert the row of a build.  kfarm chooses b->number before it opens the
 * history for writing, so another build may have used the number meanwhile.  In
 * this case, the row gets the next unused number.
 */
static int insert_build(struct history *h, struct history_build *b, int64_t key,
			struct err *err)
{
	char *boot = process_boot_id();
	int64_t pid = getpid();
	struct buf text = { 0 };
	int ret;

	buf_add_str(&text, "INSERT INTO build(number, key, pid, started, boot, "
			   "state");
	sql_add_columns(&text, &history_build_record);
	buf_add_str(&text,
		    ") VALUES((SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM "
		    "build WHERE number = ?1)), ?2, ?3, ?4, ?5, 0");
	sql_add_parameters(&text, &history_build_record);
	buf_add_str(&text, ")");
	ret = sql_run_members(h, err, buf_str(&text), &history_build_record, b,
			      "nniit", b->number ? b->number : -1,
			      key ? key : -1, pid,
			      (int64_t)process_start_ticks((pid_t)pid), boot);
	if (!ret) {
		b->number = sqlite3_last_insert_rowid(h->db);
		b->recorded = true;
	}
	buf_release(&text);
	free(boot);
	return ret;
}

/* Mark running builds whose process no longer exists as killed. */
static int mark_killed_builds(struct history *h, struct err *err)
{
	char *boot = process_boot_id();
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      "SELECT number, pid, started, boot FROM build "
			      "WHERE state = 0",
			      err);

	while (!ret && (ret = sql_next_row(h, s, err)) > 0) {
		const char *then = (const char *)sqlite3_column_text(s, 3);
		unsigned long long started = (unsigned long long)
			sql_column_count(s, 2);

		ret = 0;
		if (!str_equal(then, boot) || !started ||
		    process_start_ticks((pid_t)sql_column_count(s, 1)) !=
			    started)
			ret = sql_run(h, err,
				      "UPDATE build SET state = ?2 WHERE "
				      "number = ?1",
				      "ii", sqlite3_column_int64(s, 0),
				      (int64_t)HISTORY_STATE_KILLED);
	}
	sqlite3_finalize(s);
	free(boot);
	return ret;
}

/* Commit, or roll back if `ret` is an error or the commit fails. */
static int end_transaction(struct history *h, int ret, struct err *err)
{
	if (!ret)
		ret = sql_script(h, "COMMIT", err);
	if (ret)
		sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

/*
 * Begin a transaction that writes.  Another process can migrate the file while
 * the build runs, so the version is checked again.
 */
static int begin_transaction(struct history *h, struct err *err)
{
	int ret = sql_script(h, "BEGIN IMMEDIATE", err);

	if (ret)
		return ret;
	ret = history_db_check_version(h, err);
	return ret ? end_transaction(h, ret, err) : 0;
}

int history_save_begin(struct history *h, struct history_build *b,
		       struct err *err)
{
	int64_t number = b->number, key;
	int ret = begin_transaction(h, err);

	if (ret)
		return ret;
	ret = mark_killed_builds(h, err);
	if (!ret)
		ret = ensure_key_row(h, b->series_key, &key, err);
	if (!ret)
		ret = insert_build(h, b, key, err);
	ret = end_transaction(h, ret, err);
	if (ret) {
		b->number = number;
		b->recorded = false;
	}
	return ret;
}

/* ---- units ---- */

struct unit_statements {
	struct history *h;
	int64_t key_id, build_number;
	sqlite3_stmt *find, *add_cost, *set_cost, *add;
};

/*
 * Return the FNV-1a hash of both names and the NUL between them.  The database
 * stores these hashes, so the function must never change.
 */
static int64_t hash_names(const char *object, const char *file)
{
	struct buf names = { 0 };
	uint64_t hash;

	buf_add(&names, object, strlen(object) + 1);
	buf_add_str(&names, file);
	hash = bytes_hash(buf_bytes(&names), 0);
	buf_release(&names);
	return (int64_t)hash;
}

static int save_unit(struct unit_statements *w, const struct history_unit *u,
		     struct err *err)
{
	const char *object = u->object ? u->object : "";
	const char *file = u->file ? u->file : "";
	int64_t hash = hash_names(object, file);
	int64_t wall = u->run_ms >= 0 ? u->done_ms - u->run_ms : u->cpu_ms;
	bool has_cost = u->done_ms >= 0 && u->cost_ms >= 0;
	int64_t cost;
	int ret;

	sql_bind(w->find, "iitt", w->key_id, hash, object, file);
	ret = sql_next_row(w->h, w->find, err);
	cost = ret > 0 ? sqlite3_column_int64(w->find, 0) : 0;
	sqlite3_reset(w->find);
	if (ret < 0)
		return ret;
	if (!cost) {
		sql_bind(w->add_cost, "iittnni", w->key_id, hash, object, file,
			 has_cost ? u->cost_ms : -1, has_cost ? wall : -1,
			 w->build_number);
		ret = sql_exec(w->h, w->add_cost, err);
		cost = sqlite3_last_insert_rowid(w->h->db);
	} else {
		sql_bind(w->set_cost, "inni", cost, has_cost ? u->cost_ms : -1,
			 has_cost ? wall : -1, w->build_number);
		ret = sql_exec(w->h, w->set_cost, err);
	}
	if (ret)
		return ret;
	sql_bind(w->add, "iiinnnnnnnniiiti", w->build_number, u->job_number,
		 cost, u->node_index, u->reason_index, u->queued_ms, u->sent_ms,
		 u->run_ms, u->received_ms, u->done_ms, u->cpu_ms, u->n_retries,
		 (int64_t)u->remote, (int64_t)u->cached, u->miss,
		 (int64_t)u->cached_remote);
	return sql_exec(w->h, w->add, err);
}

static int save_units(struct history *h, int64_t key, int64_t build,
		      const struct history_details *d, struct err *err)
{
	struct unit_statements w = { .h = h,
				     .key_id = key,
				     .build_number = build };
	int ret;

	if (!d->n_units)
		return 0;
	ret = sql_prepare(h, &w.find,
			  "SELECT id FROM cost WHERE key = ?1 AND hash = "
			  "?2 AND object = ?3 AND file = ?4",
			  err);
	if (!ret)
		ret = sql_prepare(h, &w.add_cost,
				  "INSERT INTO cost(key, hash, object, file, "
				  "cpu_ms, wall_ms, build) "
				  "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
				  err);
	if (!ret)
		ret = sql_prepare(h, &w.set_cost,
				  "UPDATE cost SET cpu_ms = ifnull(?2, "
				  "cpu_ms), "
				  "wall_ms = ifnull(?3, wall_ms), build = ?4 "
				  "WHERE id = ?1",
				  err);
	if (!ret)
		ret = sql_prepare(h, &w.add,
				  "INSERT OR REPLACE INTO unit VALUES(?1, ?2, "
				  "?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
				  "?13, ?14, ?15, ?16)",
				  err);
	for (size_t i = 0; !ret && i < d->n_units; i++)
		ret = save_unit(&w, &d->units[i], err);
	sqlite3_finalize(w.find);
	sqlite3_finalize(w.add_cost);
	sqlite3_finalize(w.set_cost);
	sqlite3_finalize(w.add);
	return ret;
}

/* ---- details ---- */

static int save_list(struct history *h, const struct record_member *list,
		     int64_t build, const struct history_details *d,
		     struct err *err)
{
	const char *v = *(char *const *)((const char *)d + list->at);
	size_t n = *(const size_t *)((const char *)d + list->n_at);
	struct buf text = { 0 };
	sqlite3_stmt *s;
	int ret;

	buf_printf(&text, "INSERT OR REPLACE INTO %s(build, n", list->key);
	sql_add_columns(&text, list->of);
	buf_add_str(&text, ") VALUES(?1, ?2");
	sql_add_parameters(&text, list->of);
	buf_add_str(&text, ")");
	ret = sql_prepare(h, &s, buf_str(&text), err);
	for (size_t i = 0; !ret && i < n; i++) {
		sql_bind(s, "ii", build, (int64_t)i);
		sql_bind_members(s, 3, list->of,
				 v + i * list->of->struct_bytes);
		ret = sql_exec(h, s, err);
	}
	sqlite3_finalize(s);
	buf_release(&text);
	return ret;
}

struct diag_statements {
	struct history *h;
	int64_t build_number;
	sqlite3_stmt *find, *add_text, *add;
};

/* Find or insert the row of table `diag` that equal diagnostics share. */
static int find_diag(struct diag_statements *w, const struct history_diag *d,
		     int64_t *id, struct err *err)
{
	const char *const texts[] = { d->tool, d->severity, d->file, d->flag,
				      d->text };
	struct buf all = { 0 };
	struct digest digest;
	struct bytes hash = bytes_of(digest.b, DIAG_DIGEST_BYTES);
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		buf_put_str(&all, texts[i] ? texts[i] : "");
	digest_bytes(buf_bytes(&all), &digest);
	buf_release(&all);
	sql_bind(w->find, "b", &hash);
	ret = sql_next_row(w->h, w->find, err);
	*id = ret > 0 ? sqlite3_column_int64(w->find, 0) : 0;
	sqlite3_reset(w->find);
	if (ret)
		return ret < 0 ? ret : 0;
	sql_bind(w->add_text, "bttttt", &hash, texts[0], texts[1], texts[2],
		 texts[3], texts[4]);
	ret = sql_exec(w->h, w->add_text, err);
	*id = sqlite3_last_insert_rowid(w->h->db);
	return ret;
}

static int save_diags(struct history *h, int64_t build,
		      const struct history_details *d, struct err *err)
{
	struct diag_statements w = { .h = h, .build_number = build };
	int64_t id;
	int ret;

	if (!d->n_diags)
		return 0;
	ret = sql_prepare(h, &w.find, "SELECT id FROM diag WHERE hash = ?1",
			  err);
	if (!ret)
		ret = sql_prepare(h, &w.add_text,
				  "INSERT INTO diag(hash, tool, severity, "
				  "file, flag, text) VALUES(?1, ?2, ?3, ?4, "
				  "?5, ?6)",
				  err);
	if (!ret)
		ret = sql_prepare(h, &w.add,
				  "INSERT OR REPLACE INTO diag_of_build "
				  "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
				  err);
	for (size_t i = 0; !ret && i < d->n_diags; i++) {
		const struct history_diag *one = &d->diags[i];

		ret = find_diag(&w, one, &id, err);
		if (ret)
			break;
		sql_bind(w.add, "iiiinnt", build, (int64_t)i, id,
			 (int64_t)one->status, one->line ? one->line : -1,
			 one->column ? one->column : -1, one->object);
		ret = sql_exec(h, w.add, err);
	}
	sqlite3_finalize(w.find);
	sqlite3_finalize(w.add_text);
	sqlite3_finalize(w.add);
	return ret;
}

/* ---- a finished build ---- */

static int save_all(struct history *h, struct history_build *b,
		    const struct history_details *d, struct err *err)
{
	int64_t kept = 1 | (d->n_units ? 2 : 0);
	struct buf text = { 0 };
	int64_t key;
	int ret = ensure_key_row(h, b->series_key, &key, err);

	if (!ret && !b->recorded)
		ret = insert_build(h, b, key, err);
	/*
	 * A unit refers to a cost, and a cost belongs to a series key, so
	 * without a key no units are saved.
	 */
	if (!ret && key)
		ret = save_units(h, key, b->number, d, err);
	for (int i = 0; !ret && i <= HISTORY_LIST_SIZES; i++)
		ret = save_list(h, &history_lists[i], b->number, d, err);
	if (!ret)
		ret = save_diags(h, b->number, d, err);
	if (ret)
		return ret;

	buf_add_str(&text, "UPDATE build SET (pid, started, boot, state, kept, "
			   "dirty");
	sql_add_columns(&text, &history_result_record);
	buf_add_str(&text, ") = (NULL, NULL, NULL, ?2, ?3, ?4");
	sql_add_parameters(&text, &history_result_record);
	buf_add_str(&text, ") WHERE number = ?1");
	ret = sql_run_members(h, err, buf_str(&text), &history_result_record, b,
			      "iiii", b->number, (int64_t)b->state, kept,
			      (int64_t)b->dirty);
	buf_release(&text);
	return ret ? ret : prune_build(h, b, key, err);
}

int history_save_end(struct history *h, struct history_build *b,
		     const struct history_details *d, struct err *err)
{
	int64_t number = b->number, n_free;
	bool recorded = b->recorded;
	struct err ignored;
	int ret = begin_transaction(h, err);

	if (ret)
		return ret;
	ret = end_transaction(h, save_all(h, b, d, err), err);
	if (ret) {
		b->number = number;
		b->recorded = recorded;
		return ret;
	}
	if (!sql_number(h, &n_free, &ignored, "PRAGMA freelist_count", "") &&
	    n_free > FREE_PAGES_RESERVE)
		sql_script(h, "PRAGMA incremental_vacuum(256)", &ignored);
	return 0;
}

int history_save_cancel(struct history *h, struct history_build *b,
			struct err *err)
{
	int ret;

	if (!b->recorded)
		return 0;
	ret = begin_transaction(h, err);
	if (ret)
		return ret;
	ret = sql_run(h, err, "DELETE FROM build WHERE number = ?1", "i",
		      b->number);
	ret = end_transaction(h, ret, err);
	if (!ret)
		b->recorded = false;
	return ret;
}
