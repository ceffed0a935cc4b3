/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/cond.h - conditions, and what they were the last time.
 *
 * A condition is a function of the definitions that its evaluation looked
 * at.  So a memo holds those names with the definition that each had, and
 * the answer; a unit in which all of them are the same takes it over.
 */
#ifndef SCAN_COND_H
#define SCAN_COND_H

#include "scan/macro.h"

/* How many answers are kept per condition. */
#define SCAN_MEMOS 2

struct scan_memo;

/*
 * Evaluate a condition.  `memo` is a place for this condition and thread,
 * NULL at first; memos of another `epoch` do not count.  Returns 1 or 0;
 * -EINVAL with cpp->why.
 */
int scan_cond(struct scan_cpp *cpp, struct scan_text *t, uint32_t piece,
	      struct scan_memo **memo, uint32_t epoch);
/* Frees `n` places and the array. */
void scan_memos_free(struct scan_memo **memo, size_t n,
		     struct scan_names *names);

/* The tokens of a piece. */
const struct scan_tokens *scan_piece_tokens(struct scan_cpp *cpp,
					    struct scan_text *t,
					    uint32_t piece);

#endif
