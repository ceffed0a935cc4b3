/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/tune-result.h - what came of setting or reverting, and values in prose.
 */
#ifndef NODE_TUNE_RESULT_H
#define NODE_TUNE_RESULT_H

#include "base/bytes.h"
#include "base/err.h"

#include <stddef.h>

/* What node.sh printed while it set or reverted. */
struct node_tune_result {
	size_t done; /* how many */
	size_t back; /* of an earlier profile alone: as they were before it */
	struct node_tune_failure {
		char *path, *why;
	} * failed;
	size_t n_failed;
};

/* -EPROTO with `err` set when it broke off: what is set is not known then. */
int node_tune_result(struct node_tune_result *r, struct bytes said,
		     struct err *err);
void node_tune_result_release(struct node_tune_result *r);

/* A value of such a file for a person: "1704 MHz"; the caller frees it. */
char *node_tune_text(const char *path, const char *value);

#endif
