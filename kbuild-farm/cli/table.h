/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/table.h - columns of text, as wide as their widest cell.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/str.h"

#include <stdio.h>

struct table {
	const char *align; /* a letter per column: l or r */
	struct strv cells; /* row by row; add with strv_add() */
};

/* Prints all rows, the last column unpadded, and empties the table. */
void table_print(FILE *out, struct table *t);

#endif
