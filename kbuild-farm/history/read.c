/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/read.h"

#include "base/fs.h"
#include "base/process.h"
#include "base/str.h"
#include "base/vec.h"
#include "history/sql.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * Time to wait for a lock before history_last_number() returns 0.  A build also
 * waits at its start and its end (recorder.c), in total for about a second.
 */
#define NUMBER_WAIT_MS 50

static const char *const state_words[] = {
	[HISTORY_STATE_RUNNING] = "running",
	[HISTORY_STATE_GOOD] = "good",
	[HISTORY_STATE_FAILED] = "failed",
	[HISTORY_STATE_INTERRUPTED] = "stopped",
	[HISTORY_STATE_KILLED] = "killed",
};

const char *history_state_word(enum history_state state)
{
	return state_words[state];
}

int history_state_parse(const char *word)
{
	for (int i = 0; i < HISTORY_N_STATES; i++) {
		if (!strcmp(word, state_words[i]))
			return i;
	}
	return -1;
}

enum history_output history_output_state(const struct history_build *b)
{
	if (!b->output)
		return HISTORY_OUTPUT_NONE;
	if (b->output_successor)
		return HISTORY_OUTPUT_REPLACED;
	return fs_is_dir(b->output) ? HISTORY_OUTPUT_PRESENT :
				      HISTORY_OUTPUT_REMOVED;
}

const char *history_output_word(enum history_output state)
{
	static const char *const words[] = {
		[HISTORY_OUTPUT_PRESENT] = "present",
		[HISTORY_OUTPUT_REMOVED] = "removed",
		[HISTORY_OUTPUT_REPLACED] = "replaced",
	};

	return words[state];
}

void history_output_add_note(struct buf *out, const struct history_build *b)
{
	enum history_output state = history_output_state(b);

	if (state == HISTORY_OUTPUT_REMOVED)
		buf_add_str(out, " (removed)");
	else if (state == HISTORY_OUTPUT_REPLACED)
		buf_printf(out, " (replaced by build %" PRId64 ")",
			   b->output_successor);
}

/* Return the address of string `i` of a build, or NULL if `i` is too large. */
static char **build_string_at(struct history_build *b, size_t i)
{
	char **const all[] = { &b->series_key, &b->command,   &b->arch,
			       &b->config,     &b->toolchain, &b->toolchain_id,
			       &b->tree,       &b->source,    &b->dir,
			       &b->output,     &b->commit,    &b->release };

	return i < ARRAY_SIZE(all) ? all[i] : NULL;
}

void history_build_copy(struct history_build *to,
			const struct history_build *from)
{
	char **text;

	*to = *from;
	for (size_t i = 0; (text = build_string_at(to, i)); i++)
		*text = *text ? xstrdup(*text) : NULL;
}

void history_build_release(struct history_build *b)
{
	char **text;

	for (size_t i = 0; (text = build_string_at(b, i)); i++)
		free(*text);
	*b = (struct history_build){ 0 };
}

/* read_build_row() refers to these columns by their position. */
#define COLUMNS                                                                \
	"SELECT number, (SELECT digest FROM key WHERE id = build.key), state," \
	" status, pid, started, boot, what, arch, config, toolchain,"          \
	" toolchain_id, tree, source, dir, output, commit_id, release, fresh," \
	" dirty, began_s, wall_ms, host_ms, scan_ms, cpu_ms, make_jobs,"       \
	" local_slots, remote, local, retried, beside, warnings, errors,"      \
	" new_warnings, new_errors, gone, kept, steps, steps_here,"            \
	" (SELECT min(number) FROM build AS next WHERE next.output ="          \
	" build.output AND next.number > build.number) FROM build "

/* A build in state RUNNING whose process no longer exists was killed. */
static enum history_state read_build_state(sqlite3_stmt *s)
{
	int64_t state = sqlite3_column_int64(s, 2);
	unsigned long long started = (unsigned long long)sql_column_count(s, 5);
	char *boot;
	bool runs;

	if (state > 0 && state < HISTORY_N_STATES)
		return (enum history_state)state;
	boot = process_boot_id();
	runs = state == HISTORY_STATE_RUNNING && started &&
	       str_equal((const char *)sqlite3_column_text(s, 6), boot) &&
	       process_start_ticks((pid_t)sql_column_count(s, 4)) == started;
	free(boot);
	return runs ? HISTORY_STATE_RUNNING : HISTORY_STATE_KILLED;
}

