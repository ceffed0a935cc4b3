/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/save.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/process.h"
#include "base/str.h"
#include "history/prune.h"
#include "history/sql.h"

#include <stdlib.h>
#include <unistd.h>

#define HASH_SIZE 16 /* of a diagnostic's digest */

/* ---- the build's own row ---- */

/* Its id; 0 for a build without a key. */
static int need_key(struct history *h, const char *digest, int64_t *id,
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

/* What is known when it begins. */
static int insert_build(struct history *h, struct history_build *b, int64_t key,
			struct err *err)
{
	char *boot = process_boot();
	int64_t pid = getpid();
	int ret = sql_run(
		h, err,
		"INSERT INTO build(key, state, pid, started, boot, what, arch,"
		" config, toolchain, toolchain_id, tree, source, dir, output,"
		" commit_id, release, fresh, began_s, make_jobs, local_slots)"
		" VALUES(?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
		" ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
		"niittttttttttttiiii", key ? key : -1, pid,
		(int64_t)process_start((pid_t)pid), boot, b->what, b->arch,
		b->config, b->toolchain, b->toolchain_id, b->tree, b->source,
		b->dir, b->output, b->commit, b->release, (int64_t)b->fresh,
		b->began_s, b->make_jobs, b->local_slots);

	if (!ret)
		b->number = sqlite3_last_insert_rowid(h->db);
	free(boot);
	return ret;
}

static int update_build(struct history *h, const struct history_build *b,
			const struct history_details *d, struct err *err)
{
	int64_t kept = 1 | (d->n_units ? 2 : 0);

	return sql_run(
		h, err,
		"UPDATE build SET state = ?2, status = ?3, kept = ?4,"
		" pid = NULL, started = NULL, boot = NULL, dirty = ?5,"
		" wall_ms = ?6, host_ms = ?7, scan_ms = ?8, cpu_ms = ?9,"
		" remote = ?10, local = ?11, retried = ?12, beside = ?13,"
		" warnings = ?14, errors = ?15, new_warnings = ?16,"
		" new_errors = ?17, gone = ?18, steps = ?19, steps_here = ?20"
		" WHERE number = ?1",
		"iiiiiiiiiiiiiiinnnii", b->number, (int64_t)b->state, b->status,
		kept, (int64_t)b->dirty, b->wall_ms, b->host_ms, b->scan_ms,
		b->cpu_ms, b->remote, b->local, b->retried, b->beside,
		b->warnings, b->errors, b->new_warnings, b->new_errors, b->gone,
		b->steps, b->steps_here);
}

/* Is the process of a row that says "running" there no more? */
static bool is_gone(sqlite3_stmt *s, const char *boot)
{
	const char *then = (const char *)sqlite3_column_text(s, 3);
	unsigned long long started = (unsigned long long)sql_count(s, 2);

	return !str_equal(then, boot) || !started ||
	       process_start((pid_t)sql_count(s, 1)) != started;
}

static int settle_killed(struct history *h, struct err *err)
{
	char *boot = process_boot();
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      "SELECT number, pid, started, boot FROM build "
			      "WHERE state = 0",
			      err);

	while (!ret && (ret = sql_row(h, s, err)) > 0)
		ret = is_gone(s, boot) ?
			      sql_run(h, err,
				      "UPDATE build SET state = ?2 WHERE "
				      "number = ?1",
				      "ii", sqlite3_column_int64(s, 0),
				      (int64_t)HISTORY_KILLED) :
			      0;
	sqlite3_finalize(s);
	free(boot);
	return ret;
}

/* Commit or, after an error, undo; `ret` is what came before. */
static int end_transaction(struct history *h, int ret, struct err *err)
{
	if (!ret)
		ret = sql_script(h, "COMMIT", err);
	if (ret)
		sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

int history_save_begin(struct history *h, struct history_build *b,
		       struct err *err)
{
	int64_t key;
	int ret = sql_script(h, "BEGIN IMMEDIATE", err);

	if (ret)
		return ret;
	ret = settle_killed(h, err);
	if (!ret)
		ret = need_key(h, b->key, &key, err);
	if (!ret)
		ret = insert_build(h, b, key, err);
	ret = end_transaction(h, ret, err);
	if (ret)
		b->number = 0;
	return ret;
}

/* ---- units ---- */

struct units {
	struct history *h;
	int64_t key, build;
	sqlite3_stmt *find, *add_cost, *set_cost, *add;
};

static int prepare_units(struct units *w, struct err *err)
{
	int ret = sql_prepare(w->h, &w->find,
			      "SELECT id FROM cost WHERE key = ?1 AND hash = "
			      "?2 AND object = ?3 AND file = ?4",
			      err);

	if (!ret)
		ret = sql_prepare(w->h, &w->add_cost,
				  "INSERT INTO cost(key, hash, object, file, "
				  "cpu_ms, wall_ms, build) "
				  "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
				  err);
	if (!ret)
		ret = sql_prepare(w->h, &w->set_cost,
				  "UPDATE cost SET cpu_ms = ?2, wall_ms = ?3, "
				  "build = ?4 WHERE id = ?1",
				  err);
	if (!ret)
		ret = sql_prepare(w->h, &w->add,
				  "INSERT OR REPLACE INTO unit VALUES(?1, ?2, "
				  "?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
				  "?13)",
				  err);
	return ret;
}

/* Stable: it is in the file. */
static int64_t hash_names(const char *object, const char *file)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (const char *p = object; *p; p++)
		h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	h *= UINT64_C(0x100000001b3);
	for (const char *p = file; *p; p++)
		h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	return (int64_t)h;
}

