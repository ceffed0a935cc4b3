/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/history.h - what `kfarm history` shows of builds, and for when.
 */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include "base/err.h"
#include "history/read.h"

#include <jansson.h>
#include <stdio.h>

struct history_lines {
	struct history_build *v; /* the first is printed last */
	size_t n;
};

/* A line each below a heading, which fit `columns` of at least 80. */
void history_print(FILE *out, const struct history_lines *l, unsigned columns);
json_t *history_json(const struct history_lines *l);

/*
 * What --since means, in seconds since 1970: "2026-11-01", "2026-11-01 02:30"
 * (local time), or before `now_s` 30m, 12h, 7d, 2w.
 */
int history_since(const char *text, int64_t now_s, int64_t *out,
		  struct err *err);

#endif
