/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/help.h"

#include "ui/bar.h"

#include <string.h>

#define WIDE 40 /* columns of one column of keys */

static const struct {
	const char *key, *words;
} keys[] = {
	{ "q F10", "leave the view; the build goes on" },
	{ "Q", "end the build (twice)" },
	{ "Tab", "next pane; Shift-Tab: the one before" },
	{ "Up Down k j", "a line; also PgUp PgDn Home End" },
	{ "Space", "a node's slots; also Right, Left h" },
	{ "a", "all nodes' slots" },
	{ "s r", "sort by the next column; reverse" },
	{ "/ n N", "search in the pane; next; previous" },
	{ "\\", "only nodes with this in their name" },
	{ "w", "warnings and errors" },
	{ "e", "errors only" },
	{ "l", "the log" },
	{ "f", "follow its end, or do not" },
	{ "p", "pause drawing" },
	{ "d", "drain the node, or resume it" },
	{ "+ -", "a slot of the node more, or less" },
	{ "[ ]", "another build (kfarm top)" },
};

static const char *const parts[UI_BAR_PARTS] = {
	[UI_BAR_SCAN] = "scanned",   [UI_BAR_SEND] = "sent",
	[UI_BAR_RUN] = "running",    [UI_BAR_RECEIVE] = "received",
	[UI_BAR_LOCAL] = "run here", [UI_BAR_FREE] = "free",
};

static void put_legend(const struct ui_area *a, unsigned row)
{
	unsigned at = 1 + ui_area_put(a, row, 1, 0, UI_NORMAL, "Slots: ");

	for (unsigned i = 0; i < UI_BAR_PARTS; i++) {
		at += ui_area_put(a, row, at, 0, ui_bar_style(i),
				  ui_bar_sign(i, a->canvas->ascii));
		at += ui_area_put(a, row, at, 0, UI_NORMAL, " ");
		at += ui_area_put(a, row, at, 0, UI_NORMAL, parts[i]);
		at += ui_area_put(a, row, at, 0, UI_NORMAL, "  ");
	}
}

void ui_help_draw(const struct ui_area *a)
{
	static const char *const notes[] = {
		"IN and OUT are bytes to and from the node, MEAN is a job's "
		"mean time there.",
		"A job over ten times that has a \"!\", a node too hot a "
		"\"C!\".",
	};
	unsigned n = sizeof(keys) / sizeof(*keys);
	unsigned columns = a->columns >= 2 * WIDE && a->rows < n + 5 ? 2 : 1;
	unsigned rows = (n + columns - 1) / columns;

	ui_area_title(a, 0, "Keys");
	for (unsigned i = 0; i < n; i++) {
		struct ui_area part = *a;

		part.column += i / rows * (a->columns / columns);
		part.columns = a->columns / columns;
		ui_area_put(&part, 1 + i % rows, 1, 11, UI_BOLD, keys[i].key);
		ui_area_put(&part, 1 + i % rows, 13, 0, UI_NORMAL,
			    keys[i].words);
	}
	put_legend(a, rows + 2);
	for (unsigned i = 0; i < 2; i++)
		ui_area_put(a, rows + 3 + i, 1, 0, UI_NORMAL, notes[i]);
}
