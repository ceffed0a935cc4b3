/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf/scan.h - Scanner for configuration files with positions.
 *
 * libgit2 does not return the line or the offset of a value, but error messages
 * and edits need them.  The syntax is that of git-config(1):
 * sections, subsections (quoted or after a dot), comments, quotes, escapes,
 * continued lines, and keys on the line of a section header.
 */
#ifndef CONF_SCAN_H
#define CONF_SCAN_H

#include "base/bytes.h"
#include "base/err.h"

/* A section header or a key; the strings are valid during the callback. */
struct conf_item {
	const char *section; /* in lower case */
	const char *sub; /* NULL for none */
	const char *key; /* in lower case; NULL for a header */
	const char *value; /* unquoted; NULL for a key without "=" */
	unsigned line; /* first line of the item, from 1 */
	size_t start; /* offset of the first byte of the item */
	/*
	 * offset after the item: start of the next line, or the byte after "]"
	 * if more text follows on the line of a header
	 */
	size_t end;
};

/* Return 0 to continue; any other value ends the scan. */
typedef int conf_item_fn(void *ctx, const struct conf_item *item);

/*
 * Call `fn` for each header and key in order.  Returns 0, the value of `fn`, or
 * -EINVAL for a syntax error, with the first line of the invalid item in *line
 * and the problem in `err`.
 */
int conf_scan(struct bytes text, conf_item_fn *fn, void *ctx, unsigned *line,
	      struct err *err);

#endif
