/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/row.h - a node as a row of a table, and what is known of it besides.
 */
#ifndef UI_ROW_H
#define UI_ROW_H

#include "ui/canvas.h"
#include "ui/model.h"

#define UI_ROW_IDLE_MS (10 * 1000) /* without a job: a node stands out */
#define UI_ROW_HOT     85000 /* thousandths of a degree Celsius */
#define UI_ROW_SLOW    950 /* thousandths of the full clock: throttled */
#define UI_ROW_LONG    10 /* times the mean: a job stands out */

enum ui_column {
	UI_COLUMN_NAME,
	UI_COLUMN_STATE,
	UI_COLUMN_DONE,
	UI_COLUMN_FAILED,
	UI_COLUMN_RETRIED,
	UI_COLUMN_SLOTS,
	UI_COLUMN_MEAN,
	UI_COLUMN_IN, /* bytes to the node */
	UI_COLUMN_OUT, /* from it */
	UI_COLUMN_LOAD,
	UI_COLUMN_HEAT,
	UI_COLUMN_NOTE, /* what is to be said of it */

	UI_COLUMNS, /* how many */
};

/* The columns of a table, 0: there is no room for that one. */
struct ui_columns {
	unsigned width[UI_COLUMNS];
};

/* "done", "name" ... */
const char *ui_column_name(enum ui_column column);

/* For a table so wide, of nodes with names and numbers of slots up to these. */
void ui_columns_fit(struct ui_columns *c, unsigned columns, size_t name,
		    size_t slots);
/* Their titles, that of `sort` with an arrow. */
void ui_columns_put(const struct ui_columns *c, const struct ui_area *a,
		    unsigned row, enum ui_column sort, bool down);

/* What a row is drawn with. */
struct ui_row {
	const struct ui_columns *columns;
	const struct ui_area *area;
	const struct ui_model *model;
	uint64_t now; /* as in ui/model.h */
	bool works; /* the farm has work: who has none stands out */
};

/* The node itself. */
void ui_row_put(const struct ui_row *r, unsigned row, const struct ui_node *n);
/*
 * The lines below it, from 0: what machine it is, then its slots; how many
 * these are.
 */
void ui_row_put_below(const struct ui_row *r, unsigned row,
		      const struct ui_node *n, unsigned line);
unsigned ui_row_below(const struct ui_model *m, const struct ui_node *n);

/* How many slots it has, as far as known, or as were in use. */
unsigned ui_row_slots(const struct ui_model *m, const struct ui_node *n);
/* A job in a slot, or what else is there: "run 3.2s kernel/fork.c". */
void ui_row_put_job(const struct ui_area *a, unsigned row, unsigned column,
		    const struct ui_job *j, uint64_t now);
/*
 * Is there work for nodes, or was there some seconds ago?  While the kernel is
 * linked there is not, and a node without a job is no fault.
 */
bool ui_row_works(const struct ui_model *m, uint64_t now);
/* Is it up and without a job so long that it stands out? */
bool ui_row_idle(const struct ui_node *n, uint64_t now);

#endif
