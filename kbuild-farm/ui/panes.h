/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/panes.h - Layout and contents of the full-screen view's panes.
 *
 * The screen shows, from top to bottom:
 *  - the title;
 *  - the header with the targets, the progress and the use of the slots;
 *  - the nodes;
 *  - the diagnostics and the log, if they are open or the nodes leave room;
 *  - the local compiles, on a large screen next to the throughput; and
 *  - the line of messages.
 * A pane without room has no rows.
 *
 * The header has one to four lines:
 *
 *	/src/linux  arm64  gcc-13.3.0  Image modules dtbs             1:15
 *	compile  587 ok  1 warning  0 errors  9.0/s  580 remote  7 local
 *	slots 17/34 {>>>ooooooo<<<%..............}  nodes 4/6  1 scanned
 *	9.0/s now, 7.8/s mean; 540KB/s sent, 135KB/s received .:-=+*#=-:
 *
 * Without a build the header shows the first and the third line.  With a
 * prediction (ui/estimate.h) the first line ends in "1:15  ETA ~4:13", and the
 * second line is
 *
 *	compile  [##            ]  18 %  587/~2874 ok  1 warning ...
 *
 * Parts that do not fit are omitted, the last ones first.
 */
#ifndef UI_PANES_H
#define UI_PANES_H

#include "ui/canvas.h"
#include "ui/model.h"
#include "ui/scroll.h"

#define UI_RATES_CURRENT_S 5 /* seconds over which "now" is averaged */

/* Draw the throughput pane; `now` as in ui/model.h. */
void ui_rates_draw(const struct ui_area *a, const struct ui_model *m,
		   uint64_t now);

/*
 * Draw the help.  The keys are in two columns if one column is too long and the
 * area has room for two.
 */
void ui_panes_draw_help(struct ui_scroll *s, const struct ui_area *a);
/* Scroll the help by a key.  Returns false if the key does not scroll. */
bool ui_panes_handle_help_key(struct ui_scroll *s, uint32_t key);

/* Draw the pane of local compiles and their reasons. */
void ui_panes_draw_local(const struct ui_area *a, const struct ui_model *m,
			 uint64_t now);

enum ui_pane_area {
	UI_PANE_AREA_TITLE,
	UI_PANE_AREA_HEADER,
	UI_PANE_AREA_NODES,
	UI_PANE_AREA_DIAGS,
	UI_PANE_AREA_LOG,
	UI_PANE_AREA_RATES,
	UI_PANE_AREA_LOCAL,
	UI_PANE_AREA_MESSAGE,

	UI_PANE_AREAS, /* the number of areas */
};

/* Properties that determine the layout. */
struct ui_panes_setup {
	bool has_title, diags_open, log_open;
	bool has_build; /* false: there are nodes, but no jobs */
	bool has_log; /* the build has a log to show in spare rows */
	uint64_t n_diag_lines; /* diagnostics to show in spare rows */
	enum ui_pane_area focus; /* shown if there is room for only one pane */
	size_t n_node_lines;
};

/* Divide the canvas into areas.  An area without room has no rows. */
void ui_panes_arrange(struct ui_area areas[static UI_PANE_AREAS],
		      struct ui_canvas *c, const struct ui_panes_setup *setup);

/* Return true if the model contains a build, false if only nodes. */
bool ui_panes_has_build(const struct ui_model *m);
/*
 * Draw the header with `n_unseen_diags`, the number of blocks of diagnostics
 * that the user has not looked at.
 */
void ui_panes_draw_header(const struct ui_area *a, const struct ui_model *m,
			  uint64_t now, uint64_t n_unseen_diags);

#endif
