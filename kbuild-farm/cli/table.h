/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/table.h - Text tables and JSON on standard output.
 *
 * A column is as wide as its widest field.  Widths are terminal columns.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/record.h"
#include "base/str.h"

#include <jansson.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 20

struct table {
	const char *align; /* a letter per column: l or r */
	struct strv fields; /* row by row; add with strv_add() */
	/* a line below each row except the titles; "": no line */
	struct strv below;
	/*
	 * If not 0, the last column is wrapped at words so that a row has at
	 * most this width.  The last column gets at least 12 columns.
	 */
	unsigned wrap_columns;
	char record_align[TABLE_COLUMNS_MAX + 1]; /* for table_add_record() */
};

/*
 * Add a row for the struct `s`, which `r` describes.  All rows of a table must
 * have the same record.  If the table is empty, first adds the titles and sets
 * `align`.
 */
void table_add_record(struct table *t, const struct record *r, const void *s);
/* The records of the listings, for the test that checks the manual. */
extern const struct record doctor_finding_record, nodes_burn_record,
	nodes_pool_record, nodes_row_record, simulated_build_record,
	simulated_farm_record, top_node_record, tree_listed_record;

/* Return the width of the table. */
unsigned table_width(const struct table *t);
/*
 * Replace a field of the last column with `text` if the field is wider than 12
 * columns and makes its row wider than `columns`.
 */
void table_replace_wide(struct table *t, unsigned columns, const char *text);
/* Print all rows, without padding the last column, and empty the table. */
void table_print(FILE *out, struct table *t);
/*
 * Print `text` wrapped at words to `columns` columns.  Lines after the first
 * are indented by `indent` columns.
 */
void table_print_wrapped(FILE *out, const char *text, unsigned indent,
			 unsigned columns);
/* Print the output of --json on stdout and release the reference. */
void table_print_json(json_t *json);

#endif
