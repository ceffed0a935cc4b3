/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/nodes.h - Table of nodes and groups, with expandable slots.
 *
 * The table has a row per node.  The build host (EVENTS_LOCAL) is the first
 * row, and the other rows are sorted by a column.  Below an expanded node are
 * lines with its properties and slots.
 *
 * A grouped table has a row per group (ui/group.h).  The groups are sorted by
 * the same column, and the nodes of an open group follow its row.  The group of
 * the selected node is always open.  By default, the table is grouped while
 * there are more nodes than rows on the screen and at least one node has a pool
 * or a site.
 *
 * The selection is stored by the name of the node or group, so that it survives
 * a change of the order.
 */
#ifndef UI_NODES_H
#define UI_NODES_H

#include "ui/group.h"
#include "ui/row.h"
#include "ui/scroll.h"

enum ui_grouping {
	UI_GROUPING_AUTO,
	UI_GROUPING_ON,
	UI_GROUPING_OFF,
};

/* State of the table.  A zeroed struct is valid. */
struct ui_nodes {
	unsigned screen_rows; /* for UI_GROUPING_AUTO; set by the caller */
	enum ui_grouping grouping;
	/*
	 * sort column if `sort_chosen` is set; else a grouped table is sorted
	 * by UI_COLUMN_NOTE, worst first, and any other table by name
	 */
	enum ui_column sort;
	bool sort_chosen, reversed;
	/* only nodes with this text in their names are shown; NULL: all */
	char *filter;
	char *search_text; /* or NULL */
	/* name of the selected node or group; NULL for the first */
	char *selected;
	/* selected line of this node: 0 is its row, 1 the first line below */
	unsigned selected_line;
	/* selected line, counted from the top of the table when last drawn */
	size_t selected_row;
	bool all_expanded; /* nodes not in `toggled` are expanded */
	bool all_open; /* groups not in `toggled` are open */
	struct map toggled; /* the exceptions, by name */
	size_t n_toggled;
	struct ui_scroll scroll;

	/* Each drawing and each key updates the members below. */
	bool grouped;
	struct ui_groups groups; /* sums of the nodes that pass the filter */
	uint32_t *order; /* sorted indices of the model's nodes */
	size_t n_order;
	size_t n_matching; /* number of nodes that pass the filter */
	/* rows of groups and of the nodes that pass the filter, in order */
	const struct ui_node **shown;
	size_t n_shown, cap_shown;
};

void ui_nodes_release(struct ui_nodes *v);

/* Return the column by which the table is sorted. */
enum ui_column ui_nodes_sort_column(const struct ui_nodes *v);
/* Sort the nodes for a drawing.  Returns the number of lines to draw. */
size_t ui_nodes_sort(struct ui_nodes *v, const struct ui_model *m);
/* Draw the table; `now` as in ui/model.h. */
void ui_nodes_draw(struct ui_nodes *v, const struct ui_area *a,
		   const struct ui_model *m, uint64_t now);
/* Handle a key.  A key that the table does not use has no effect. */
void ui_nodes_handle_key(struct ui_nodes *v, const struct ui_model *m,
			 uint32_t key);

/*
 * Store the name of the selected node or group, so that it stays selected when
 * the order changes.  Returns the name, or NULL if there is no node.
 */
const char *ui_nodes_select(struct ui_nodes *v, const struct ui_model *m);
/* Select the row of the node or group `name`. */
void ui_nodes_select_name(struct ui_nodes *v, const char *name);
/* Show only nodes whose name contains `text`; NULL or "" shows all. */
void ui_nodes_filter(struct ui_nodes *v, const char *text);
/*
 * Select the next node or group whose name contains `text`, or the previous one
 * if `backwards` is set.  The search wraps around; if `inclusive` is set, it
 * starts at the selected node itself.  If `text` is NULL, repeat the last
 * search.  Returns false if no node or group matches.
 */
bool ui_nodes_search(struct ui_nodes *v, const struct ui_model *m,
		     const char *text, bool inclusive, bool backwards);

#endif
