/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin/verdict.h - Assessment of a tested node, with advice. */
#ifndef ADMIN_VERDICT_H
#define ADMIN_VERDICT_H

#include "admin/node-test.h"

enum admin_verdict_row {
	ADMIN_VERDICT_ROW_REACH,
	ADMIN_VERDICT_ROW_KEY,
	ADMIN_VERDICT_ROW_CLOCK,
	ADMIN_VERDICT_ROW_DISK,
	ADMIN_VERDICT_ROW_BANDWIDTH,
	ADMIN_VERDICT_ROW_SANDBOX,
	ADMIN_VERDICT_ROW_CANARY,
	ADMIN_VERDICT_ROW_KNOWN_ANSWER,
	/* number of rows in the table, which omits the burn-in */
	ADMIN_VERDICT_ROW_COUNT,
	ADMIN_VERDICT_ROW_BURN_IN = ADMIN_VERDICT_ROW_COUNT,
	ADMIN_VERDICT_COUNT,
};

enum admin_verdict_grade {
	/* no data: an earlier row failed, or the row is not applicable */
	ADMIN_VERDICT_GRADE_UNTESTED,
	ADMIN_VERDICT_GRADE_GOOD,
	ADMIN_VERDICT_GRADE_POOR, /* works, but worse than it should */
	ADMIN_VERDICT_GRADE_FAILED,
};

struct admin_verdict {
	enum admin_verdict_grade grade;
	char *summary; /* such as "3 ms"; at most 9 columns */
	char *finding; /* NULL: the summary is sufficient */
	char *advice; /* NULL: none */
};

/* Return the name of a row: "reach", "key" ... */
const char *admin_verdict_row_name(enum admin_verdict_row row);
/* Return the name of a grade: "good", "poor", "failed", "untried". */
const char *admin_verdict_grade_name(enum admin_verdict_grade is);

/*
 * Assess a node after a test; `compiler` is the compiler's name for display.
 * The caller releases `v`.
 */
void admin_verdict(struct admin_verdict v[static ADMIN_VERDICT_COUNT],
		   const struct admin_node_test_result *n,
		   const char *compiler);
/* Free the texts of all rows. */
void admin_verdict_release(struct admin_verdict v[static ADMIN_VERDICT_COUNT]);
/* Return true if any row failed. */
bool admin_verdict_has_failed(
	const struct admin_verdict v[static ADMIN_VERDICT_COUNT]);

/*
 * After a burn-in of several nodes, return the index of a unit for which the
 * build host is probably at fault: at least two nodes returned wrong results,
 * all of them equal, and no node returned a right result.  Returns -1 if there
 * is no such unit.
 */
int admin_verdict_find_odd_unit(const struct admin_node_test_result *nodes,
				size_t n);

#endif
