/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include "base/json.h"
#include "cli/table.h"
#include "kernel/capacity.h"
#include "node/inventory.h"

#include <stdlib.h>

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
	node_inventory_collect(&s->local);
	node_limit_local(&s->local_limit, &s->local);
	s->capacity = kernel_capacity(&s->capacity_why, "");
	ret = peer_tools_run(&setup, NULL, err);
	for (size_t i = 0; !ret && i < n; i++) {
		if (s->nodes[i].up)
			node_limit(&s->limits[i], &s->nodes[i].hello.inventory,
				   nodes[i]->slots);
	}
	if (ret)
		nodes_survey_release(s);
	return ret;
}

void nodes_survey_release(struct nodes_survey *s)
{
	for (size_t i = 0; i < s->n; i++) {
		peer_tools_release(&s->nodes[i]);
		free(s->limits[i].why);
	}
	free(s->nodes);
	free(s->limits);
	wire_inventory_release(&s->local);
	free(s->local_limit.why);
	free(s->capacity_why);
	*s = (struct nodes_survey){ 0 };
}

static const char *nodes_state(const struct peer_tools_node *p)
{
	if (!p->up)
		return "down";
	return p->fit.fit ? "up" : "unfit";
}

const char *nodes_reason(const struct peer_tools_node *p)
{
	if (!p->up)
		return p->why;
	return p->fit.fit ? NULL : p->fit.why;
}

static unsigned nodes_jobs(const struct nodes_survey *s)
{
	unsigned sum = s->local_limit.slots;

	for (size_t i = 0; i < s->n; i++) {
		if (s->nodes[i].fit.fit)
			sum += s->limits[i].slots;
	}
	return sum < s->capacity ? sum : s->capacity;
}

/* ------------------------------------------------------------- as text */

static char *memory_text(unsigned mib)
{
	return mib < 1024 ? xasprintf("%u MiB", mib) :
			    xasprintf("%.1f GiB", mib / 1024.0);
}

static void add_list_row(struct table *t, const struct nodes_survey *s,
			 size_t i)
{
	const struct peer_tools_node *p = &s->nodes[i];
	const struct wire_inventory *inv = &p->hello.inventory;
	const char *reason = nodes_reason(p);

	strv_add(&t->cells, p->entry->name);
	strv_add(&t->cells, nodes_state(p));
	if (p->up) {
		strv_addf(&t->cells, "%u", inv->cores);
		strv_own(&t->cells, memory_text(inv->memory_mib));
		strv_add(&t->cells, inv->machine);
		strv_addf(&t->cells, "%u", s->limits[i].slots);
		strv_addf(&t->cells, "%.2f", inv->load_milli / 1000.0);
	} else {
		for (int k = 0; k < 5; k++)
			strv_add(&t->cells, "-");
	}
	strv_add(&t->cells, reason ? reason : "ok");
}

void nodes_text_list(FILE *out, const struct nodes_survey *s)
{
	static const char *const head[] = {
		"NODE", "STATE", "CORES", "MEMORY",
		"ARCH", "SLOTS", "LOAD",  "SANDBOX"
	};
	struct table t = { .align = "llrrlrrl" };

	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		strv_add(&t.cells, head[i]);
	for (size_t i = 0; i < s->n; i++)
		add_list_row(&t, s, i);
	table_print(out, &t);
}

static void print_probe(FILE *out, const struct nodes_survey *s, size_t i)
{
	const struct peer_tools_node *p = &s->nodes[i];
	const struct wire_inventory *inv = &p->hello.inventory;
	char *all = memory_text(inv->memory_mib),
	     *left = memory_text(inv->available_mib);
	const char *reason = nodes_reason(p);

	fprintf(out, "%s: %s, %s, answered in %u ms\n", p->entry->name,
		nodes_state(p), p->hello.software, p->rtt_ms);
	if (reason)
		fprintf(out, "  gets no jobs: %s\n", reason);
	fprintf(out, "  %s, %s, %u core%s, %s of memory (%s free), load %.2f\n",
		inv->host, inv->machine, inv->cores, inv->cores == 1 ? "" : "s",
		all, left, inv->load_milli / 1000.0);
	fprintf(out, "  %u slot%s: %s\n", s->limits[i].slots,
		s->limits[i].slots == 1 ? "" : "s", s->limits[i].why);
	fprintf(out, "  sandbox: %s\n",
		*p->fit.layers ? p->fit.layers : "none");
	free(left);
	free(all);
}

