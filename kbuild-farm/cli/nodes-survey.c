/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/nodes.h"

#include "cli/table.h"
#include "kernel/capacity.h"
#include "node/inventory.h"

#include <stdlib.h>

static void limit_node(struct nodes_limit *l, const struct peer_tools_node *p)
{
	const struct wire_inventory *inv = &p->hello.inventory;
	/* Before version 8 a node says how it does with its beats alone. */
	const struct wire_health *h = p->machine.kernel ? &p->machine.health :
							  &wire_health_unknown;

	node_limit(&l->full, inv, &p->machine, p->entry->slots);
	l->now = node_limit_now(l->full.slots, inv, h, 0, &l->in_way);
}

void nodes_survey_limits(struct nodes_survey *s)
{
	unsigned fed = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct peer_tools_node *p = &s->nodes[i];

		if (p->up)
			limit_node(&s->limits[i], p);
		if (!nodes_reason(p))
			fed += node_limit_fed(s->local.cores,
					      p->hello.inventory.cores);
	}
	node_limit_local(&s->local_limit, &s->local, fed);
}

int nodes_survey(struct nodes_survey *s, const struct node_entry *const *nodes,
		 size_t n, struct err *err)
{
	struct peer_tools_setup setup = { .n = n, .survey = true };
	int ret;

	*s = (struct nodes_survey){ .n = n };
	s->nodes = setup.nodes = xcalloc(n, sizeof(*s->nodes));
	for (size_t i = 0; i < n; i++)
		peer_tools_init(&s->nodes[i], nodes[i]);
	s->limits = xcalloc(n, sizeof(*s->limits));
	node_inventory_collect(&s->local, "");
	s->capacity = kernel_capacity(&s->capacity_why, "");
	ret = peer_tools_run(&setup, NULL, err);
	if (!ret)
		nodes_identity_check(s->nodes, n);
	nodes_survey_limits(s);
	if (ret)
		nodes_survey_release(s);
	return ret;
}

void nodes_survey_release(struct nodes_survey *s)
{
	for (size_t i = 0; i < s->n; i++) {
		peer_tools_release(&s->nodes[i]);
		free(s->limits[i].full.why);
		free(s->limits[i].in_way);
	}
	free(s->nodes);
	free(s->limits);
	wire_inventory_release(&s->local);
	free(s->local_limit.why);
	free(s->capacity_why);
	*s = (struct nodes_survey){ 0 };
}

const char *nodes_state(const struct peer_tools_node *p)
{
	if (!p->up)
		return "down";
	if (p->barred)
		return "cloned";
	if (p->entry->drain)
		return "drained";
	return p->fit.fit ? "up" : "unfit";
}

const char *nodes_reason(const struct peer_tools_node *p)
{
	if (!p->up)
		return p->why;
	if (p->barred)
		return p->barred;
	if (p->entry->drain)
		return "until `kfarm nodes resume`";
	return p->fit.fit ? NULL : p->fit.why;
}

unsigned nodes_jobs(const struct nodes_survey *s)
{
	unsigned sum = s->local_limit.slots;

	for (size_t i = 0; i < s->n; i++) {
		if (!nodes_reason(&s->nodes[i]))
			sum += s->limits[i].now;
	}
	return sum < s->capacity ? sum : s->capacity;
}

char *nodes_memory_text(unsigned mib)
{
	return mib < 1024 ? xasprintf("%u MiB", mib) :
			    xasprintf("%.1f GiB", mib / 1024.0);
}

char *nodes_celsius_text(uint32_t mk)
{
	if (mk == WIRE_HEALTH_UNKNOWN)
		return NULL;
	return xasprintf("%d C", ((int)mk - WIRE_HEALTH_ZERO) / 1000);
}

void nodes_mac_text(char out[static NODES_MAC_SIZE], uint64_t mac)
{
	snprintf(out, NODES_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x",
		 (unsigned)(mac >> 40) & 0xff, (unsigned)(mac >> 32) & 0xff,
		 (unsigned)(mac >> 24) & 0xff, (unsigned)(mac >> 16) & 0xff,
		 (unsigned)(mac >> 8) & 0xff, (unsigned)mac & 0xff);
}

static int nodes_all_get_jobs(const struct nodes_survey *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct peer_tools_node *p = &s->nodes[i];

		/* Somebody wants it so where it is drained. */
		if (!p->fit.fit || p->barred)
			return EXIT_USAGE;
	}
	return EXIT_OK;
}

int nodes_survey_main(struct nodes_request *r,
		      void (*as_text)(FILE *, const struct nodes_survey *),
		      json_t *(*as_json)(const struct nodes_survey *))
{
	const struct node_entry **nodes;
	struct nodes_survey s;
	struct err err = { 0 };
	size_t n;
	int status;

	if (nodes_load(r, &err) || nodes_select(r, &nodes, &n, &err))
		return nodes_failed(r, &err);
	nodes_note_if_empty(r);
	status = nodes_survey(&s, nodes, n, &err);
	free(nodes);
	if (status)
		return nodes_failed(r, &err);
	if (r->json)
		table_json(as_json(&s));
	else
		as_text(stdout, &s);
	nodes_note_versions(&s);
	status = nodes_all_get_jobs(&s);
	nodes_survey_release(&s);
	return status;
}
