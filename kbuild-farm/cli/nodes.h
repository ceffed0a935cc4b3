/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/nodes.h - what `kfarm nodes` found out, and two ways to show it.
 */
#ifndef CLI_NODES_H
#define CLI_NODES_H

#include "conf/conf.h"
#include "node/limits.h"
#include "node/roster.h"
#include "peer/tools.h"

#include <jansson.h>
#include <stdio.h>

struct nodes_survey {
	struct peer_tools_node *nodes; /* in the order given */
	struct node_limit *limits; /* of each that is up; else zeroed */
	size_t n;
	struct wire_inventory local;
	struct node_limit local_limit;
	unsigned capacity; /* kernel/capacity.h */
	char *capacity_why;
};

/* Ask the nodes, all at once. */
int nodes_survey(struct nodes_survey *s, const struct node_entry *const *nodes,
		 size_t n, struct err *err);
void nodes_survey_release(struct nodes_survey *s);
/* Why it gets no jobs; NULL if it does. */
const char *nodes_reason(const struct peer_tools_node *p);

void nodes_text_list(FILE *out, const struct nodes_survey *s);
void nodes_text_probe(FILE *out, const struct nodes_survey *s);
void nodes_text_limits(FILE *out, const struct nodes_survey *s);
/* The caller's reference. */
json_t *nodes_json_list(const struct nodes_survey *s);
json_t *nodes_json_limits(const struct nodes_survey *s);

#endif