void nodes_text_probe(FILE *out, const struct nodes_survey *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->nodes[i].up)
			print_probe(out, s, i);
		else
			fprintf(out, "%s: down: %s\n", s->nodes[i].entry->name,
				s->nodes[i].why);
	}
}

static void add_limits_row(struct table *t, const struct nodes_survey *s,
			   size_t i, struct strv *sum)
{
	const struct peer_tools_node *p = &s->nodes[i];
	const char *reason = nodes_reason(p);

	strv_add(&t->cells, p->entry->name);
	if (reason) {
		strv_add(&t->cells, "0");
		strv_addf(&t->cells, "%s: %s", nodes_state(p), reason);
	} else {
		strv_addf(&t->cells, "%u", s->limits[i].slots);
		strv_add(&t->cells, s->limits[i].why);
		strv_addf(sum, "%u", s->limits[i].slots);
	}
}

void nodes_text_limits(FILE *out, const struct nodes_survey *s)
{
	struct table t = { .align = "lrl" };
	struct strv sum = { 0 };
	char *words;

	for (size_t i = 0; i < s->n; i++)
		add_limits_row(&t, s, i, &sum);
	words = strv_join(&sum, " + ");
	strv_add(&t.cells, "local");
	strv_addf(&t.cells, "%u", s->local_limit.slots);
	strv_addf(&t.cells, "%s of this machine", s->local_limit.why);
	strv_add(&t.cells, "-j");
	strv_addf(&t.cells, "%u", nodes_jobs(s));
	if (sum.n)
		strv_addf(&t.cells, "%s of the nodes + %u local%s%s", words,
			  s->local_limit.slots,
			  nodes_jobs(s) == s->capacity ? ", but " : "",
			  nodes_jobs(s) == s->capacity ? s->capacity_why : "");
	else
		strv_addf(&t.cells, "the local ones, as %s",
			  s->n ? "no node gets jobs" : "there are no nodes");
	table_print(out, &t);
	free(words);
	strv_release(&sum);
}

/* ------------------------------------------------------------- as JSON */

static void add_inventory(json_t *o, const struct wire_inventory *inv)
{
	json_object_set_new(o, "host", json_text(inv->host));
	json_object_set_new(o, "machine", json_text(inv->machine));
	json_object_set_new(o, "boot_id", json_text(inv->boot_id));
	json_object_set_new(o, "cores", json_integer(inv->cores));
	json_object_set_new(o, "memory_mib", json_integer(inv->memory_mib));
	json_object_set_new(o, "available_mib",
			    json_integer(inv->available_mib));
	json_object_set_new(o, "load", json_real(inv->load_milli / 1000.0));
}

/* Name, state, and the reason or the slots. */
static json_t *node_json(const struct nodes_survey *s, size_t i)
{
	const struct peer_tools_node *p = &s->nodes[i];
	json_t *o = json_object();

	json_object_set_new(o, "name", json_text(p->entry->name));
	json_object_set_new(o, "address", json_text(p->entry->address_text));
	json_object_set_new(o, "state", json_text(nodes_state(p)));
	json_object_set_new(o, "reason", json_text(nodes_reason(p)));
	json_object_set_new(o, "slots", json_integer(s->limits[i].slots));
	json_object_set_new(o, "why", json_text(s->limits[i].why));
	return o;
}

json_t *nodes_json_list(const struct nodes_survey *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		const struct peer_tools_node *p = &s->nodes[i];
		json_t *o = node_json(s, i);

		json_object_set_new(o, "software",
				    json_text(p->hello.software));
		if (p->hello.software) {
			json_object_set_new(o, "rtt_ms",
					    json_integer(p->rtt_ms));
			add_inventory(o, &p->hello.inventory);
			json_object_set_new(o, "sandbox",
					    json_text(p->fit.layers));
		}
		json_array_append_new(list, o);
	}
	return json_pack("{s:o}", "nodes", list);
}

json_t *nodes_json_limits(const struct nodes_survey *s)
{
	json_t *list = json_array();
	json_t *local = json_object();

	for (size_t i = 0; i < s->n; i++) {
		json_t *o = node_json(s, i);

		if (!s->nodes[i].fit.fit)
			json_object_set_new(o, "slots", json_integer(0));
		json_array_append_new(list, o);
	}
	json_object_set_new(local, "slots", json_integer(s->local_limit.slots));
	json_object_set_new(local, "why", json_text(s->local_limit.why));
	return json_pack("{s:o, s:o, s:i}", "nodes", list, "local", local,
			 "jobs", (int)nodes_jobs(s));
}
