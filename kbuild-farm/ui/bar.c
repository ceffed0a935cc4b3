/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/bar.h"

#include <string.h>

static const struct {
	const char *ascii, *utf8;
	enum ui_style style;
} bar_symbols[UI_BAR_PARTS] = {
	[UI_BAR_SCAN] = { "-", "\u2591", UI_STYLE_SCAN },
	[UI_BAR_SEND] = { ">", "\u25b8", UI_STYLE_SEND },
	[UI_BAR_RUN] = { "=", "\u2588", UI_STYLE_RUN },
	[UI_BAR_RECEIVE] = { "<", "\u25c2", UI_STYLE_RECEIVE },
	[UI_BAR_LOCAL] = { "%", "\u2593", UI_STYLE_LOCAL },
	[UI_BAR_FREE] = { ".", "\u00b7", UI_STYLE_DIM },
};

const char *ui_bar_symbol(enum ui_bar_part part, bool ascii)
{
	return ascii ? bar_symbols[part].ascii : bar_symbols[part].utf8;
}

enum ui_style ui_bar_style(enum ui_bar_part part)
{
	return bar_symbols[part].style;
}

/* Scale the parts of `total` slots to a sum of `cells`. */
static void scale(struct ui_bar *bar, uint64_t total, unsigned cells)
{
	double rest[UI_BAR_PARTS];
	unsigned used = 0;

	for (unsigned i = 0; i < UI_BAR_PARTS; i++) {
		double share = (double)bar->slots[i] * cells / (double)total;

		bar->slots[i] = (uint64_t)share;
		rest[i] = share - (double)bar->slots[i];
		used += (unsigned)bar->slots[i];
	}
	for (; used < cells; used++) {
		unsigned most = 0;

		for (unsigned i = 1; i < UI_BAR_PARTS; i++) {
			if (rest[i] > rest[most])
				most = i;
		}
		bar->slots[most]++;
		rest[most] = -1;
	}
}

unsigned ui_bar_put(const struct ui_area *a, unsigned row, unsigned column,
		    unsigned columns, const struct ui_bar *bar)
{
	unsigned at = column, last = column + columns - 1;
	struct ui_bar cells = *bar;
	uint64_t total = 0;
	bool scaled;

	for (unsigned i = 0; i < UI_BAR_PARTS; i++)
		total += bar->slots[i];
	if (columns < 3)
		return 0;
	scaled = total > columns - 2;
	if (scaled)
		scale(&cells, total, columns - 2);
	at += ui_area_put(a, row, at, 1, UI_STYLE_NORMAL, scaled ? "{" : "[");
	for (unsigned i = 0; i < UI_BAR_PARTS; i++) {
		unsigned n = last - at;

		n = cells.slots[i] < n ? (unsigned)cells.slots[i] : n;
		at += ui_area_fill(a, row, at, n, bar_symbols[i].style,
				   ui_bar_symbol(i, a->canvas->ascii));
	}
	at += ui_area_put(a, row, at, 1, UI_STYLE_NORMAL, scaled ? "}" : "]");
	return at - column;
}

void ui_bar_put_percent(const struct ui_area *a, unsigned row, unsigned column,
			unsigned columns, unsigned percent)
{
	bool ascii = a->canvas->ascii;
	unsigned room = columns - 2, n = room * percent / 100;

	ui_area_put(a, row, column, 1, UI_STYLE_NORMAL, "[");
	ui_area_fill(a, row, column + 1, n, ui_bar_style(UI_BAR_RUN),
		     ui_bar_symbol(UI_BAR_RUN, ascii));
	ui_area_fill(a, row, column + 1 + n, room - n,
		     ui_bar_style(UI_BAR_FREE),
		     ui_bar_symbol(UI_BAR_FREE, ascii));
	ui_area_put(a, row, column + columns - 1, 1, UI_STYLE_NORMAL, "]");
}

void ui_bar_put_sparkline(const struct ui_area *a, unsigned row,
			  unsigned column, enum ui_style style,
			  const uint64_t *values, unsigned n)
{
	static const char *const ascii[] = { " ", ".", ":", "-", "=",
					     "+", "*", "#", "@" };
	static const char *const utf8[] = { " ",      "\u2581", "\u2582",
					    "\u2583", "\u2584", "\u2585",
					    "\u2586", "\u2587", "\u2588" };
	uint64_t most = 1;

	for (unsigned i = 0; i < n; i++)
		most = values[i] > most ? values[i] : most;
	for (unsigned i = 0; i < n; i++) {
		/* A value above 0 is always visible. */
		double share = (double)values[i] * 8 / (double)most;
		unsigned level = values[i] ? (unsigned)(share + 0.5) : 0;

		level += values[i] && !level;
		ui_area_put(a, row, column + i, 1, style,
			    a->canvas->ascii ? ascii[level] : utf8[level]);
	}
}
