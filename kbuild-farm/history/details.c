/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"
#include "base/vec.h"
#include "history/read.h"
#include "history/sql.h"

#include <stdlib.h>

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

/* ---- release ---- */

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

/* ---- read ---- */

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

int history_read_nodes(struct history *h, int64_t build,
		       struct history_details *d, struct err *err)
{
	release_nodes(d);
	return take_rows(h,
			 "SELECT name, machine, state, reason, slots, jobs, "
			 "failed, retries, cpu_ms, sent, received FROM "
			 "node_of_build WHERE build = ?1 ORDER BY n",
			 build, read_node_row, d, err);
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

int history_read_reasons(struct history *h, int64_t build,
			 struct history_details *d, struct err *err)
{
	release_reasons(&d->reasons, &d->n_reasons);
	return take_rows(h,
			 "SELECT text, jobs FROM reason_of_build WHERE build "
			 "= ?1 ORDER BY n",
			 build, read_reason_row, d, err);
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
 * Return a column that contains an index, or -1 if the index is not below `n`.
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
	int ret = history_read_nodes(h, build, d, err);

	if (!ret)
		ret = history_read_reasons(h, build, d, err);
	release_units(d);
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
