/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/table.h"

#include "base/buf.h"
#include "base/text-width.h"

#include <stdlib.h>
#include <string.h>

#define COLUMN_GAP      2 /* between two columns */
#define LAST_COLUMN_MIN 12

void table_add_record(struct table *t, const struct record *r, const void *s)
{
	bool titles = !t->fields.n;
	struct strv row = { 0 };

	t->align = t->record_align;
	for (unsigned i = 1; i <= TABLE_COLUMNS_MAX; i++) {
		const void *of = s;
		const struct record_member *m = record_find_column(r, i, &of);

		if (!m)
			continue;
		if (titles) {
			t->record_align[row.n] = m->align_right ? 'r' : 'l';
			strv_add(&t->fields, m->title);
		}
		strv_own(&row, record_format(m, of));
	}
	for (size_t i = 0; i < row.n; i++)
		strv_own(&t->fields, row.v[i]);
	free(row.v);
}

/* Return the width of each column; the caller frees the array. */
static int *column_widths(const struct table *t, size_t columns)
{
	int *wide = xcalloc(columns, sizeof(*wide));

	for (size_t i = 0; i < t->fields.n; i++) {
		int n = (int)text_width(t->fields.v[i]);

		if (n > wide[i % columns])
			wide[i % columns] = n;
	}
	return wide;
}

unsigned table_width(const struct table *t)
{
	size_t columns = strlen(t->align);
	int *wide = column_widths(t, columns);
	unsigned all = COLUMN_GAP * (unsigned)(columns - 1);

	for (size_t i = 0; i < columns; i++)
		all += (unsigned)wide[i];
	free(wide);
	return all;
}

void table_replace_wide(struct table *t, unsigned columns, const char *text)
{
	size_t n = strlen(t->align);
	int *wide = column_widths(t, n);
	unsigned before = COLUMN_GAP * (unsigned)(n - 1),
		 left = LAST_COLUMN_MIN;

	for (size_t i = 0; i + 1 < n; i++)
		before += (unsigned)wide[i];
	if (columns > before + left)
		left = columns - before;
	for (size_t i = n - 1; i < t->fields.n; i += n) {
		if (text_width(t->fields.v[i]) <= left)
			continue;
		free(t->fields.v[i]);
		t->fields.v[i] = xstrdup(text);
	}
	free(wide);
}

void table_print_wrapped(FILE *out, const char *text, unsigned indent,
			 unsigned columns)
{
	struct buf lines = { 0 };

	text_width_wrap(&lines, text, indent, indent, indent + columns);
	fputs(buf_str(&lines), out);
	buf_release(&lines);
}

void table_print(FILE *out, struct table *t)
{
	size_t columns = strlen(t->align);
	int *wide = column_widths(t, columns);
	unsigned before = COLUMN_GAP * (unsigned)(columns - 1);
	unsigned left = LAST_COLUMN_MIN;
	bool wraps = t->wrap_columns && t->align[columns - 1] == 'l';

	for (size_t i = 0; i + 1 < columns; i++)
		before += (unsigned)wide[i];
	if (t->wrap_columns > before + left)
		left = t->wrap_columns - before;
	for (size_t i = 0; i < t->fields.n; i++) {
		size_t column = i % columns, row = i / columns;
		int pad = wide[column] - (int)text_width(t->fields.v[i]);

		if (column)
			fprintf(out, "%*s", COLUMN_GAP, "");
		if (t->align[column] == 'r')
			fprintf(out, "%*s", pad, "");
		if (column + 1 == columns && wraps)
			table_print_wrapped(out, t->fields.v[i], before, left);
		else
			fputs(t->fields.v[i], out);
		if (column + 1 < columns && t->align[column] == 'l')
			fprintf(out, "%*s", pad, "");
		if (column + 1 < columns)
			continue;
		fputc('\n', out);
		if (row && row <= t->below.n && *t->below.v[row - 1])
			fprintf(out, "%s\n", t->below.v[row - 1]);
	}
	free(wide);
	strv_release(&t->fields);
	strv_release(&t->below);
}

void table_print_json(json_t *json)
{
	/* Escape non-ASCII text: names can contain control characters. */
	json_dumpf(json, stdout,
		   JSON_INDENT(2) | JSON_REAL_PRECISION(6) | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(json);
}
