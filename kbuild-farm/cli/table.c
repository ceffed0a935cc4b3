/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

static int width(const struct table *t, size_t column, size_t columns)
{
	size_t widest = 0;

	for (size_t i = column; i < t->cells.n; i += columns) {
		size_t n = strlen(t->cells.v[i]);

		if (n > widest)
			widest = n;
	}
	return (int)widest;
}

void table_print(FILE *out, struct table *t)
{
	size_t columns = strlen(t->align);

	for (size_t i = 0; i < t->cells.n; i++) {
		size_t column = i % columns;
		int wide = width(t, column, columns);

		if (column)
			fputs("  ", out);
		if (t->align[column] == 'r')
			fprintf(out, "%*s", wide, t->cells.v[i]);
		else if (column + 1 < columns)
			fprintf(out, "%-*s", wide, t->cells.v[i]);
		else
			fputs(t->cells.v[i], out);
		if (column + 1 == columns)
			fputc('\n', out);
	}
	strv_release(&t->cells);
}
