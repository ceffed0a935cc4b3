/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/row.h - Rows of the node table: a node, its properties, its slots.
 */
#ifndef UI_ROW_H
#define UI_ROW_H

#include "ui/canvas.h"
#include "ui/model.h"

#define UI_ROW_IDLE_MS     (10 * 1000) /* time without a job to highlight */
#define UI_ROW_HOT_MILLI   85000 /* thousandths of a degree Celsius */
#define UI_ROW_SLOW_MILLI  950 /* thousandths of the full clock */
#define UI_ROW_LONG_FACTOR 10 /* multiple of the mean time to highlight */

enum ui_column {
	UI_COLUMN_NAME,
	UI_COLUMN_STATE,
	UI_COLUMN_DONE,
	UI_COLUMN_FAILED,
	UI_COLUMN_RETRIED,
	UI_COLUMN_SLOTS,
	UI_COLUMN_MEAN,
	UI_COLUMN_SENT, /* bytes sent to the node */
	UI_COLUMN_RECEIVED, /* bytes received from it */
	UI_COLUMN_LOAD,
	UI_COLUMN_TEMPERATURE,
	UI_COLUMN_NOTE,

	UI_COLUMNS, /* the number of columns */
};

/* Widths of the columns; 0 for those without room. */
struct ui_columns {
	unsigned widths[UI_COLUMNS];
};

/* Return the name of a column for messages ("jobs done"). */
const char *ui_column_name(enum ui_column column);

/* Compute the widths for the longest name and the largest number of slots. */
void ui_columns_fit(struct ui_columns *c, unsigned columns, size_t name_width,
		    size_t max_slots);
/* Draw the titles, with an arrow at the column `sort`. */
void ui_columns_put_titles(const struct ui_columns *c, const struct ui_area *a,
			   unsigned row, enum ui_column sort, bool descending);

/* Context for drawing rows. */
struct ui_row {
	const struct ui_columns *columns;
	const struct ui_area *area;
	const struct ui_model *model;
	uint64_t now; /* as in ui/model.h */
	bool has_work; /* there is work, so idle nodes are highlighted */
};

/* Draw the row of a node. */
void ui_row_put(const struct ui_row *r, unsigned row, const struct ui_node *n);
/*
 * Draw a line below an expanded node.  Line 0 shows the node's properties, and
 * each further line a slot.
 */
void ui_row_put_detail(const struct ui_row *r, unsigned row,
		       const struct ui_node *n, unsigned line);
/* Return the number of lines below an expanded node. */
unsigned ui_row_count_details(const struct ui_model *m,
			      const struct ui_node *n);

/*
 * Return the number of slots to draw: the reported number or, if it is larger,
 * the number of slots that were ever used.
 */
unsigned ui_row_count_slots(const struct ui_model *m, const struct ui_node *n);
/* Draw a job: "run 3.2s kernel/fork.c". */
void ui_row_put_job(const struct ui_area *a, unsigned row, unsigned column,
		    const struct ui_job *j, uint64_t now);
/*
 * Return true if nodes have work, or had some within the last 10 s.  In phases
 * without compiles, such as linking, only queued jobs count, so that idle nodes
 * are not highlighted.
 */
bool ui_row_has_work(const struct ui_model *m, uint64_t now);
/* Return true if the node is up and has been idle for UI_ROW_IDLE_MS. */
bool ui_row_is_idle(const struct ui_node *n, uint64_t now);

#endif