static void read_build_row(struct history_build *b, sqlite3_stmt *s)
{
	int64_t kept = sql_column_count(s, 36);

	*b = (struct history_build){
		.number = sqlite3_column_int64(s, 0),
		.recorded = true,
		.series_key = sql_column_text(s, 1),
		.state = read_build_state(s),
		.status = sql_column_count(s, 3),
		.command = sql_column_text(s, 7),
		.arch = sql_column_text(s, 8),
		.config = sql_column_text(s, 9),
		.toolchain = sql_column_text(s, 10),
		.toolchain_id = sql_column_text(s, 11),
		.tree = sql_column_text(s, 12),
		.source = sql_column_text(s, 13),
		.dir = sql_column_text(s, 14),
		.output = sql_column_text(s, 15),
		.commit = sql_column_text(s, 16),
		.release = sql_column_text(s, 17),
		.from_scratch = sql_column_count(s, 18),
		.dirty = sql_column_count(s, 19),
		.start_s = sql_column_count(s, 20),
		.wall_ms = sql_column_count(s, 21),
		.host_ms = sql_column_count(s, 22),
		.scan_ms = sql_column_count(s, 23),
		.cpu_ms = sql_column_count(s, 24),
		.n_make_jobs = sql_column_count(s, 25),
		.n_local_slots = sql_column_count(s, 26),
		.n_remote = sql_column_count(s, 27),
		.n_local = sql_column_count(s, 28),
		.n_retried = sql_column_count(s, 29),
		.n_hedged = sql_column_count(s, 30),
		.n_warnings = sql_column_count(s, 31),
		.n_errors = sql_column_count(s, 32),
		.n_new_warnings = sql_column_known(s, 33),
		.n_new_errors = sql_column_known(s, 34),
		.n_removed_diags = sql_column_known(s, 35),
		.n_steps = sql_column_count(s, 37),
		.n_local_steps = sql_column_count(s, 38),
		.output_successor = sql_column_count(s, 39),
		.has_details = kept & 1,
		.has_units = kept & 2,
	};
	b->n_jobs = (int64_t)((uint64_t)b->n_remote + (uint64_t)b->n_local);
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
	int ret = sql_prepare(h, &s,
			      number ? COLUMNS "WHERE number = ?1" :
				       COLUMNS "ORDER BY number DESC LIMIT 1",
			      err);

	*out = (struct history_build){ 0 };
	if (ret)
		return ret;
	if (number)
		sql_bind(s, "i", number);
	ret = read_first_build(h, s, out, err);
	if (ret == -ENOENT && number)
		err_set(err, ENOENT, "no build %lld in the history",
			(long long)number);
	else if (ret == -ENOENT)
		err_set(err, ENOENT, "no builds in the history");
	return ret;
}

int history_build_find_output(struct history *h, const char *output,
			      struct history_build *out, struct err *err)
{
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      COLUMNS "WHERE output = ?1 ORDER BY number DESC "
				      "LIMIT 1",
			      err);

	*out = (struct history_build){ 0 };
	if (ret)
		return ret;
	sql_bind(s, "t", output);
	ret = read_first_build(h, s, out, err);
	if (ret == -ENOENT)
		err_set(err, ENOENT,
			"no build in the history has the output directory %s",
			output);
	return ret;
}

int history_build_find_baseline(struct history *h,
				const struct history_build *b,
				struct history_build *out, struct err *err)
{
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      COLUMNS "WHERE key = (SELECT id FROM key WHERE "
				      "digest = ?1) AND number < ?2 AND "
				      "state BETWEEN 1 AND 3 ORDER BY number "
				      "DESC LIMIT 1",
			      err);

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

/* ---- lists ---- */

/*
 * The query compares suffixes and prefixes with substr(), because LIKE would
 * treat "_" and "%" in names as wildcards.
 */
