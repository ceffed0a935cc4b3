/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/nodes.h - Table of nodes with expandable slots.
 *
 * The table has a line per node: EVENTS_LOCAL first, the others sorted by a
 * column.  Below an expanded node are lines with its properties and slots.  The
 * selection is stored by the node's name, so that it survives a change of the
 * order.
 */
#ifndef UI_NODES_H
#define UI_NODES_H

#include "ui/canvas.h"
#include "ui/model.h"
#include "ui/row.h"
#include "ui/scroll.h"

/* State of the table.  A zeroed struct is valid. */
struct ui_nodes {
	enum ui_column sort;
	bool reversed;
	/* only nodes with this text in their names are shown; NULL: all */
	char *filter;
	char *search_text; /* or NULL */
	char *selected; /* name of the selected node; NULL for the first */
	unsigned selected_line; /* selected line below it; 0 for the node */
	size_t selected_row; /* selected line of the table when last drawn */
	bool all_expanded; /* default state of nodes not in `toggled` */
	struct map toggled; /* nodes in the other state, by name */
	size_t n_toggled;
	struct ui_scroll scroll;

	/* Updated by each drawing and each key. */
	uint32_t *order; /* sorted indices of the model's nodes */
	size_t n_order;
	const struct ui_node **shown; /* in `order`, filtered */
	size_t n_shown, cap_shown;
};

void ui_nodes_release(struct ui_nodes *v);

/* Update the order before drawing.  Returns the number of lines. */
size_t ui_nodes_sort(struct ui_nodes *v, const struct ui_model *m);
/* Draw the table; `now` as in ui/model.h. */
void ui_nodes_draw(struct ui_nodes *v, const struct ui_area *a,
		   const struct ui_model *m, uint64_t now);
/* Handle a key.  Returns false if the table does not use it. */
bool ui_nodes_handle_key(struct ui_nodes *v, const struct ui_model *m,
			 uint32_t key);

/*
 * Store the name of the selected node, so that the selection stays on it when
 * the order changes.  Returns the name, or NULL if there is no node.
 */
const char *ui_nodes_select(struct ui_nodes *v, const struct ui_model *m);
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
