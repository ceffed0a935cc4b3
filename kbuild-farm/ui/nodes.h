/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/nodes.h - the nodes as a table, each with its slots where it is expanded.
 *
 * Lines are the nodes, "local" first, the others in the order of a column, and
 * under an expanded one what is known of it, and its slots.  One line is
 * selected; it is known by its node's name, so it stays when the order changes.
 */
#ifndef UI_NODES_H
#define UI_NODES_H

#include "ui/canvas.h"
#include "ui/model.h"
#include "ui/row.h"
#include "ui/scroll.h"

/* A zeroed one is fine. */
struct ui_nodes {
	enum ui_column sort;
	bool reversed;
	char *filter; /* part of the name, NULL: all are shown */
	char *sought; /* part of a name, NULL: nothing */
	char *selected; /* a name; NULL: the first there is */
	unsigned below; /* which of the lines below it is selected, 0: none */
	size_t place; /* the selected line, as drawn last */
	bool all; /* are expanded, but for those in `turned`; or only those */
	struct map turned;
	size_t n_turned;
	struct ui_scroll scroll;

	/* Made anew when it is drawn, and when a key comes: */
	uint32_t *order; /* of all nodes, by their place in the model */
	size_t n_order;
	const struct ui_node **shown;
	size_t n_shown, shown_room;
};

void ui_nodes_release(struct ui_nodes *v);

/* Put them in order, before they are drawn; returns the lines they take. */
size_t ui_nodes_order(struct ui_nodes *v, const struct ui_model *m);
/* Draw them; `now` as in ui/model.h. */
void ui_nodes_draw(struct ui_nodes *v, const struct ui_area *a,
		   const struct ui_model *m, uint64_t now);
/* Is the key for it?  Then it did what the key says. */
bool ui_nodes_key(struct ui_nodes *v, const struct ui_model *m, uint32_t key);

/* The name of the selected node, in v->selected too; NULL: there is none. */
const char *ui_nodes_select(struct ui_nodes *v, const struct ui_model *m);
/* Show only nodes whose name has `text` in it, NULL or "": all. */
void ui_nodes_filter(struct ui_nodes *v, const char *text);
/*
 * Select the next node whose name has `text` in it, the present one included
 * where `here`; NULL: what was sought last.  False: there is none.
 */
bool ui_nodes_seek(struct ui_nodes *v, const struct ui_model *m,
		   const char *text, bool here, bool backwards);
#endif