static const char filtered_builds_query[] = COLUMNS
	"WHERE (?1 IS NULL OR tree = ?1 OR source = ?1 OR"
	" substr(tree, -length(?1) - 1) = '/' || ?1)"
	" AND (?2 IS NULL OR arch = ?2) AND (?3 IS NULL OR config = ?3)"
	" AND (?4 IS NULL OR toolchain = ?4 OR toolchain_id = ?4 OR"
	" substr(toolchain, 1, length(?4) + 1) = ?4 || '-' OR"
	" substr(toolchain, 1, length(?4) + 1) = ?4 || '.')"
	" AND (?5 IS NULL OR key = (SELECT id FROM key WHERE digest ="
	" ?5)) AND (?6 = 0 OR began_s >= ?6) AND (?7 < 0 OR state = ?7 OR"
	" state = 0) ORDER BY number DESC";

int history_build_list(struct history *h, const struct history_filter *f,
		       history_build_fn *on_build, void *ctx, struct err *err)
{
	struct history_build b;
	unsigned given = 0;
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s, filtered_builds_query, err);

	if (ret)
		return ret;
	sql_bind(s, "tttttii", f->tree, f->arch, f->config, f->toolchain,
		 f->series_key, f->since_s, (int64_t)f->state);
	while ((!f->max_builds || given < f->max_builds) &&
	       (ret = sql_next_row(h, s, err)) > 0) {
		read_build_row(&b, s);
		/*
		 * The stored state of a killed build can still be "running", so
		 * check the state that read_build_row() determined.
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
	return ret;
}

/* ---- diagnostics ---- */

static const char *const diag_status_words[] = {
	[HISTORY_DIAG_NEW] = "new",
	[HISTORY_DIAG_UNCHANGED] = "same",
	[HISTORY_DIAG_CARRIED_OVER] = "carried",
	[HISTORY_DIAG_REMOVED] = "gone",
	[HISTORY_DIAG_NO_BASELINE] = "first",
};

const char *history_diag_status_word(enum history_diag_status how)
{
	return diag_status_words[how];
}

enum history_diag_status history_diag_status_parse(const char *word)
{
	enum history_diag_status how = 0;

	while (how < HISTORY_DIAG_NO_BASELINE &&
	       !str_equal(word, diag_status_words[how]))
		how++;
	return how;
}

/* ---- release of details ---- */

static void release_nodes(struct history_details *d)
{
	for (size_t i = 0; i < d->n_nodes; i++) {
		free(d->nodes[i].name);
		free(d->nodes[i].machine);
		free(d->nodes[i].state);
		free(d->nodes[i].reason);
	}
	free(d->nodes);
	d->nodes = NULL;
	d->n_nodes = 0;
}

static void release_reasons(struct history_reason **v, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free((*v)[i].text);
	free(*v);
	*v = NULL;
	*n = 0;
}

static void release_phases(struct history_details *d)
{
	for (size_t i = 0; i < d->n_phases; i++)
		free(d->phases[i].name);
	free(d->phases);
	d->phases = NULL;
	d->n_phases = 0;
}

static void release_units(struct history_details *d)
{
	for (size_t i = 0; i < d->n_units; i++) {
		free(d->units[i].object);
		free(d->units[i].file);
	}
	free(d->units);
	d->units = NULL;
	d->n_units = 0;
}

static void release_sizes(struct history_details *d)
{
	for (size_t i = 0; i < d->n_sizes; i++)
		free(d->sizes[i].name);
	free(d->sizes);
	d->sizes = NULL;
	d->n_sizes = 0;
}

static void release_diags(struct history_details *d)
{
	for (size_t i = 0; i < d->n_diags; i++) {
		free(d->diags[i].tool);
		free(d->diags[i].severity);
		free(d->diags[i].file);
		free(d->diags[i].flag);
		free(d->diags[i].text);
		free(d->diags[i].object);
	}
	free(d->diags);
	d->diags = NULL;
	d->n_diags = 0;
}

void history_details_release(struct history_details *d)
{
	release_nodes(d);
	release_reasons(&d->reasons, &d->n_reasons);
	release_reasons(&d->step_reasons, &d->n_step_reasons);
	release_phases(d);
	release_units(d);
	release_sizes(d);
	release_diags(d);
}

/* ---- reading of details ---- */

/* Run the query `text` for one build and call take() with every row. */
static int take_rows(struct history *h, const char *text, int64_t build,
		     void (*take)(struct history_details *d, sqlite3_stmt *s),
		     struct history_details *d, struct err *err)
{
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s, text, err);

	if (ret)
		return ret;
	sql_bind(s, "i", build);
	while ((ret = sql_next_row(h, s, err)) > 0)
		take(d, s);
	sqlite3_finalize(s);
	return ret;
}

