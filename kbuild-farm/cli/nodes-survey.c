/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include "kernel/capacity.h"
#include "node/inventory.h"

#include <stdlib.h>

int nodes_survey(struct nodes_survey *s, const struct node_entry *const *nodes,
		 size_t n, struct err *err)
{
	struct node_probe_setup setup = { .nodes = nodes, .n = n };
	int ret;

	*s = (struct nodes_survey){ .n = n };
	s->probes = xcalloc(n, sizeof(*s->probes));
	s->limits = xcalloc(n, sizeof(*s->limits));
	node_inventory_collect(&s->local);
	node_limit_local(&s->local_limit, &s->local);
	s->capacity = kernel_capacity(&s->capacity_why, "");
	ret = node_probe(s->probes, &setup, err);
	for (size_t i = 0; !ret && i < n; i++) {
		if (s->probes[i].up)
			node_limit(&s->limits[i], &s->probes[i].inventory,
				   nodes[i]->slots);
	}
	if (ret)
		nodes_survey_release(s);
	return ret;
}

void nodes_survey_release(struct nodes_survey *s)
{
	for (size_t i = 0; i < s->n; i++) {
		node_probe_release(&s->probes[i]);
		free(s->limits[i].why);
	}
	free(s->probes);
	free(s->limits);
	wire_inventory_release(&s->local);
	free(s->local_limit.why);
	free(s->capacity_why);
	*s = (struct nodes_survey){ 0 };
}

const char *nodes_state(const struct node_probe *p)
{
	if (!p->up)
		return "down";
	return p->fit ? "up" : "unfit";
}

char *nodes_reason(const struct node_probe *p)
{
	if (!p->up)
		return xstrdup(p->why);
	return p->fit ? NULL : xstrdup(p->lacks);
}

unsigned nodes_jobs(const struct nodes_survey *s)
{
	unsigned sum = s->local_limit.slots;

	for (size_t i = 0; i < s->n; i++) {
		if (s->probes[i].fit)
			sum += s->limits[i].slots;
	}
	return sum < s->capacity ? sum : s->capacity;
}
