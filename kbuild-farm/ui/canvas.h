/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/canvas.h - a screen of text in memory: what the views draw on, what
 * ui/screen shows, and what tests/ui/NAME.screen hold.
 *
 * A cell holds one character with what combines with it.  Nothing reaches a
 * cell that may not be shown on a terminal (base/printable.h), or whose width
 * terminals do not agree on: joiners and variation selectors are left out.
 * Whatever does not fit is cut.
 */
#ifndef UI_CANVAS_H
#define UI_CANVAS_H

#include "base/buf.h"

/* Larger ones are drawn no larger. */
#define UI_ROWS_MAX    1000
#define UI_COLUMNS_MAX 1000

/* Hints: all that is shown can be read without them. */
enum ui_style {
	UI_NORMAL,
	UI_DIM,
	UI_BOLD,
	UI_TITLE, /* the line above a pane */
	UI_GOOD,
	UI_WARN,
	UI_BAD,
	UI_HOT,
	UI_SCAN, /* jobs, by what they are at */
	UI_SEND,
	UI_RUN,
	UI_RECEIVE,
	UI_LOCAL,
	UI_SELECTED, /* the line that keys are about */

	UI_STYLES, /* how many */
};

struct ui_cell {
	char text[15]; /* UTF-8; what is behind its NUL is zeroed too */
	uint8_t style; /* enum ui_style */
};

/* In ASCII, what is not is shown as '?'. */
struct ui_canvas {
	unsigned rows, columns;
	struct ui_cell *cell; /* row by row; "": the half of a wide one */
	bool ascii;
};

/* All blank; at most UI_ROWS_MAX by UI_COLUMNS_MAX. */
void ui_canvas_init(struct ui_canvas *c, unsigned rows, unsigned columns,
		    bool ascii);
/* The same of another size; blank. */
void ui_canvas_resize(struct ui_canvas *c, unsigned rows, unsigned columns);
void ui_canvas_clear(struct ui_canvas *c);
void ui_canvas_release(struct ui_canvas *c);

/*
 * Put text at a place, at most `columns` of it, 0: to the end of the row.
 * A tab is a blank.  Returns the columns that it took; 0 outside of the canvas.
 */
unsigned ui_canvas_put(struct ui_canvas *c, unsigned row, unsigned column,
		       unsigned columns, enum ui_style style, const char *text);
/* A character of one column, so many times. */
unsigned ui_canvas_fill(struct ui_canvas *c, unsigned row, unsigned column,
			unsigned columns, enum ui_style style,
			const char *character);
/* So many cells take this style and keep their text. */
void ui_canvas_style(struct ui_canvas *c, unsigned row, unsigned column,
		     unsigned columns, enum ui_style style);

/* Append each row, without the blanks at its end, and a newline. */
void ui_canvas_text(struct buf *out, const struct ui_canvas *c);
/* The same of the styles, a letter of ".dbtgwBhs>r<lS" for each cell. */
void ui_canvas_styles(struct buf *out, const struct ui_canvas *c);

/* ---------------------------------------------------------------- areas */

/* A part of a canvas, which a pane draws in as if it were alone. */
struct ui_area {
	struct ui_canvas *canvas;
	unsigned row, column, rows, columns;
	bool focus; /* keys go there */
};

/* As ui_canvas_put(), but nothing leaves the area. */
unsigned ui_area_put(const struct ui_area *a, unsigned row, unsigned column,
		     unsigned columns, enum ui_style style, const char *text);
unsigned ui_area_fill(const struct ui_area *a, unsigned row, unsigned column,
		      unsigned columns, enum ui_style style,
		      const char *character);
unsigned ui_area_printf(const struct ui_area *a, unsigned row, unsigned column,
			enum ui_style style, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* At the right end of so many columns. */
void ui_area_put_right(const struct ui_area *a, unsigned row, unsigned column,
		       unsigned columns, enum ui_style style, const char *text);
/* In so many columns, without its middle where it is longer. */
unsigned ui_area_put_elided(const struct ui_area *a, unsigned row,
			    unsigned column, unsigned columns,
			    enum ui_style style, const char *text);
/* A whole line of it takes this style. */
void ui_area_style(const struct ui_area *a, unsigned row, enum ui_style style);
/* The line above a pane, across the area: "Warnings ------". */
void ui_area_title(const struct ui_area *a, unsigned row, const char *text);

#endif
