/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/canvas.h - Screen of text in memory, with areas and bars.
 *
 * A view draws on a canvas, and ui/screen.c sends the canvas to the terminal.
 * The files tests/ui/NAME.screen are dumps of a canvas.  A cell holds one
 * character with its combining marks.  The canvas replaces or omits characters
 * that are unsafe for a terminal (base/printable.h), and characters whose width
 * depends on the terminal, such as joiners and variation selectors.  Text
 * beyond the canvas is cut.
 */
#ifndef UI_CANVAS_H
#define UI_CANVAS_H

#include "base/buf.h"

/* Maximum size of a canvas; a larger size is reduced to it. */
#define UI_ROWS_MAX    1000
#define UI_COLUMNS_MAX 1000

/* Styles are hints: the text is understandable without them. */
enum ui_style {
	UI_STYLE_NORMAL,
	UI_STYLE_DIM,
	UI_STYLE_BOLD,
	UI_STYLE_TITLE, /* the line above a pane */
	UI_STYLE_GOOD,
	UI_STYLE_WARN,
	UI_STYLE_BAD,
	UI_STYLE_HOT,
	/* UI_STYLE_SCAN to UI_STYLE_LOCAL show a job's state. */
	UI_STYLE_SCAN,
	UI_STYLE_SEND,
	UI_STYLE_RUN,
	UI_STYLE_RECEIVE,
	UI_STYLE_LOCAL,
	UI_STYLE_SELECTED, /* the selected line */

	UI_STYLES, /* the number of styles */
};

struct ui_glyph {
	char text[15]; /* UTF-8, padded with zero bytes */
	uint8_t style; /* enum ui_style */
};

/* If `ascii` is set, characters outside ASCII are shown as '?'. */
struct ui_canvas {
	unsigned rows, columns;
	/* Cells row by row.  The second half of a wide character is "". */
	struct ui_glyph *glyphs;
	bool ascii;
};

/* Create a blank canvas of at most UI_ROWS_MAX by UI_COLUMNS_MAX. */
void ui_canvas_init(struct ui_canvas *c, unsigned rows, unsigned columns,
		    bool ascii);
/* Change the size and clear the canvas. */
void ui_canvas_resize(struct ui_canvas *c, unsigned rows, unsigned columns);
/* Make all cells blank. */
void ui_canvas_clear(struct ui_canvas *c);
void ui_canvas_release(struct ui_canvas *c);

/* A rectangle of a canvas, in which a pane draws. */
struct ui_area {
	struct ui_canvas *canvas;
	unsigned row, column, rows, columns;
	bool focused; /* the pane receives the keys */
};

/*
 * Draw text in at most `columns` columns; 0 means up to the end of the row.  A
 * tab is drawn as a blank.  `row` and `column` are relative to the area, and
 * text beyond the area or the canvas is cut.  Returns the number of columns
 * used.
 */
unsigned ui_area_put(const struct ui_area *a, unsigned row, unsigned column,
		     unsigned columns, enum ui_style style, const char *text);
/*
 * Draw `character`, which must be one column wide, in each of `columns`
 * columns.  Returns the number of columns used.
 */
unsigned ui_area_fill(const struct ui_area *a, unsigned row, unsigned column,
		      unsigned columns, enum ui_style style,
		      const char *character);
/*
 * Draw formatted text up to the end of the row, like ui_area_put().  The text
 * is cut after UI_COLUMNS_MAX - 1 bytes.
 */
unsigned ui_area_printf(const struct ui_area *a, unsigned row, unsigned column,
			enum ui_style style, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/*
 * Draw text at the right end of `columns` columns.  The end of a longer text is
 * cut.
 */
void ui_area_put_right(const struct ui_area *a, unsigned row, unsigned column,
		       unsigned columns, enum ui_style style, const char *text);
/*
 * Draw text in `columns` columns; the middle of a longer text is elided.
 * Returns the number of columns used.
 */
unsigned ui_area_put_elided(const struct ui_area *a, unsigned row,
			    unsigned column, unsigned columns,
			    enum ui_style style, const char *text);
/* Change the style of a row of the area. */
void ui_area_set_style(const struct ui_area *a, unsigned row,
		       enum ui_style style);
/* Draw the line above a pane: "Warnings ------". */
void ui_area_put_title(const struct ui_area *a, unsigned row, const char *text);

enum ui_bar_part {
	UI_BAR_SCAN,
	UI_BAR_SEND,
	UI_BAR_RUN,
	UI_BAR_RECEIVE,
	UI_BAR_LOCAL,
	UI_BAR_FREE,

	UI_BAR_PARTS, /* the number of parts */
};

/*
 * Symbol and style of a part, for bars and for the help.  Progress bars have
 * other symbols.
 */
struct ui_bar_symbol {
	const char *ascii, *utf8;
	enum ui_style style;
};

extern const struct ui_bar_symbol ui_bar_symbols[UI_BAR_PARTS];

/*
 * A bar of slots by job state:
 *
 *	[->>oooo<%...]	UTF-8: [□▸▸■■■■◂◆···]
 *
 * Each symbol is a slot.  From left to right, the symbols show jobs that are
 * being scanned, being sent, running, being received and being compiled
 * locally, and then the free slots.  If there are more slots than columns, the
 * bar is scaled by the largest-remainder method and enclosed in {}.
 */
struct ui_bar {
	uint64_t slots[UI_BAR_PARTS]; /* number of slots of each part */
};

/*
 * Draw a bar of at most `columns` columns, which must be at least 3.  Returns
 * the number of columns used.
 */
unsigned ui_bar_put(const struct ui_area *a, unsigned row, unsigned column,
		    unsigned columns, const struct ui_bar *bar);
/* Draw a progress bar of `columns` columns: "[####    ]", "[████░░░░]". */
void ui_bar_put_progress(const struct ui_area *a, unsigned row, unsigned column,
			 unsigned columns, unsigned percent);
/*
 * Draw a sparkline with one character per value.  A full block represents the
 * largest value.
 */
void ui_bar_put_sparkline(const struct ui_area *a, unsigned row,
			  unsigned column, const uint64_t *values, unsigned n);

#endif
