/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/table.h"

#include "ui/width.h"

#include <stdlib.h>
#include <string.h>

#define GAP        2 /* between two columns */
#define LAST_LEAST 12

/* The width of each column; the caller frees it. */
static int *column_widths(const struct table *t, size_t columns)
{
	int *wide = xcalloc(columns, sizeof(*wide));

	for (size_t i = 0; i < t->cells.n; i++) {
		int n = (int)ui_width(t->cells.v[i]);

		if (n > wide[i % columns])
			wide[i % columns] = n;
	}
	return wide;
}

unsigned table_width(const struct table *t)
{
	size_t columns = strlen(t->align);
	int *wide = column_widths(t, columns);
	unsigned all = GAP * (unsigned)(columns - 1);

	for (size_t i = 0; i < columns; i++)
		all += (unsigned)wide[i];
	free(wide);
	return all;
}

void table_fit(struct table *t, unsigned columns)
{
	size_t n = strlen(t->align);
	int *wide = column_widths(t, n);
	unsigned before = GAP * (unsigned)(n - 1), left = LAST_LEAST;

	for (size_t i = 0; i + 1 < n; i++)
		before += (unsigned)wide[i];
	if (columns > before + left)
		left = columns - before;
	for (size_t i = n - 1; i < t->cells.n; i += n) {
		struct buf cell = { 0 };

		if (ui_width(t->cells.v[i]) <= left)
			continue;
		ui_width_elide(&cell, t->cells.v[i], left);
		free(t->cells.v[i]);
		t->cells.v[i] = buf_steal(&cell);
	}
	free(wide);
}

/* Each line of `text` below the first is behind `indent` blanks. */
static void print_below(FILE *out, const char *text, unsigned indent,
			unsigned columns)
{
	unsigned left = columns, word;

	for (; *text; text += strspn(text, " ")) {
		size_t len = strcspn(text, " ");
		char *copy = xstrndup(text, len);

		word = ui_width(copy);
		if (left < columns && word + 1 > left) {
			fprintf(out, "\n%*s", (int)indent, "");
			left = columns;
		}
		fprintf(out, "%s%s", left < columns ? " " : "", copy);
		word += left < columns;
		left = left > word ? left - word : 0;
		text += len;
		free(copy);
	}
}

static void print_last(FILE *out, const struct table *t, const int *wide,
		       const char *text)
{
	size_t last = strlen(t->align) - 1;
	unsigned before = GAP * (unsigned)last, left = LAST_LEAST;

	for (size_t i = 0; i < last; i++)
		before += (unsigned)wide[i];
	if (t->wrap > before + left)
		left = t->wrap - before;
	if (t->wrap && t->align[last] == 'l')
		print_below(out, text, before, left);
	else
		fputs(text, out);
	fputc('\n', out);
}

void table_print(FILE *out, struct table *t)
{
	size_t columns = strlen(t->align);
	int *wide = column_widths(t, columns);

	for (size_t i = 0; i < t->cells.n; i++) {
		size_t column = i % columns;

		int pad = wide[column] - (int)ui_width(t->cells.v[i]);

		if (column)
			fprintf(out, "%*s", GAP, "");
		if (t->align[column] == 'r')
			fprintf(out, "%*s", pad, "");
		if (column + 1 == columns)
			print_last(out, t, wide, t->cells.v[i]);
		else
			fputs(t->cells.v[i], out);
		if (column + 1 < columns && t->align[column] == 'l')
			fprintf(out, "%*s", pad, "");
	}
	free(wide);
	strv_release(&t->cells);
}

void table_json(json_t *made)
{
	/* It may go to a terminal, and names steer that (base/printable.h). */
	json_dumpf(made, stdout,
		   JSON_INDENT(2) | JSON_REAL_PRECISION(6) | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(made);
}
