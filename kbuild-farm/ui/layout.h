/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/layout.h - where the panes are on a screen of any size.
 *
 * From above: a title, the header, the nodes; then, where they are open, the
 * diagnostics (also where the nodes leave room) and the log; throughput and
 * what is compiled here beside each other on a large screen, on a smaller one
 * the latter alone, or neither; and a line of messages.  What has no room has
 * no rows.
 */
#ifndef UI_LAYOUT_H
#define UI_LAYOUT_H

#include "ui/canvas.h"

enum ui_place {
	UI_PLACE_TITLE,
	UI_PLACE_HEADER,
	UI_PLACE_NODES,
	UI_PLACE_DIAGS,
	UI_PLACE_LOG,
	UI_PLACE_RATES,
	UI_PLACE_HERE,
	UI_PLACE_LAST,

	UI_PLACES, /* how many */
};

struct ui_layout_wish {
	bool title, diags, log;
	bool build; /* not nodes alone: these have no jobs */
	bool has_diags; /* some to show where room is left over */
	enum ui_place focus; /* has room before all others */
	size_t node_lines;
};

void ui_layout(struct ui_area area[static UI_PLACES], struct ui_canvas *c,
	       const struct ui_layout_wish *wish);

#endif
