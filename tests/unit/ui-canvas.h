/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/ui-canvas.h - Drawing on a whole canvas, and its content as text.
 */
#ifndef UI_CANVAS_DUMP_H
#define UI_CANVAS_DUMP_H

#include "ui/canvas.h"

#include <string.h>

/* An area that ends nowhere, so that only the canvas cuts text. */
static inline struct ui_area endless_area(struct ui_canvas *c)
{
	return (struct ui_area){ c, 0, 0, UINT32_MAX, UINT32_MAX, false };
}

static inline unsigned canvas_put(struct ui_canvas *c, unsigned row,
				  unsigned column, unsigned columns,
				  enum ui_style style, const char *text)
{
	const struct ui_area a = endless_area(c);

	return ui_area_put(&a, row, column, columns, style, text);
}

static inline unsigned canvas_fill(struct ui_canvas *c, unsigned row,
				   unsigned column, unsigned columns,
				   enum ui_style style, const char *character)
{
	const struct ui_area a = endless_area(c);

	return ui_area_fill(&a, row, column, columns, style, character);
}

/* Append each row without trailing blanks, and a newline. */
static inline void dump_text(struct buf *out, const struct ui_canvas *c)
{
	for (unsigned row = 0; row < c->rows; row++) {
		const struct ui_glyph *cells = c->glyphs +
					       (size_t)row * c->columns;
		unsigned end = c->columns;

		while (end && !strcmp(cells[end - 1].text, " "))
			end--;
		for (unsigned i = 0; i < end; i++)
			buf_add_str(out, cells[i].text);
		buf_add_str(out, "\n");
	}
}

/*
 * Append each row as letters for the styles of its cells, without trailing
 * UI_STYLE_NORMAL, and a newline.  The letters of enum ui_style are, in order,
 * ".dbtgwBhs>r<lS".
 */
static inline void dump_styles(struct buf *out, const struct ui_canvas *c)
{
	static const char letters[UI_STYLES + 1] = ".dbtgwBhs>r<lS";

	for (unsigned row = 0; row < c->rows; row++) {
		const struct ui_glyph *cells = c->glyphs +
					       (size_t)row * c->columns;
		unsigned end = c->columns;

		while (end && cells[end - 1].style == UI_STYLE_NORMAL)
			end--;
		for (unsigned i = 0; i < end; i++)
			buf_add(out, &letters[cells[i].style], 1);
		buf_add_str(out, "\n");
	}
}

#endif
