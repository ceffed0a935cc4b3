/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/nodes-check.h - Results of `kfarm nodes check` as text and JSON.
 */
#ifndef CLI_NODES_CHECK_H
#define CLI_NODES_CHECK_H

#include "admin/verdict.h"

#include <jansson.h>
#include <stdio.h>

struct nodes_check {
	const struct admin_node_test *trial; /* borrowed */
	const char *compiler; /* "gcc 12.2.0", borrowed */
	/* per node, an array of ADMIN_VERDICT_COUNT verdicts */
	struct admin_verdict (*verdicts)[ADMIN_VERDICT_COUNT];
};

/*
 * Assess the nodes of a finished test.  The caller keeps `trial` and `compiler`
 * until nodes_check_release().
 */
void nodes_check_judge(struct nodes_check *c,
		       const struct admin_node_test *trial,
		       const char *compiler);
void nodes_check_release(struct nodes_check *c);
/* Return true if no verdict of any node is a failure. */
bool nodes_check_has_passed(const struct nodes_check *c);

/*
 * Print a table with a row per node, then each finding with its advice, in 80
 * columns.
 */
void nodes_check_print(FILE *out, const struct nodes_check *c);
/* Return all results as JSON; the caller releases the reference. */
json_t *nodes_check_json(const struct nodes_check *c);

/* Print the report of a burn-in in 80 columns; nothing without a burn-in. */
void nodes_burn_print(FILE *out, const struct nodes_check *c);
/*
 * Parse a duration such as "30s", "10m", "8h" or "7d", at most seven days.
 * Returns milliseconds, or 0 if `text` is not a duration.
 */
uint64_t nodes_burn_parse_time(const char *text);

#endif