/* Nothing is learnt from one that did not end, or whose time is not known. */
static bool has_cost(const struct history_unit *u)
{
	return u->done_ms >= 0 && u->cpu_ms >= 0;
}

static int save_cost(struct units *w, const struct history_unit *u, int64_t *id,
		     struct err *err)
{
	const char *object = u->object ? u->object : "";
	const char *file = u->file ? u->file : "";
	int64_t hash = hash_names(object, file);
	int64_t wall = u->run_ms >= 0 ? u->done_ms - u->run_ms : u->cpu_ms;
	int ret;

	sql_bind(w->find, "iitt", w->key, hash, object, file);
	ret = sql_row(w->h, w->find, err);
	*id = ret > 0 ? sqlite3_column_int64(w->find, 0) : 0;
	sqlite3_reset(w->find);
	if (ret < 0)
		return ret;
	if (!*id) {
		sql_bind(w->add_cost, "iittnni", w->key, hash, object, file,
			 has_cost(u) ? u->cpu_ms : -1, has_cost(u) ? wall : -1,
			 w->build);
		ret = sql_step(w->h, w->add_cost, err);
		*id = sqlite3_last_insert_rowid(w->h->db);
	} else if (has_cost(u)) {
		sql_bind(w->set_cost, "inni", *id, u->cpu_ms, wall, w->build);
		ret = sql_step(w->h, w->set_cost, err);
	} else {
		ret = 0;
	}
	return ret;
}

static int save_unit(struct units *w, const struct history_unit *u,
		     struct err *err)
{
	int64_t cost;
	int ret = save_cost(w, u, &cost, err);

	if (ret)
		return ret;
	sql_bind(w->add, "iiinnnnnnnnii", w->build, u->job, cost, u->node,
		 u->reason, u->queued_ms, u->sent_ms, u->run_ms, u->received_ms,
		 u->done_ms, u->cpu_ms, u->retries, (int64_t)u->remote);
	return sql_step(w->h, w->add, err);
}

static int save_units(struct history *h, int64_t key, int64_t build,
		      const struct history_details *d, struct err *err)
{
	struct units w = { .h = h, .key = key, .build = build };
	int ret = d->n_units ? prepare_units(&w, err) : 0;

	for (size_t i = 0; !ret && i < d->n_units; i++)
		ret = save_unit(&w, &d->unit[i], err);
	sqlite3_finalize(w.find);
	sqlite3_finalize(w.add_cost);
	sqlite3_finalize(w.set_cost);
	sqlite3_finalize(w.add);
	return ret;
}

/* ---- what a build has a few of ---- */

static int save_lists(struct history *h, int64_t build,
		      const struct history_details *d, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < d->n_nodes; i++) {
		const struct history_node *n = &d->node[i];

		ret = sql_run(h, err,
			      "INSERT OR REPLACE INTO node_of_build VALUES(?1, "
			      "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
			      "?13)",
			      "iittttniiiiii", build, (int64_t)i, n->name,
			      n->machine, n->state, n->reason, n->slots,
			      n->jobs, n->failed, n->retries, n->cpu_ms,
			      n->sent, n->received);
	}
	for (size_t i = 0; !ret && i < d->n_reasons; i++)
		ret = sql_run(h, err,
			      "INSERT OR REPLACE INTO reason_of_build "
			      "VALUES(?1, ?2, ?3, ?4)",
			      "iiti", build, (int64_t)i, d->reason[i].text,
			      d->reason[i].jobs);
	for (size_t i = 0; !ret && i < d->n_step_reasons; i++)
		ret = sql_run(h, err,
			      "INSERT OR REPLACE INTO step_of_build "
			      "VALUES(?1, ?2, ?3, ?4)",
			      "iiti", build, (int64_t)i, d->step_reason[i].text,
			      d->step_reason[i].jobs);
	for (size_t i = 0; !ret && i < d->n_phases; i++)
		ret = sql_run(h, err,
			      "INSERT OR REPLACE INTO phase_of_build VALUES("
			      "?1, ?2, ?3, ?4, ?5)",
			      "iitii", build, (int64_t)i, d->phase[i].name,
			      d->phase[i].at_ms, d->phase[i].ms);
	return ret;
}

