/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/layout.h"

#define RATES_MOST   96 /* columns: a sparkline of a minute */
#define BAND_ROWS    36 /* of a screen for two panes beside each other */
#define BAND_COLUMNS 100
#define HERE_ROWS    20 /* of a screen for what is compiled here */
#define BOTH_ROWS    10 /* for the nodes and a pane below them */
#define NODES_LEAST  4
#define SPARE_ROWS   8 /* that nodes leave, for diagnostics */

static unsigned clamp_rows(size_t n, unsigned least, unsigned most)
{
	return n > most ? most : n < least ? least : (unsigned)n;
}

static struct ui_area take_top(struct ui_area *rest, unsigned rows)
{
	struct ui_area top = *rest;

	top.rows = rows < rest->rows ? rows : rest->rows;
	rest->row += top.rows;
	rest->rows -= top.rows;
	return top;
}

static struct ui_area take_bottom(struct ui_area *rest, unsigned rows)
{
	struct ui_area bottom = *rest;

	bottom.rows = rows < rest->rows ? rows : rest->rows;
	rest->rows -= bottom.rows;
	bottom.row += rest->rows;
	return bottom;
}

static unsigned header_rows(const struct ui_canvas *c, bool build, bool band)
{
	if (!build)
		return c->rows >= 6 ? 2 : 1;
	if (c->rows >= HERE_ROWS)
		return band ? 3 : 4;
	return c->rows >= 10 ? 3 : c->rows >= 6 ? 2 : 1;
}

static void lay_band(struct ui_area *area, struct ui_area *rest)
{
	struct ui_area band = take_bottom(rest,
					  clamp_rows(rest->rows / 5, 5, 10));
	unsigned rates = clamp_rows(band.columns * 11 / 20, 0, RATES_MOST);

	area[UI_PLACE_RATES] = area[UI_PLACE_HERE] = band;
	area[UI_PLACE_RATES].columns = rates;
	area[UI_PLACE_HERE].column += rates + 1;
	area[UI_PLACE_HERE].columns -= rates + 1;
}

static void lay_open(struct ui_area *area, struct ui_area *rest,
		     const struct ui_layout_wish *wish)
{
	if (rest->rows < BOTH_ROWS) {
		area[wish->focus] = take_top(rest, rest->rows);
		return;
	}
	area[UI_PLACE_NODES] = take_top(rest, clamp_rows(wish->node_lines + 1,
							 NODES_LEAST,
							 rest->rows * 2 / 5));
	if (wish->diags && wish->log && rest->rows >= BOTH_ROWS) {
		area[UI_PLACE_DIAGS] = take_top(rest, rest->rows / 2);
		area[UI_PLACE_LOG] = *rest;
	} else if (wish->diags && wish->log) {
		area[wish->focus == UI_PLACE_LOG ? UI_PLACE_LOG :
						   UI_PLACE_DIAGS] = *rest;
	} else {
		area[wish->diags ? UI_PLACE_DIAGS : UI_PLACE_LOG] = *rest;
	}
}

void ui_layout(struct ui_area area[static UI_PLACES], struct ui_canvas *c,
	       const struct ui_layout_wish *wish)
{
	bool band = wish->build && c->rows >= BAND_ROWS &&
		    c->columns >= BAND_COLUMNS;
	struct ui_area rest = { c, 0, 0, c->rows, c->columns, false };

	for (unsigned i = 0; i < UI_PLACES; i++)
		area[i] = (struct ui_area){ .canvas = c };
	if (wish->title && c->rows >= 8)
		area[UI_PLACE_TITLE] = take_top(&rest, 1);
	if (c->rows >= 3)
		area[UI_PLACE_LAST] = take_bottom(&rest, 1);
	area[UI_PLACE_HEADER] = take_top(&rest,
					 header_rows(c, wish->build, band));
	if (band)
		lay_band(area, &rest);
	else if (wish->build && c->rows >= HERE_ROWS && !wish->diags &&
		 !wish->log)
		area[UI_PLACE_HERE] = take_bottom(
			&rest,
			rest.rows > wish->node_lines ?
				clamp_rows(rest.rows - wish->node_lines - 1, 4,
					   10) :
				4);
	if (wish->diags || wish->log) {
		lay_open(area, &rest, wish);
	} else {
		if (wish->has_diags &&
		    rest.rows > wish->node_lines + 1 + SPARE_ROWS)
			area[UI_PLACE_DIAGS] = take_bottom(
				&rest,
				rest.rows - (unsigned)wish->node_lines - 2);
		area[UI_PLACE_NODES] = rest;
	}
	area[wish->focus].focus = true;
}
