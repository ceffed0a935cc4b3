/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/nodes-check.h - what `kfarm nodes check` found, as text and as JSON.
 */
#ifndef CLI_NODES_CHECK_H
#define CLI_NODES_CHECK_H

#include "peer/verdict.h"

#include <jansson.h>
#include <stdio.h>

struct nodes_check {
	const struct peer_trial *trial;
	const char *compiler; /* "gcc 12.2.0" */
	struct peer_verdict (*verdict)[PEER_VERDICTS]; /* of each node */
};

/* Judge the nodes of a trial that is over.  Release it. */
void nodes_check_judge(struct nodes_check *c, const struct peer_trial *trial,
		       const char *compiler);
void nodes_check_release(struct nodes_check *c);
/* Did nothing fail? */
bool nodes_check_is_good(const struct nodes_check *c);

/* A line for each node in 80 columns, then what is wrong, and what to do. */
void nodes_check_text(FILE *out, const struct nodes_check *c);
/* All of it; the caller's reference. */
json_t *nodes_check_json(const struct nodes_check *c);
/*
 * A node's name in 12 columns; it is said in full where something is wrong.
 * The caller frees it.
 */
char *nodes_check_name(const char *name);
/* Prints `text`, which may hold anything, indented, in 80 columns. */
void nodes_check_line(FILE *out, const char *text);
/* Prints "NODE: row", what is wrong and `todo`, in 80 columns. */
void nodes_check_finding(FILE *out, const char *node, const char *row,
			 const char *what, const char *todo);

/*
 * cli/nodes-burn.c
 */
/* The report of a burn-in, in 80 columns; nothing where there was none. */
void nodes_burn_text(FILE *out, const struct nodes_check *c);
/* "1234 compiles, 1 wrong, 71 C": how it is; the caller frees it. */
char *nodes_burn_live(const struct peer_trial_node *n);
/* The milliseconds that "30s", "10m", "8h" mean: 0 where it is no time. */
uint64_t nodes_burn_time(const char *text);

#endif
