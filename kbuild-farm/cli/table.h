/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/table.h - a listing: columns of text, as wide as their widest cell, or
 * JSON.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/str.h"

#include <jansson.h>
#include <stdio.h>

struct table {
	const char *align; /* a letter per column: l or r */
	struct strv cells; /* row by row; add with strv_add() */
	/* Where not 0: the last column goes on below itself, at words, so that
	   no row takes more columns than that, as far as it has 12. */
	unsigned wrap;
};

/* How many columns of a terminal a row takes. */
unsigned table_width(const struct table *t);
/*
 * Shorten what is in the last column so that no row takes more than `columns`,
 * but leave it 12.
 */
void table_fit(struct table *t, unsigned columns);
/* Prints all rows, the last column unpadded, and empties the table. */
void table_print(FILE *out, struct table *t);
/* Prints what a --json is answered with on stdout, and takes the reference. */
void table_json(json_t *made);

#endif
