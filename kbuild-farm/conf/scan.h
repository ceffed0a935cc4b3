/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf/scan.h - the text of a configuration file, with positions.
 *
 * libgit2 gives values but neither lines nor offsets; this finds them.  The
 * syntax is git-config's: sections, subsections (quoted, or after a dot),
 * comments, quotes, escapes, continued lines, keys on a section's own line.
 */
#ifndef CONF_SCAN_H
#define CONF_SCAN_H

#include "base/bytes.h"
#include "base/err.h"

/* A section's header or a key in it; the strings hold during the call. */
struct conf_item {
	const char *section; /* in lower case */
	const char *sub; /* NULL: none */
	const char *key; /* in lower case; NULL: this is the header */
	const char *value; /* unquoted; NULL: a key without "=" */
	unsigned line; /* on which it begins, from 1 */
	size_t at; /* its first byte in the text */
	size_t end; /* after it, and after its line if nothing follows there */
};

/* Returns 0 to go on; anything else ends the scan. */
typedef int conf_scan_fn(void *ctx, const struct conf_item *item);

/*
 * Call `fn` for each header and each key in order.  Returns 0, what `fn`
 * returned, or -EINVAL for bad syntax: then `line` is where the bad item
 * begins and `err` says what is wrong with it.
 */
int conf_scan(struct bytes text, conf_scan_fn *fn, void *ctx, unsigned *line,
	      struct err *err);

#endif
