/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/bar.h"

#include <string.h>

static const struct {
	const char *ascii, *utf8;
	enum ui_style style;
} signs[UI_BAR_PARTS] = {
	[UI_BAR_SCAN] = { "-", "\u2591", UI_SCAN },
	[UI_BAR_SEND] = { ">", "\u25b8", UI_SEND },
	[UI_BAR_RUN] = { "=", "\u2588", UI_RUN },
	[UI_BAR_RECEIVE] = { "<", "\u25c2", UI_RECEIVE },
	[UI_BAR_LOCAL] = { "%", "\u2593", UI_LOCAL },
	[UI_BAR_FREE] = { ".", "\u00b7", UI_DIM },
};

const char *ui_bar_sign(enum ui_bar_part part, bool ascii)
{
	return ascii ? signs[part].ascii : signs[part].utf8;
}

enum ui_style ui_bar_style(enum ui_bar_part part)
{
	return signs[part].style;
}

/* Make the parts of `total` those of `cells`. */
static void scale(struct ui_bar *bar, uint64_t total, unsigned cells)
{
	double rest[UI_BAR_PARTS];
	unsigned used = 0;

	for (unsigned i = 0; i < UI_BAR_PARTS; i++) {
		double share = (double)bar->part[i] * cells / (double)total;

		bar->part[i] = (uint64_t)share;
		rest[i] = share - (double)bar->part[i];
		used += (unsigned)bar->part[i];
	}
	for (; used < cells; used++) {
		unsigned most = 0;

		for (unsigned i = 1; i < UI_BAR_PARTS; i++) {
			if (rest[i] > rest[most])
				most = i;
		}
		bar->part[most]++;
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
		total += bar->part[i];
	if (columns < 3)
		return 0;
	scaled = total > columns - 2;
	if (scaled)
		scale(&cells, total, columns - 2);
	at += ui_area_put(a, row, at, 1, UI_NORMAL, scaled ? "{" : "[");
	for (unsigned i = 0; i < UI_BAR_PARTS; i++) {
		unsigned n = last - at;

		n = cells.part[i] < n ? (unsigned)cells.part[i] : n;
		at += ui_area_fill(a, row, at, n, signs[i].style,
				   ui_bar_sign(i, a->canvas->ascii));
	}
	at += ui_area_put(a, row, at, 1, UI_NORMAL, scaled ? "}" : "]");
	return at - column;
}

void ui_bar_put_share(const struct ui_area *a, unsigned row, unsigned column,
		      unsigned columns, unsigned percent)
{
	bool ascii = a->canvas->ascii;
	unsigned room = columns - 2, n = room * percent / 100;

	ui_area_put(a, row, column, 1, UI_NORMAL, "[");
	ui_area_fill(a, row, column + 1, n, ui_bar_style(UI_BAR_RUN),
		     ui_bar_sign(UI_BAR_RUN, ascii));
	ui_area_fill(a, row, column + 1 + n, room - n,
		     ui_bar_style(UI_BAR_FREE),
		     ui_bar_sign(UI_BAR_FREE, ascii));
	ui_area_put(a, row, column + columns - 1, 1, UI_NORMAL, "]");
}

void ui_bar_spark(const struct ui_area *a, unsigned row, unsigned column,
		  enum ui_style style, const uint64_t *value, unsigned n)
{
	static const char *const ascii[] = { " ", ".", ":", "-", "=",
					     "+", "*", "#", "@" };
	static const char *const utf8[] = { " ",      "\u2581", "\u2582",
					    "\u2583", "\u2584", "\u2585",
					    "\u2586", "\u2587", "\u2588" };
	uint64_t most = 1;

	for (unsigned i = 0; i < n; i++)
		most = value[i] > most ? value[i] : most;
	for (unsigned i = 0; i < n; i++) {
		/* What is not nothing is seen. */
		double share = (double)value[i] * 8 / (double)most;
		unsigned level = value[i] ? (unsigned)(share + 0.5) : 0;

		level += value[i] && !level;
		ui_area_put(a, row, column + i, 1, style,
			    a->canvas->ascii ? ascii[level] : utf8[level]);
	}
}
