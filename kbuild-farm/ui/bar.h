/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/bar.h - Bars of slots by job state, progress bars and sparklines.
 *
 *	[->>====<%...]	UTF-8: [░▸▸████◂▓···]
 *
 * shows slots with jobs that are scanned, sent, running, being received or
 * compiled locally, and free slots.  A bar with less room than slots is scaled
 * by the largest-remainder method and enclosed in {}.
 */
#ifndef UI_BAR_H
#define UI_BAR_H

#include "ui/canvas.h"

enum ui_bar_part {
	UI_BAR_SCAN,
	UI_BAR_SEND,
	UI_BAR_RUN,
	UI_BAR_RECEIVE,
	UI_BAR_LOCAL,
	UI_BAR_FREE,

	UI_BAR_PARTS, /* the number of parts */
};

struct ui_bar {
	uint64_t slots[UI_BAR_PARTS]; /* number of slots of each part */
};

/*
 * Draw a bar of at most `columns` columns, which must be at least 3.  Returns
 * the number of columns used.
 */
unsigned ui_bar_put(const struct ui_area *a, unsigned row, unsigned column,
		    unsigned columns, const struct ui_bar *bar);
/*
 * Draw a progress bar "[████····]" of exactly `columns` columns, at least 3.
 * `percent` is at most 100.
 */
void ui_bar_put_percent(const struct ui_area *a, unsigned row, unsigned column,
			unsigned columns, unsigned percent);
/* Return the symbol of a part, for a legend. */
const char *ui_bar_symbol(enum ui_bar_part part, bool ascii);
/* Return the style of a part. */
enum ui_style ui_bar_style(enum ui_bar_part part);

/* Draw one character per value; the largest value gets a full one. */
void ui_bar_put_sparkline(const struct ui_area *a, unsigned row,
			  unsigned column, enum ui_style style,
			  const uint64_t *values, unsigned n);

#endif
