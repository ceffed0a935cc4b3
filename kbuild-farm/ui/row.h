/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ui/row.h - The row of a node or group, and the lines below it. */
#ifndef UI_ROW_H
#define UI_ROW_H

#include "ui/canvas.h"
#include "ui/model.h"

/* time without a job after which a node is highlighted as idle */
#define UI_ROW_IDLE_MS (10 * 1000)
/* temperature in thousandths of a degree Celsius at which a node is hot */
#define UI_ROW_HOT_MILLI 85000
/* a clock speed below this number of thousandths of the maximum is slow */
#define UI_ROW_SLOW_MILLI 950
/* multiple of the node's mean time after which a job is highlighted */
#define UI_ROW_LONG_FACTOR 10

enum ui_column {
	UI_COLUMN_NAME,
	UI_COLUMN_STATE,
	UI_COLUMN_DONE,
	UI_COLUMN_FAILED,
	UI_COLUMN_RETRIED,
	UI_COLUMN_SLOTS,
	UI_COLUMN_MEAN,
	UI_COLUMN_SENT, /* bytes sent to the node */
	UI_COLUMN_RECEIVED, /* bytes received from the node */
	UI_COLUMN_LOAD,
	UI_COLUMN_TEMPERATURE,
	UI_COLUMN_NOTE,

	UI_COLUMNS, /* the number of columns */
};

/* Return the name of a column for messages, such as "jobs done". */
const char *ui_row_column_name(enum ui_column column);

/* Widths of the columns; 0 for a column without room. */
struct ui_row_columns {
	unsigned widths[UI_COLUMNS];
};

/* Context for drawing rows. */
struct ui_row_context {
	const struct ui_row_columns *columns;
	const struct ui_area *area;
	const struct ui_model *model;
	uint64_t now; /* as in ui/model.h */
	bool has_work; /* result of ui_row_has_work(): highlight idle nodes */
	unsigned indent; /* columns before the name */
};

/*
 * Compute the widths for a table of `columns` screen columns.  `name_width` is
 * the width of the longest name, `max_slots` the largest number of slots.
 */
void ui_row_fit_columns(struct ui_row_columns *c, unsigned columns,
			size_t name_width, size_t max_slots);
/* Draw the titles in the first row, with an arrow at the column `sort`. */
void ui_row_put_titles(const struct ui_row_columns *c, const struct ui_area *a,
		       enum ui_column sort, bool descending);
/* Draw the row of a node or of a group. */
void ui_row_put(const struct ui_row_context *r, unsigned row,
		const struct ui_node *n);
/*
 * Draw a line below an expanded node.  Line 0 shows the node's properties, and
 * each further line a slot.
 */
void ui_row_put_detail(const struct ui_row_context *r, unsigned row,
		       const struct ui_node *n, unsigned line);

/*
 * Return the number of lines for the jobs of an expanded node.  This number can
 * briefly exceed the number of slots, because a job keeps its line until its
 * result is verified, but its slot can already execute the next job.
 */
unsigned ui_row_count_jobs(const struct ui_model *m, const struct ui_node *n);
/*
 * Add to `bar` the busy slots of `n`, a node or a group with `slots` slots.
 * Returns the number of busy slots.  A job whose result is being received or
 * verified does not count if other jobs use all slots.
 */
unsigned ui_row_add_busy_slots(const struct ui_node *n, unsigned slots,
			       struct ui_bar *bar);
/* Draw a job, such as "run 3.2s kernel/fork.c". */
void ui_row_put_job(const struct ui_area *a, unsigned row, unsigned column,
		    const struct ui_job *j, uint64_t now);
/*
 * Return the words for a phase in which idle nodes are not a problem, such as
 * "linking vmlinux", or NULL in a phase with compiles.
 */
const char *ui_row_phase_without_compiles(const struct ui_model *m);
/*
 * Return true if idle nodes should be highlighted because the build has work:
 * it has an unfinished job, or a job finished within the last 10 s.  In a phase
 * without compiles, such as linking, only a queued job counts as work.
 */
bool ui_row_has_work(const struct ui_model *m, uint64_t now);
/* Return true if the node is up and has been idle for UI_ROW_IDLE_MS. */
bool ui_row_is_idle(const struct ui_node *n, uint64_t now);

#endif
