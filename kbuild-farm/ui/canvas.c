/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/canvas.h"

#include "base/printable.h"
#include "base/str.h"
#include "base/text-width.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ui_glyph blank = { " ", UI_STYLE_NORMAL };

static unsigned smaller_of(unsigned n, unsigned max)
{
	return n < max ? n : max;
}

void ui_canvas_init(struct ui_canvas *c, unsigned rows, unsigned columns,
		    bool ascii)
{
	*c = (struct ui_canvas){ .ascii = ascii };
	ui_canvas_resize(c, rows, columns);
}

void ui_canvas_resize(struct ui_canvas *c, unsigned rows, unsigned columns)
{
	c->rows = smaller_of(rows, UI_ROWS_MAX);
	c->columns = smaller_of(columns, UI_COLUMNS_MAX);
	free(c->glyphs);
	c->glyphs = xcalloc((size_t)c->rows * c->columns + 1,
			    sizeof(*c->glyphs));
	ui_canvas_clear(c);
}

void ui_canvas_clear(struct ui_canvas *c)
{
	size_t row = c->columns * sizeof(*c->glyphs);

	if (!c->rows)
		return;
	for (unsigned i = 0; i < c->columns; i++)
		c->glyphs[i] = blank;
	for (unsigned i = 1; i < c->rows; i++)
		memcpy(c->glyphs + (size_t)i * c->columns, c->glyphs, row);
}

void ui_canvas_release(struct ui_canvas *c)
{
	free(c->glyphs);
	*c = (struct ui_canvas){ 0 };
}

/* ---- characters ---- */

struct character {
	const char *text;
	size_t len;
	unsigned columns; /* 0 for a combining mark */
};

/*
 * Return true if `code`, a character of width 0, is a joiner, a control or a
 * variation selector.  Terminals do not agree on the width of such characters,
 * so the canvas omits them.
 */
static bool is_invisible(uint32_t code)
{
	return (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) ||
	       (code >= 0xfe00 && code <= 0xfe0f) || code == 0xfeff ||
	       code >= 0xe0000;
}

/*
 * Get the character at `text`, or the replacement that the canvas shows.
 * Returns the number of bytes of `text` to skip.
 */
static size_t next_character(const char *text, bool ascii,
			     struct character *out)
{
	const uint8_t *p = (const uint8_t *)text;
	uint32_t code = 0;
	size_t len;

	*out = (struct character){ text, 1, 1 };
	if (*p >= 0x20 && *p < 0x7f)
		return 1;
	len = printable_utf8(p, strnlen(text, 4), &code);
	if (*p == '\t')
		out->text = " ";
	else if (!len || !printable_is_safe(bytes_of(p, len), 0))
		out->text = "?";
	if (out->text != text)
		return len ? len : 1;
	out->len = len;
	out->columns = text_width_of_char(code);
	if (!out->columns && (ascii || is_invisible(code)))
		out->len = 0;
	else if (ascii)
		*out = (struct character){ "?", 1, 1 };
	return len;
}

/*
 * New text in the cells from `from` to `to` - 1 can overwrite one half of a
 * wide character.  Replace the other half, which is outside these cells, by a
 * blank.
 */
static void clear_split_glyphs(struct ui_glyph *row, unsigned columns,
			       unsigned from, unsigned to)
{
	if (from && from < columns && !row[from].text[0])
		memcpy(row[from - 1].text, blank.text, sizeof(blank.text));
	if (to < columns && !row[to].text[0])
		memcpy(row[to].text, blank.text, sizeof(blank.text));
}

/*
 * Draw text in at most `columns` columns; 0 means up to the end of the row.
 * Returns the number of columns used, which is 0 if the position is outside the
 * canvas.
 */
static unsigned put_text(struct ui_canvas *c, unsigned row, unsigned column,
			 unsigned columns, enum ui_style style,
			 const char *text)
{
	struct ui_glyph *cells = c->glyphs + (size_t)row * c->columns;
	unsigned at = column, end = c->columns;

	if (row >= c->rows || column >= c->columns || !*text)
		return 0;
	if (columns && columns < end - column)
		end = column + columns;
	clear_split_glyphs(cells, c->columns, column, c->columns);
	while (*text) {
		struct ui_glyph *cell = &cells[at];
		struct character ch;
		size_t len;

		text += next_character(text, c->ascii, &ch);
		if (at + ch.columns > end)
			break;
		if (ch.columns) {
			*cell = (struct ui_glyph){ .style = (uint8_t)style };
			memcpy(cell->text, ch.text, ch.len);
			if (ch.columns == 2)
				cell[1] = (struct ui_glyph){
					.style = (uint8_t)style
				};
		} else if (at > column) {
			cell -= cell[-1].text[0] ? 1 : 2;
			len = strlen(cell->text);
			/* Drop a combining mark if the cell is full. */
			if (len + ch.len < sizeof(cell->text))
				memcpy(cell->text + len, ch.text, ch.len);
		}
		at += ch.columns;
	}
	clear_split_glyphs(cells, c->columns, 0, at);
	return at - column;
}

static unsigned fill_row(struct ui_canvas *c, unsigned row, unsigned column,
			 unsigned columns, enum ui_style style,
			 const char *character)
{
	struct ui_glyph *cells = c->glyphs + (size_t)row * c->columns;
	unsigned took = 0, width;

	if (!columns)
		return 0;
	width = put_text(c, row, column, columns, style, character);
	if (width != 1)
		return width;
	while (++took < columns && column + took < c->columns)
		cells[column + took] = cells[column];
	clear_split_glyphs(cells, c->columns, 0, column + took);
	return took;
}

