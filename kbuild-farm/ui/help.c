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

static const char *const notes[] = {
	"IN and OUT are bytes to and from the node, MEAN is a job's mean time "
	"there.",
	"A job over ten times that has a \"!\", a node too hot a \"C!\".",
};

#define KEYS  (unsigned)(sizeof(keys) / sizeof(*keys))
#define NOTES (unsigned)(sizeof(notes) / sizeof(*notes))

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

static void put_key(const struct ui_area *a, unsigned row, unsigned i)
{
	ui_area_put(a, row, 1, 11, UI_BOLD, keys[i].key);
	ui_area_put(a, row, 13, 0, UI_NORMAL, keys[i].words);
}

/* Line `line` of the keys, in so many columns, and what follows them. */
static void put_help_line(const struct ui_area *a, unsigned row, unsigned line,
			  unsigned columns)
{
	unsigned rows = (KEYS + columns - 1) / columns;
	struct ui_area part = *a;

	part.columns = a->columns / columns;
	for (unsigned i = line; line < rows && i < KEYS; i += rows) {
		put_key(&part, row, i);
		part.column += part.columns;
	}
	if (line == rows + 1)
		put_legend(a, row);
	else if (line > rows + 1)
		ui_area_put(a, row, 1, 0, UI_NORMAL, notes[line - rows - 2]);
}

void ui_help_draw(struct ui_scroll *s, const struct ui_area *a)
{
	bool wide = a->columns >= 2 * WIDE && a->rows < KEYS + 2 + NOTES + 1;
	unsigned columns = wide ? 2 : 1;
	unsigned lines = (KEYS + columns - 1) / columns + 2 + NOTES;

	ui_area_title(a, 0, "Keys");
	ui_scroll_fit(s, 0, lines, a->rows ? a->rows - 1 : 0);
	for (unsigned row = 1; row < a->rows; row++) {
		unsigned line = (unsigned)s->top + row - 1;

		if (line < lines)
			put_help_line(a, row, line, columns);
	}
}

bool ui_help_key(struct ui_scroll *s, uint32_t key)
{
	/* All lines, in the one column that needs most. */
	return ui_scroll_key(s, 0, KEYS + 2 + NOTES, key);
}
