/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"
#include "base/vec.h"
#include "history/read.h"
#include "history/sql.h"

#include <stdlib.h>

static const char *const how_words[] = {
	[HISTORY_NEW] = "new",         [HISTORY_SAME] = "same",
	[HISTORY_CARRIED] = "carried", [HISTORY_GONE] = "gone",
	[HISTORY_FIRST] = "first",
};

const char *history_how_word(enum history_how how)
{
	return how_words[how];
}

enum history_how history_how_parse(const char *word)
{
	enum history_how how = 0;

	while (how < HISTORY_FIRST && !str_equal(word, how_words[how]))
		how++;
	return how;
}

/* ---- release ---- */

static void release_nodes(struct history_details *d)
{
	for (size_t i = 0; i < d->n_nodes; i++) {
		free(d->node[i].name);
		free(d->node[i].machine);
		free(d->node[i].state);
		free(d->node[i].reason);
	}
	free(d->node);
	d->node = NULL;
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
		free(d->phase[i].name);
	free(d->phase);
	d->phase = NULL;
	d->n_phases = 0;
}

static void release_units(struct history_details *d)
{
	for (size_t i = 0; i < d->n_units; i++) {
		free(d->unit[i].object);
		free(d->unit[i].file);
	}
	free(d->unit);
	d->unit = NULL;
	d->n_units = 0;
}

static void release_sizes(struct history_details *d)
{
	for (size_t i = 0; i < d->n_sizes; i++)
		free(d->size[i].name);
	free(d->size);
	d->size = NULL;
	d->n_sizes = 0;
}

static void release_diags(struct history_details *d)
{
	for (size_t i = 0; i < d->n_diags; i++) {
		free(d->diag[i].tool);
		free(d->diag[i].severity);
		free(d->diag[i].file);
		free(d->diag[i].flag);
		free(d->diag[i].text);
		free(d->diag[i].object);
	}
	free(d->diag);
	d->diag = NULL;
	d->n_diags = 0;
}

void history_details_release(struct history_details *d)
{
	release_nodes(d);
	release_reasons(&d->reason, &d->n_reasons);
	release_reasons(&d->step_reason, &d->n_step_reasons);
	release_phases(d);
	release_units(d);
	release_sizes(d);
	release_diags(d);
}

/* ---- read ---- */

/* All rows of a statement about a build. */
static int take_rows(struct history *h, const char *text, int64_t build,
		     void (*take)(struct history_details *d, sqlite3_stmt *s),
		     struct history_details *d, struct err *err)
{
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s, text, err);

	if (ret)
		return ret;
	sql_bind(s, "i", build);
	while ((ret = sql_row(h, s, err)) > 0)
		take(d, s);
	sqlite3_finalize(s);
	return ret;
}

static void take_node(struct history_details *d, sqlite3_stmt *s)
{
	struct history_node *n = VEC_ADD(d->node, d->n_nodes);

	n->name = sql_text(s, 0);
	n->machine = sql_text(s, 1);
	n->state = sql_text(s, 2);
	n->reason = sql_text(s, 3);
	n->slots = sql_known(s, 4);
	n->jobs = sql_count(s, 5);
	n->failed = sql_count(s, 6);
	n->retries = sql_count(s, 7);
	n->cpu_ms = sql_count(s, 8);
	n->sent = sql_count(s, 9);
	n->received = sql_count(s, 10);
	/* Of a damaged row. */
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
			 build, take_node, d, err);
}

static void fill_reason(struct history_reason *r, sqlite3_stmt *s)
{
	r->text = sql_text(s, 0);
	r->jobs = sql_count(s, 1);
	if (!r->text)
		r->text = xstrdup("");
}

static void take_reason(struct history_details *d, sqlite3_stmt *s)
{
	fill_reason(VEC_ADD(d->reason, d->n_reasons), s);
}

static void take_step_reason(struct history_details *d, sqlite3_stmt *s)
{
	fill_reason(VEC_ADD(d->step_reason, d->n_step_reasons), s);
}

int history_read_reasons(struct history *h, int64_t build,
			 struct history_details *d, struct err *err)
{
	release_reasons(&d->reason, &d->n_reasons);
	return take_rows(h,
			 "SELECT text, jobs FROM reason_of_build WHERE build "
			 "= ?1 ORDER BY n",
			 build, take_reason, d, err);
}

int history_read_step_reasons(struct history *h, int64_t build,
			      struct history_details *d, struct err *err)
{
	release_reasons(&d->step_reason, &d->n_step_reasons);
	return take_rows(h,
			 "SELECT text, steps FROM step_of_build WHERE build "
			 "= ?1 ORDER BY n",
			 build, take_step_reason, d, err);
}

static void take_phase(struct history_details *d, sqlite3_stmt *s)
{
	struct history_phase *p = VEC_ADD(d->phase, d->n_phases);

	p->name = sql_text(s, 0);
	p->at_ms = sql_count(s, 1);
	p->ms = sql_count(s, 2);
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
			 build, take_phase, d, err);
}

/* An index of a list of `n`, -1 where it is none. */
static int64_t index_below(sqlite3_stmt *s, int column, size_t n)
{
	int64_t i = sql_known(s, column);

	return i < (int64_t)n ? i : -1;
}

static void take_unit(struct history_details *d, sqlite3_stmt *s)
{
	struct history_unit *u = VEC_ADD(d->unit, d->n_units);

	u->job = sql_count(s, 0);
	u->object = sql_text(s, 1);
	u->file = sql_text(s, 2);
	u->node = index_below(s, 3, d->n_nodes);
	u->reason = index_below(s, 4, d->n_reasons);
	u->queued_ms = sql_known(s, 5);
	u->sent_ms = sql_known(s, 6);
	u->run_ms = sql_known(s, 7);
	u->received_ms = sql_known(s, 8);
	u->done_ms = sql_known(s, 9);
	u->cpu_ms = sql_known(s, 10);
	u->retries = sql_count(s, 11);
	u->remote = sql_count(s, 12);
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
			 build, take_unit, d, err);
}

static void take_size(struct history_details *d, sqlite3_stmt *s)
{
	struct history_size *z = VEC_ADD(d->size, d->n_sizes);

	z->name = sql_text(s, 0);
	z->text = sql_count(s, 1);
	z->data = sql_count(s, 2);
	z->bss = sql_count(s, 3);
	z->file = sql_count(s, 4);
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
			 build, take_size, d, err);
}

static void take_diag(struct history_details *d, sqlite3_stmt *s)
{
	struct history_diag *to = VEC_ADD(d->diag, d->n_diags);
	int64_t how = sql_count(s, 8);

	to->tool = sql_text(s, 0);
	to->severity = sql_text(s, 1);
	to->file = sql_text(s, 2);
	to->flag = sql_text(s, 3);
	to->text = sql_text(s, 4);
	to->object = sql_text(s, 5);
	to->line = sql_count(s, 6);
	to->column = sql_count(s, 7);
	to->how = how < HISTORY_HOWS ? (enum history_how)how : HISTORY_FIRST;
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
			 build, take_diag, d, err);
}
