/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/history.h - Selection and printing of builds for `kfarm history`.
 */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include "base/err.h"
#include "history/read.h"

#include <jansson.h>
#include <stdio.h>

struct history_listing {
	struct history_build *builds; /* newest first; printed in reverse */
	size_t n_builds;
};

/*
 * Print a table with a row per build.  Long names are cut so that the table
 * fits in `columns` columns; `columns` is at least 80, or UINT_MAX to cut
 * nothing.
 */
void history_print(FILE *out, const struct history_listing *l,
		   unsigned columns);
/* Return the builds as JSON; the caller releases the reference. */
json_t *history_json(const struct history_listing *l);

/*
 * Parse an age such as 30m, 12h, 7d or 2w.  *out becomes `now_s` minus the age.
 * Returns false if `text` is not an age.
 */
bool history_parse_age(const char *text, int64_t now_s, int64_t *out);
/*
 * Parse the value of --since into seconds since 1970: a local time
 * ("2026-11-01" or "2026-11-01 02:30"), or an age before `now_s` (30m, 12h, 7d,
 * 2w).  Returns 0, or -EINVAL with `err` set.
 */
int history_parse_since(const char *text, int64_t now_s, int64_t *out,
			struct err *err);

#endif