static int save_sizes(struct history *h, int64_t build,
		      const struct history_details *d, struct err *err)
{
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      "INSERT OR REPLACE INTO size_of_build VALUES("
			      "?1, ?2, ?3, ?4, ?5, ?6, ?7)",
			      err);

	for (size_t i = 0; !ret && i < d->n_sizes; i++) {
		const struct history_size *z = &d->size[i];

		sql_bind(s, "iitiiii", build, (int64_t)i, z->name, z->text,
			 z->data, z->bss, z->file);
		ret = sql_step(h, s, err);
	}
	sqlite3_finalize(s);
	return ret;
}

/* ---- diagnostics, each text once ---- */

struct diags {
	struct history *h;
	int64_t build;
	sqlite3_stmt *find, *add_text, *add;
};

static int find_diag(struct diags *w, const struct history_diag *d, int64_t *id,
		     struct err *err)
{
	const char *const texts[] = { d->tool, d->severity, d->file, d->flag,
				      d->text };
	struct buf all = { 0 };
	struct digest digest;
	struct bytes hash = bytes_of(digest.b, HASH_SIZE);
	int ret;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		buf_put_str(&all, texts[i] ? texts[i] : "");
	digest_of(buf_bytes(&all), &digest);
	buf_release(&all);
	sql_bind(w->find, "b", &hash);
	ret = sql_row(w->h, w->find, err);
	*id = ret > 0 ? sqlite3_column_int64(w->find, 0) : 0;
	sqlite3_reset(w->find);
	if (ret)
		return ret < 0 ? ret : 0;
	sql_bind(w->add_text, "bttttt", &hash, texts[0], texts[1], texts[2],
		 texts[3], texts[4]);
	ret = sql_step(w->h, w->add_text, err);
	*id = sqlite3_last_insert_rowid(w->h->db);
	return ret;
}

static int prepare_diags(struct diags *w, struct err *err)
{
	int ret = sql_prepare(w->h, &w->find,
			      "SELECT id FROM diag WHERE hash = ?1", err);

	if (!ret)
		ret = sql_prepare(w->h, &w->add_text,
				  "INSERT INTO diag(hash, tool, severity, "
				  "file, flag, text) VALUES(?1, ?2, ?3, ?4, "
				  "?5, ?6)",
				  err);
	if (!ret)
		ret = sql_prepare(w->h, &w->add,
				  "INSERT OR REPLACE INTO diag_of_build "
				  "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
				  err);
	return ret;
}

static int save_diags(struct history *h, int64_t build,
		      const struct history_details *d, struct err *err)
{
	struct diags w = { .h = h, .build = build };
	int ret = d->n_diags ? prepare_diags(&w, err) : 0;
	int64_t id;

	for (size_t i = 0; !ret && i < d->n_diags; i++) {
		const struct history_diag *one = &d->diag[i];

		ret = find_diag(&w, one, &id, err);
		if (ret)
			break;
		sql_bind(w.add, "iiiinnt", build, (int64_t)i, id,
			 (int64_t)one->how, one->line ? one->line : -1,
			 one->column ? one->column : -1, one->object);
		ret = sql_step(h, w.add, err);
	}
	sqlite3_finalize(w.find);
	sqlite3_finalize(w.add_text);
	sqlite3_finalize(w.add);
	return ret;
}

/* ---- all ---- */

static int save_all(struct history *h, struct history_build *b,
		    const struct history_details *d, struct err *err)
{
	int64_t key;
	int ret = need_key(h, b->key, &key, err);

	if (!ret && !b->number)
		ret = insert_build(h, b, key, err);
	/* Costs are a key's. */
	if (!ret && key)
		ret = save_units(h, key, b->number, d, err);
	if (!ret)
		ret = save_lists(h, b->number, d, err);
	if (!ret)
		ret = save_sizes(h, b->number, d, err);
	if (!ret)
		ret = save_diags(h, b->number, d, err);
	if (!ret)
		ret = update_build(h, b, d, err);
	if (!ret)
		ret = history_prune(h, b, key, err);
	return ret;
}

int history_save_end(struct history *h, struct history_build *b,
		     const struct history_details *d, struct err *err)
{
	int64_t number = b->number;
	int ret = sql_script(h, "BEGIN IMMEDIATE", err);

	if (ret)
		return ret;
	ret = end_transaction(h, save_all(h, b, d, err), err);
	if (ret)
		b->number = number;
	else
		history_prune_pages(h);
	return ret;
}