/* ---- areas ---- */

unsigned ui_area_put(const struct ui_area *a, unsigned row, unsigned column,
		     unsigned columns, enum ui_style style, const char *text)
{
	if (row >= a->rows || column >= a->columns)
		return 0;
	if (!columns || columns > a->columns - column)
		columns = a->columns - column;
	return put_text(a->canvas, a->row + row, a->column + column, columns,
			style, text);
}

unsigned ui_area_fill(const struct ui_area *a, unsigned row, unsigned column,
		      unsigned columns, enum ui_style style,
		      const char *character)
{
	if (row >= a->rows || column >= a->columns)
		return 0;
	return fill_row(a->canvas, a->row + row, a->column + column,
			smaller_of(columns, a->columns - column), style,
			character);
}

unsigned ui_area_printf(const struct ui_area *a, unsigned row, unsigned column,
			enum ui_style style, const char *fmt, ...)
{
	char text[UI_COLUMNS_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return ui_area_put(a, row, column, 0, style, text);
}

void ui_area_put_right(const struct ui_area *a, unsigned row, unsigned column,
		       unsigned columns, enum ui_style style, const char *text)
{
	unsigned width = text_width(text);

	if (columns && width < columns)
		column += columns - width;
	ui_area_put(a, row, column, width < columns ? width : columns, style,
		    text);
}

unsigned ui_area_put_elided(const struct ui_area *a, unsigned row,
			    unsigned column, unsigned columns,
			    enum ui_style style, const char *text)
{
	struct buf cut = { 0 };
	unsigned took;

	if (column >= a->columns || !columns)
		return 0;
	columns = smaller_of(columns, a->columns - column);
	/* Short text fits: it has at most as many columns as bytes. */
	if (strnlen(text, columns + 1) <= columns)
		return ui_area_put(a, row, column, columns, style, text);
	text_width_elide(&cut, text, columns);
	took = ui_area_put(a, row, column, columns, style, buf_str(&cut));
	buf_release(&cut);
	return took;
}

void ui_area_set_style(const struct ui_area *a, unsigned row,
		       enum ui_style style)
{
	struct ui_canvas *c = a->canvas;
	struct ui_glyph *cells;

	if (row >= a->rows || a->row + row >= c->rows)
		return;
	cells = c->glyphs + (size_t)(a->row + row) * c->columns;
	for (unsigned i = a->column;
	     i < c->columns && i - a->column < a->columns; i++)
		cells[i].style = (uint8_t)style;
}

void ui_area_put_title(const struct ui_area *a, unsigned row, const char *text)
{
	const char *rule = a->canvas->ascii ? "-" : "\u2500";
	enum ui_style style = a->focused ? UI_STYLE_TITLE : UI_STYLE_DIM;
	unsigned at = ui_area_put(a, row, 0, 0, style, a->focused ? ">" : rule);

	at += ui_area_put(a, row, at, 0, style, " ");
	at += ui_area_put_elided(a, row, at, a->columns - at,
				 a->focused ? UI_STYLE_TITLE : UI_STYLE_BOLD,
				 text);
	at += ui_area_put(a, row, at, 0, style, " ");
	ui_area_fill(a, row, at, a->columns, style, rule);
}

/* ---- bars ---- */

const struct ui_bar_symbol ui_bar_symbols[UI_BAR_PARTS] = {
	[UI_BAR_SCAN] = { "-", "\u25a1", UI_STYLE_SCAN },
	[UI_BAR_SEND] = { ">", "\u25b8", UI_STYLE_SEND },
	[UI_BAR_RUN] = { "o", "\u25a0", UI_STYLE_RUN },
	[UI_BAR_RECEIVE] = { "<", "\u25c2", UI_STYLE_RECEIVE },
	[UI_BAR_LOCAL] = { "%", "\u25c6", UI_STYLE_LOCAL },
	[UI_BAR_FREE] = { ".", "\u00b7", UI_STYLE_DIM },
};

/* Scale the parts of the bar, whose sum is `total`, to a sum of `cells`. */
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
		at += ui_area_fill(a, row, at, n, ui_bar_symbols[i].style,
				   a->canvas->ascii ? ui_bar_symbols[i].ascii :
						      ui_bar_symbols[i].utf8);
	}
	at += ui_area_put(a, row, at, 1, UI_STYLE_NORMAL, scaled ? "}" : "]");
	return at - column;
}

void ui_bar_put_progress(const struct ui_area *a, unsigned row, unsigned column,
			 unsigned columns, unsigned percent)
{
	unsigned inside = columns > 2 ? columns - 2 : 0;
	unsigned done = inside * percent / 100;
	bool ascii = a->canvas->ascii;

	ui_area_put(a, row, column, 1, UI_STYLE_NORMAL, "[");
	ui_area_fill(a, row, column + 1, done, UI_STYLE_GOOD,
		     ascii ? "#" : "\u2588");
	ui_area_fill(a, row, column + 1 + done, inside - done, UI_STYLE_DIM,
		     ascii ? " " : "\u2591");
	ui_area_put(a, row, column + 1 + inside, 1, UI_STYLE_NORMAL, "]");
}

void ui_bar_put_sparkline(const struct ui_area *a, unsigned row,
			  unsigned column, const uint64_t *values, unsigned n)
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
		ui_area_put(a, row, column + i, 1, UI_STYLE_RUN,
			    a->canvas->ascii ? ascii[level] : utf8[level]);
	}
}
