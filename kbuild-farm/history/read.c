/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/read.h"

#include "base/fs.h"
#include "base/process.h"
#include "base/str.h"
#include "base/vec.h"
#include "history/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Time to wait for a lock before history_last_number() returns 0.  A build also
 * waits at its start and its end (recorder.c), in total for about a second.
 */
#define NUMBER_WAIT_MS 50

void history_build_copy(struct history_build *to,
			const struct history_build *from)
{
	*to = *from;
	for (size_t i = 0; i < history_build_record.n_members; i++) {
		const struct record_member *m =
			&history_build_record.members[i];
		char **text = (char **)((char *)to + m->at);

		if (m->kind == RECORD_IS_STRING && *text)
			*text = xstrdup(*text);
	}
	to->cause = from->cause ? xstrdup(from->cause) : NULL;
}

void history_build_release(struct history_build *b)
{
	free(b->cause);
	record_release(&history_build_record, b);
}

/*
 * Prepare a query of builds, whose rows read_build_row() reads.  `rest` is the
 * SQL text after "FROM build".
 */
static int prepare_build_query(struct history *h, sqlite3_stmt **s,
			       const char *rest, struct err *err)
{
	struct buf text = { 0 };
	int ret;

	buf_add_str(&text,
		    "SELECT number, (SELECT digest FROM key WHERE id = "
		    "build.key), state, pid, started, boot, kept, "
		    "(SELECT min(number) FROM build AS next WHERE next.output "
		    "= build.output AND next.number > build.number)");
	sql_add_columns(&text, &history_build_record);
	sql_add_columns(&text, &history_result_record);
	buf_printf(&text, " FROM build %s", rest);
	ret = sql_prepare(h, s, buf_str(&text), err);
	buf_release(&text);
	return ret;
}

/* A build in state RUNNING whose process no longer exists was killed. */
static enum history_state read_build_state(sqlite3_stmt *s)
{
	int64_t state = sqlite3_column_int64(s, 2);
	unsigned long long started = (unsigned long long)sql_column_count(s, 4);
	char *boot;
	bool runs;

	if (state > 0 && state < HISTORY_N_STATES)
		return (enum history_state)state;
	boot = process_boot_id();
	runs = state == HISTORY_STATE_RUNNING && started &&
	       str_equal((const char *)sqlite3_column_text(s, 5), boot) &&
	       process_start_ticks((pid_t)sql_column_count(s, 3)) == started;
	free(boot);
	return runs ? HISTORY_STATE_RUNNING : HISTORY_STATE_KILLED;
}

static void read_build_row(struct history_build *b, sqlite3_stmt *s)
{
	int64_t kept = sql_column_count(s, 6);
	int column;

	*b = (struct history_build){
		.number = sqlite3_column_int64(s, 0),
		.recorded = true,
		.series_key = sql_column_text(s, 1),
		.state = read_build_state(s),
		.has_details = kept & 1,
		.has_units = kept & 2,
		.output_successor = sql_column_count(s, 7),
	};
	column = sql_read_members(s, 8, &history_build_record, b);
	sql_read_members(s, column, &history_result_record, b);
	/* Older versions recorded a command with status 101 as good. */
	if (b->state == HISTORY_STATE_GOOD && b->status && !history_has_log(b))
		b->state = HISTORY_STATE_FAILED;
	b->n_jobs = b->n_remote + b->n_local + b->n_cached;
}

/* Read the first row of a bound statement and finalize the statement. */
static int read_first_build(struct history *h, sqlite3_stmt *s,
			    struct history_build *out, struct err *err)
{
	int ret = sql_next_row(h, s, err);

	if (ret > 0)
		read_build_row(out, s);
	sqlite3_finalize(s);
	return ret < 0 ? ret : ret ? 0 : -ENOENT;
}

int64_t history_last_number(void)
{
	char *path = history_db_path();
	struct history *h = NULL;
	struct err ignored;
	int64_t last = 0;

	if (!history_db_open_at(&h, path, HISTORY_MODE_READ, NUMBER_WAIT_MS,
				&ignored))
		sql_number(h, &last, &ignored,
			   "SELECT seq FROM sqlite_sequence WHERE "
			   "name = 'build'",
			   "");
	history_db_close(h);
	free(path);
	return last;
}

int history_build_find(struct history *h, int64_t number,
		       struct history_build *out, struct err *err)
{
	sqlite3_stmt *s;
	int ret = prepare_build_query(h, &s,
				      number ? "WHERE number = ?1" :
					       "ORDER BY number DESC LIMIT 1",
				      err);