static void read_node_row(struct history_details *d, sqlite3_stmt *s)
{
	struct history_node *n = VEC_ADD(d->nodes, d->n_nodes);

	n->name = sql_column_text(s, 0);
	n->machine = sql_column_text(s, 1);
	n->state = sql_column_text(s, 2);
	n->reason = sql_column_text(s, 3);
	n->n_slots = sql_column_known(s, 4);
	n->n_jobs = sql_column_count(s, 5);
	n->n_failed = sql_column_count(s, 6);
	n->n_retries = sql_column_count(s, 7);
	n->cpu_ms = sql_column_count(s, 8);
	n->sent_bytes = sql_column_count(s, 9);
	n->received_bytes = sql_column_count(s, 10);
	/* Only a damaged row has no name. */
	if (!n->name)
		n->name = xstrdup("");
}

static void fill_reason_row(struct history_reason *r, sqlite3_stmt *s)
{
	r->text = sql_column_text(s, 0);
	r->n_jobs = sql_column_count(s, 1);
	if (!r->text)
		r->text = xstrdup("");
}

static void read_reason_row(struct history_details *d, sqlite3_stmt *s)
{
	fill_reason_row(VEC_ADD(d->reasons, d->n_reasons), s);
}

static void read_step_reason_row(struct history_details *d, sqlite3_stmt *s)
{
	fill_reason_row(VEC_ADD(d->step_reasons, d->n_step_reasons), s);
}

int history_read_step_reasons(struct history *h, int64_t build,
			      struct history_details *d, struct err *err)
{
	release_reasons(&d->step_reasons, &d->n_step_reasons);
	return take_rows(h,
			 "SELECT text, steps FROM step_of_build WHERE build "
			 "= ?1 ORDER BY n",
			 build, read_step_reason_row, d, err);
}

static void read_phase_row(struct history_details *d, sqlite3_stmt *s)
{
	struct history_phase *p = VEC_ADD(d->phases, d->n_phases);

	p->name = sql_column_text(s, 0);
	p->start_ms = sql_column_count(s, 1);
	p->duration_ms = sql_column_count(s, 2);
	if (!p->name)
		p->name = xstrdup("");
}

int history_read_phases(struct history *h, int64_t build,
			struct history_details *d, struct err *err)
{
	release_phases(d);
	return take_rows(h,
			 "SELECT name, at_ms, ms FROM phase_of_build WHERE "
			 "build = ?1 ORDER BY n",
			 build, read_phase_row, d, err);
}

/*
 * Return a column that contains an index into an array of `n` elements, or -1
 * if the column is NULL or the index is out of range.
 */
static int64_t index_or_none(sqlite3_stmt *s, int column, size_t n)
{
	int64_t i = sql_column_known(s, column);

	return i < (int64_t)n ? i : -1;
}

static void read_unit_row(struct history_details *d, sqlite3_stmt *s)
{
	struct history_unit *u = VEC_ADD(d->units, d->n_units);

	u->job_number = sql_column_count(s, 0);
	u->object = sql_column_text(s, 1);
	u->file = sql_column_text(s, 2);
	u->node_index = index_or_none(s, 3, d->n_nodes);
	u->reason_index = index_or_none(s, 4, d->n_reasons);
	u->queued_ms = sql_column_known(s, 5);
	u->sent_ms = sql_column_known(s, 6);
	u->run_ms = sql_column_known(s, 7);
	u->received_ms = sql_column_known(s, 8);
	u->done_ms = sql_column_known(s, 9);
	u->cpu_ms = sql_column_known(s, 10);
	u->n_retries = sql_column_count(s, 11);
	u->remote = sql_column_count(s, 12);
	if (!u->object)
		u->object = xstrdup("");
	if (!u->file)
		u->file = xstrdup("");
}

int history_read_units(struct history *h, int64_t build,
		       struct history_details *d, struct err *err)
{
	int ret;

