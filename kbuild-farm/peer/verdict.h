/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/verdict.h - what a trial says about a node, row by row: is it well, in
 * a word and in a sentence, and what is to be done if not.
 */
#ifndef PEER_VERDICT_H
#define PEER_VERDICT_H

#include "peer/trial.h"

enum peer_verdict_row {
	PEER_VERDICT_REACH,
	PEER_VERDICT_KEY,
	PEER_VERDICT_CLOCK,
	PEER_VERDICT_DISK,
	PEER_VERDICT_LINK,
	PEER_VERDICT_SANDBOX,
	PEER_VERDICT_CANARY,
	PEER_VERDICT_ANSWER,
	PEER_VERDICT_ROWS, /* of the table; behind it: */
	PEER_VERDICT_BURN = PEER_VERDICT_ROWS,
	PEER_VERDICTS,
};

enum peer_verdict_is {
	PEER_VERDICT_UNTRIED, /* something before it failed, or it has none */
	PEER_VERDICT_GOOD,
	PEER_VERDICT_POOR, /* it works, and not as well as it should */
	PEER_VERDICT_FAILED,
};

struct peer_verdict {
	enum peer_verdict_is is;
	char *brief; /* "3 ms", in at most 9 columns */
	char *what; /* in words; NULL: the brief ones say it all */
	char *todo; /* NULL: nothing */
};

/* "reach", "key" ... */
const char *peer_verdict_name(enum peer_verdict_row row);
/* "good", "poor", "failed", "untried" */
const char *peer_verdict_word(enum peer_verdict_is is);

/*
 * Judge a node after a trial; `compiler` is what people call it.  Release `v`.
 */
void peer_verdict(struct peer_verdict v[static PEER_VERDICTS],
		  const struct peer_trial_node *n, const char *compiler);
void peer_verdict_release(struct peer_verdict v[static PEER_VERDICTS]);
/* Did any row fail? */
bool peer_verdict_failed(const struct peer_verdict v[static PEER_VERDICTS]);

/*
 * After a burn-in of several nodes: a unit whose every answer everywhere was
 * the same wrong one, and by two nodes or more.  Then it is this machine that
 * computes otherwise.  Its number, or -1.
 */
int peer_verdict_odd_unit(const struct peer_trial_node *nodes, size_t n);

#endif