	*out = (struct history_build){ 0 };
	if (ret)
		return ret;
	if (number)
		sql_bind(s, "i", number);
	ret = read_first_build(h, s, out, err);
	if (ret == -ENOENT && number)
		err_set(err, ENOENT,
			"no build %lld in the history; `kfarm history` "
			"lists the builds",
			(long long)number);
	else if (ret == -ENOENT)
		err_set(err, ENOENT, "no builds in the history");
	return ret;
}

int history_build_find_output(struct history *h, const char *output,
			      struct history_build *out, struct err *err)
{
	sqlite3_stmt *s;
	int ret = prepare_build_query(h, &s,
				      "WHERE output IN (?1, ?2) ORDER BY "
				      "number DESC LIMIT 1",
				      err);
	char *real;

	*out = (struct history_build){ 0 };
	if (ret)
		return ret;
	real = fs_canonical_path(output);
	sql_bind(s, "tt", output, real);
	ret = read_first_build(h, s, out, err);
	free(real);
	if (ret == -ENOENT)
		err_set(err, ENOENT,
			"no build in the history has the output directory %s",
			output);
	return ret;
}

/*
 * Find the last build before `b` in the same series that matches the SQL
 * expression `condition`.
 */
static int find_earlier_build(struct history *h, const struct history_build *b,
			      const char *condition, struct history_build *out,
			      struct err *err)
{
	char *rest = xasprintf("WHERE key = (SELECT id FROM key WHERE digest = "
			       "?1) AND number < ?2 AND %s ORDER BY number "
			       "DESC LIMIT 1",
			       condition);
	sqlite3_stmt *s;
	int ret = prepare_build_query(h, &s, rest, err);

	free(rest);
	*out = (struct history_build){ 0 };
	if (ret)
		return ret;
	sql_bind(s, "ti", b->series_key, b->number ? b->number : INT64_MAX);
	ret = read_first_build(h, s, out, err);
	if (ret == -ENOENT)
		err_set(err, ENOENT,
			"no earlier build of the same series in the history");
	return ret;
}

int history_build_find_baseline(struct history *h,
				const struct history_build *b,
				struct history_build *out, struct err *err)
{
	return find_earlier_build(h, b, "state BETWEEN 1 AND 2", out, err);
}

int history_build_find_sized(struct history *h, const struct history_build *b,
			     struct history_build *out, struct err *err)
{
	return find_earlier_build(h, b,
				  "state = 1 AND EXISTS (SELECT 1 FROM "
				  "size_of_build WHERE build = number)",
				  out, err);
}

/* ---- lists ---- */

/*
 * The query compares suffixes and prefixes with substr(), because LIKE would
 * treat "_" and "%" in names as wildcards.
 */
static const char filtered_builds_query[] =
	"WHERE (?1 IS NULL OR tree IN (?1, ?8) OR source IN (?1, ?8) OR"
	" substr(tree, -length(?1) - 1) = '/' || ?1)"
	" AND (?2 IS NULL OR arch = ?2) AND (?3 IS NULL OR config = ?3 OR"
	" substr(config, 1, length(?3) + 1) = ?3 || '+')"
	" AND (?4 IS NULL OR toolchain = ?4 OR toolchain_id = ?4 OR"
	" substr(toolchain, 1, length(?4) + 1) = ?4 || '-' OR"
	" substr(toolchain, 1, length(?4) + 1) = ?4 || '.')"
	" AND (?5 IS NULL OR key = (SELECT id FROM key WHERE digest ="
	" ?5)) AND (?6 = 0 OR began_s >= ?6) AND (?7 < 0 OR state = ?7 OR"
	" state = 0 OR tree IS NULL) ORDER BY number DESC";

/*
 * Set the query's parameters ?1 and ?8 for `tree`, a name or the path of a
 * source directory.  *path (?8) is the canonical path, or NULL for a name.
 * *name (?1) is the absolute path if the path exists, because an older kfarm
 * may have recorded this path.  Otherwise *name is `tree` without trailing
 * slashes.  The caller frees both.
 */
static void resolve_tree(const char *tree, char **name, char **path)
{
	size_t n = tree ? strlen(tree) : 0;
	char *given;

	*name = *path = NULL;
	if (!tree)
		return;
	while (n > 1 && tree[n - 1] == '/')
		n--;
	*name = given = xstrndup(tree, n);
	if (!strchr(tree, '/') && strcmp(tree, ".") && strcmp(tree, ".."))
		return;
	*path = fs_canonical_path(given);
	if (fs_exists(given)) {
		*name = fs_make_absolute(given);
		free(given);
	}
}