	/*
	 * Units refer to nodes and reasons by index, so read the nodes and
	 * reasons as well.
	 */
	release_nodes(d);
	release_reasons(&d->reasons, &d->n_reasons);
	release_units(d);
	ret = take_rows(h,
			"SELECT name, machine, state, reason, slots, jobs, "
			"failed, retries, cpu_ms, sent, received FROM "
			"node_of_build WHERE build = ?1 ORDER BY n",
			build, read_node_row, d, err);
	if (!ret)
		ret = take_rows(h,
				"SELECT text, jobs FROM reason_of_build WHERE "
				"build = ?1 ORDER BY n",
				build, read_reason_row, d, err);
	if (ret)
		return ret;
	return take_rows(h,
			 "SELECT job, object, file, node, reason, queued_ms, "
			 "sent_ms, run_ms, received_ms, done_ms, unit.cpu_ms, "
			 "retries, remote FROM unit LEFT JOIN cost ON cost.id "
			 "= unit.cost WHERE unit.build = ?1 ORDER BY job",
			 build, read_unit_row, d, err);
}

static void read_size_row(struct history_details *d, sqlite3_stmt *s)
{
	struct history_size *z = VEC_ADD(d->sizes, d->n_sizes);

	z->name = sql_column_text(s, 0);
	z->text_bytes = sql_column_count(s, 1);
	z->data_bytes = sql_column_count(s, 2);
	z->bss_bytes = sql_column_count(s, 3);
	z->file_bytes = sql_column_count(s, 4);
	if (!z->name)
		z->name = xstrdup("");
}

int history_read_sizes(struct history *h, int64_t build,
		       struct history_details *d, struct err *err)
{
	release_sizes(d);
	return take_rows(h,
			 "SELECT name, text, data, bss, file FROM "
			 "size_of_build WHERE build = ?1 ORDER BY n",
			 build, read_size_row, d, err);
}

static void read_diag_row(struct history_details *d, sqlite3_stmt *s)
{
	struct history_diag *to = VEC_ADD(d->diags, d->n_diags);
	int64_t how = sql_column_count(s, 8);

	to->tool = sql_column_text(s, 0);
	to->severity = sql_column_text(s, 1);
	to->file = sql_column_text(s, 2);
	to->flag = sql_column_text(s, 3);
	to->text = sql_column_text(s, 4);
	to->object = sql_column_text(s, 5);
	to->line = sql_column_count(s, 6);
	to->column = sql_column_count(s, 7);
	to->status = how < HISTORY_N_DIAG_STATUSES ?
			     (enum history_diag_status)how :
			     HISTORY_DIAG_NO_BASELINE;
	if (!to->text)
		to->text = xstrdup("");
}

int history_read_diags(struct history *h, int64_t build,
		       struct history_details *d, struct err *err)
{
	release_diags(d);
	return take_rows(h,
			 "SELECT tool, severity, file, flag, text, object, "
			 "line, col, how FROM diag_of_build LEFT JOIN diag ON "
			 "diag.id = diag WHERE build = ?1 ORDER BY how, n",
			 build, read_diag_row, d, err);
}

/* ---- compile times ---- */

static int load_baseline(struct history *h, const char *key,
			 struct history_costs *out, struct err *err)
{
	int64_t number;
	sqlite3_stmt *s;
	int ret = sql_number(h, &number, err,
			     "SELECT number FROM build WHERE key = (SELECT id "
			     "FROM key WHERE digest = ?1) AND fresh AND "
			     "state = ?2 ORDER BY number DESC LIMIT 1",
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

int history_costs_load(struct history *h, const char *series_key,
		       struct history_costs *out, struct err *err)
{
	struct buf names = { 0 };
	const char *name;
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      "SELECT object, file, cpu_ms, wall_ms FROM cost "
			      "WHERE id IN (SELECT id FROM cost WHERE key = "
			      "(SELECT id FROM key WHERE digest = ?1)) AND "
			      "cpu_ms NOT NULL",
			      err);

	*out = (struct history_costs){ 0 };
	if (ret)
		return ret;
	sql_bind(s, "t", series_key);
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

	/* Costs and names are complete, so pointers to them remain valid. */
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
