/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/nodes.h - Table of nodes with expandable slots.
 *
 * The table has a row per node: EVENTS_LOCAL first, the others sorted by a
 * column.  Below an expanded node are lines with its properties and slots.  The
 * selection is stored by the node's name, so that it survives a change of the
 * order.
 */
#ifndef UI_NODES_H
#define UI_NODES_H

#include "ui/canvas.h"
#include "ui/model.h"
#include "ui/scroll.h"

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

/* Return the name of a column for messages ("jobs done"). */
const char *ui_column_name(enum ui_column column);

/*
 * Return the number of slots to draw: the reported number or, if it is unknown,
 * the number of slots that jobs have used so far.
 */
unsigned ui_row_count_slots(const struct ui_model *m, const struct ui_node *n);
/*
 * Add the busy slots of a node that has `slots` slots to the bar, and return
 * their number.  A job whose result is received or verified does not count if
 * the slots are used by other jobs.
 */
unsigned ui_row_add_busy_slots(const struct ui_node *n, unsigned slots,
			       struct ui_bar *bar);
/* Draw a job: "run 3.2s kernel/fork.c". */
void ui_row_put_job(const struct ui_area *a, unsigned row, unsigned column,
		    const struct ui_job *j, uint64_t now);
/*
 * Return true if idle nodes should be highlighted because the build has work:
 * it has an unfinished job, or a job finished within the last 10 s.  In a phase
 * without compiles, such as linking, only a queued job counts as work.
 */
bool ui_row_has_work(const struct ui_model *m, uint64_t now);
/* Return true if the node is up and has been idle for UI_ROW_IDLE_MS. */
bool ui_row_is_idle(const struct ui_node *n, uint64_t now);

/* State of the table.  A zeroed struct is valid. */
struct ui_nodes {
	enum ui_column sort;
	bool reversed;
	/* only nodes with this text in their names are shown; NULL: all */
	char *filter;
	char *search_text; /* or NULL */
	char *selected; /* name of the selected node; NULL for the first */
	/* selected line of this node: 0 is its row, 1 the first line below */
	unsigned selected_line;
	/* selected line, counted from the top of the table when last drawn */
	size_t selected_row;
	bool all_expanded; /* nodes not in `toggled` are expanded */
	struct map toggled; /* exceptions to `all_expanded`, by name */
	size_t n_toggled;
	struct ui_scroll scroll;

	/* Each drawing and each key updates the members below. */
	uint32_t *order; /* sorted indices of the model's nodes */
	size_t n_order;
	/* nodes that pass the filter, sorted like `order` */
	const struct ui_node **shown;
	size_t n_shown, cap_shown;
};

void ui_nodes_release(struct ui_nodes *v);

/* Sort the nodes for a drawing.  Returns the number of lines to draw. */
size_t ui_nodes_sort(struct ui_nodes *v, const struct ui_model *m);
/* Draw the table; `now` as in ui/model.h. */
void ui_nodes_draw(struct ui_nodes *v, const struct ui_area *a,
		   const struct ui_model *m, uint64_t now);
/* Handle a key.  Returns false if the table does not use it. */
bool ui_nodes_handle_key(struct ui_nodes *v, const struct ui_model *m,
			 uint32_t key);

/*
 * Store the name of the selected node, so that the node stays selected when the
 * order changes.  Returns the name, or NULL if there is no node.
 */
const char *ui_nodes_select(struct ui_nodes *v, const struct ui_model *m);
/* Select the row of the node `name`. */
void ui_nodes_select_name(struct ui_nodes *v, const char *name);
/* Show only nodes whose name contains `text`; NULL or "" shows all. */
void ui_nodes_filter(struct ui_nodes *v, const char *text);
/*
 * Select the next node whose name contains `text`.  With `inclusive`, the
 * search starts at the selected node, otherwise after it.  If `text` is NULL,
 * repeat the last search.  Returns false if no node matches.
 */
bool ui_nodes_search(struct ui_nodes *v, const struct ui_model *m,
		     const char *text, bool inclusive, bool backwards);

#endif