int history_build_list(struct history *h, const struct history_filter *f,
		       history_build_fn *on_build, void *ctx, struct err *err)
{
	struct history_build b;
	char *name, *path;
	unsigned given = 0;
	sqlite3_stmt *s;
	int ret = prepare_build_query(h, &s, filtered_builds_query, err);

	if (ret)
		return ret;
	resolve_tree(f->tree, &name, &path);
	sql_bind(s, "tttttiit", name, f->arch, f->config, f->toolchain,
		 f->series_key, f->since_s, (int64_t)f->state, path);
	while ((!f->max_builds || given < f->max_builds) &&
	       (ret = sql_next_row(h, s, err)) > 0) {
		read_build_row(&b, s);
		/*
		 * The stored state of a killed build can still be "running",
		 * and that of a failed command can be "good", so check the
		 * state that read_build_row() determined.
		 */
		ret = 0;
		if (f->state < 0 || (int)b.state == f->state) {
			given++;
			ret = on_build(ctx, &b);
		}
		history_build_release(&b);
		if (ret)
			break;
	}
	sqlite3_finalize(s);
	free(path);
	free(name);
	return ret;
}

/* ---- details ---- */

void history_details_release(struct history_details *d)
{
	for (int i = 0; i < HISTORY_N_LISTS; i++)
		record_list_release(&history_lists[i], d);
}

/* Read a list of a build.  `rest` is the SQL text after the table's name. */
static int read_list(struct history *h, enum history_list which,
		     const char *rest, int64_t build, struct history_details *d,
		     struct err *err)
{
	const struct record_member *list = &history_lists[which];
	struct buf text = { 0 };
	sqlite3_stmt *s;
	int ret;

	record_list_release(list, d);
	buf_add_str(&text, "SELECT build");
	sql_add_columns(&text, list->of);
	buf_printf(&text, " FROM %s %s", list->key, rest);
	ret = sql_prepare(h, &s, buf_str(&text), err);
	buf_release(&text);
	if (ret)
		return ret;
	sql_bind(s, "i", build);
	while ((ret = sql_next_row(h, s, err)) > 0)
		sql_read_members(s, 1, list->of, record_list_add(list, d));
	sqlite3_finalize(s);
	return ret;
}

int history_read_step_reasons(struct history *h, int64_t build,
			      struct history_details *d, struct err *err)
{
	return read_list(h, HISTORY_LIST_STEP_REASONS,
			 "WHERE build = ?1 ORDER BY n", build, d, err);
}

int history_read_disabled(struct history *h, int64_t build,
			  struct history_details *d, struct err *err)
{
	return read_list(h, HISTORY_LIST_DISABLED,
			 "WHERE build = ?1 ORDER BY n", build, d, err);
}

int history_read_phases(struct history *h, int64_t build,
			struct history_details *d, struct err *err)
{
	return read_list(h, HISTORY_LIST_PHASES, "WHERE build = ?1 ORDER BY n",
			 build, d, err);
}

int history_read_units(struct history *h, int64_t build,
		       struct history_details *d, struct err *err)
{
	/*
	 * Units refer to nodes and reasons by index, so read the nodes and
	 * reasons as well.
	 */
	int ret = read_list(h, HISTORY_LIST_NODES,
			    "WHERE build = ?1 ORDER BY n", build, d, err);

	if (!ret)
		ret = read_list(h, HISTORY_LIST_REASONS,
				"WHERE build = ?1 ORDER BY n", build, d, err);
	if (!ret)
		ret = read_list(h, HISTORY_LIST_UNITS,
				"LEFT JOIN (SELECT id, object, file FROM cost) "
				"ON id = cost WHERE build = ?1 ORDER BY job",
				build, d, err);
	for (size_t i = 0; i < d->n_units; i++) {
		struct history_unit *u = &d->units[i];

		if (u->node_index >= (int64_t)d->n_nodes)
			u->node_index = -1;
		if (u->reason_index >= (int64_t)d->n_reasons)
			u->reason_index = -1;
	}
	return ret;
}

int history_read_sizes(struct history *h, int64_t build,
		       struct history_details *d, struct err *err)
{
	return read_list(h, HISTORY_LIST_SIZES, "WHERE build = ?1 ORDER BY n",
			 build, d, err);
}

int history_read_diags(struct history *h, int64_t build,
		       struct history_details *d, struct err *err)
{
	return read_list(h, HISTORY_LIST_DIAGS,
			 "LEFT JOIN diag ON diag.id = diag WHERE build = ?1 "
			 "ORDER BY how, n",
			 build, d, err);
}

/* ---- compile times ---- */

static int load_baseline(struct history *h, const char *key,
			 struct history_costs *out, struct err *err)
{
	int64_t number;
	sqlite3_stmt *s;
	int ret = sql_number(h, &number, err,
			     "SELECT number FROM build WHERE key = (SELECT id "
			     "FROM key WHERE digest = ?1) "
			     "AND " SQL_CAN_BE_BASELINE
			     " ORDER BY number DESC LIMIT 1",
			     "ti", key, (int64_t)HISTORY_STATE_GOOD);

	if (ret || !number)
		return ret;
	ret = history_build_find(h, number, &out->baseline, err);
	if (!ret)
		ret = sql_prepare(h, &s,
				  "SELECT done_ms, cpu_ms FROM unit WHERE "
				  "build = ?1 AND done_ms NOT NULL AND cpu_ms "
				  "NOT NULL ORDER BY done_ms",
				  err);
	if (ret)
		return ret;
	sql_bind(s, "i", number);
	while ((ret = sql_next_row(h, s, err)) > 0)
		*VEC_ADD(out->completions,
			 out->n_completions) = (struct history_completion){
			sql_column_count(s, 0), sql_column_count(s, 1)
		};
	sqlite3_finalize(s);
	return ret;
}

/*
 * SQL condition for a row of `key`: the series has a cost with a CPU time.  A
 * row in `cost` can lack times if the outputs of its unit came from the result
 * cache.
 */
#define SQL_HAS_COST                                                          \
	"EXISTS (SELECT 1 FROM cost WHERE cost.key = key.id AND cost.cpu_ms " \
	"NOT NULL)"

int history_costs_load(struct history *h, const char *series_key,
		       const char *arch, struct history_costs *out,
		       struct err *err)
{
	struct buf names = { 0 };
	const char *name;
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      "SELECT object, file, cpu_ms, wall_ms FROM cost "
			      "WHERE id IN (SELECT id FROM cost WHERE key = "
			      "coalesce((SELECT id FROM key WHERE digest = ?1 "
			      "AND " SQL_HAS_COST "), (SELECT id FROM key "
			      "WHERE id IN (SELECT key FROM build WHERE arch = "
			      "?2) AND " SQL_HAS_COST " ORDER BY costs DESC, "
			      "last DESC LIMIT 1))) AND cpu_ms NOT NULL",
			      err);

	*out = (struct history_costs){ 0 };
	if (ret)
		return ret;
	sql_bind(s, "tt", series_key, arch);
	while ((ret = sql_next_row(h, s, err)) > 0) {
		struct history_cost *c = VEC_ADD(out->costs, out->n_costs);

		for (int i = 0; i < 2; i++) {
			name = (const char *)sqlite3_column_text(s, i);
			buf_add(&names, name ? name : "",
				(name ? strlen(name) : 0) + 1);
		}
		c->cpu_ms = sql_column_count(s, 2);
		c->wall_ms = sql_column_count(s, 3);
	}
	sqlite3_finalize(s);

	/* The arrays no longer grow, so pointers into them remain valid. */
	out->strings = buf_steal(&names);
	name = out->strings;
	for (size_t i = 0; i < out->n_costs; i++) {
		struct history_cost *c = &out->costs[i];

		c->object = name;
		name += strlen(name) + 1;
		c->file = name;
		name += strlen(name) + 1;
		map_add(&out->by_object, &c->entry,
			map_hash(bytes_str(c->object)));
	}
	return ret ? ret : load_baseline(h, series_key, out, err);
}

void history_costs_release(struct history_costs *c)
{
	map_release(&c->by_object);
	free(c->costs);
	free(c->completions);
	free(c->strings);
	history_build_release(&c->baseline);
	*c = (struct history_costs){ 0 };
}

const struct history_cost *history_cost_find(const struct history_costs *c,
					     const char *object)
{
	struct map_entry *n = map_find(&c->by_object,
				       map_hash(bytes_str(object)));

	while (n && strcmp(((struct history_cost *)n)->object, object))
		n = map_next_match(n);
	return (struct history_cost *)n;
}
