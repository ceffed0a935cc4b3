/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include "base/json.h"
#include "cli/table.h"

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
		strv_own(&t->cells, nodes_memory_text(inv->memory_mib));
		strv_add(&t->cells, inv->machine);
		strv_addf(&t->cells, "%u", s->limits[i].slots);
		strv_addf(&t->cells, "%.2f", inv->load_milli / 1000.0);
	} else {
		for (int k = 0; k < 5; k++)
			strv_add(&t->cells, "-");
	}
	strv_add(&t->cells, reason ? reason : "ok");
}

static void list_text(FILE *out, const struct nodes_survey *s)
{
	static const char *const head[] = {
		"NODE", "STATE", "CORES", "MEMORY",
		"ARCH", "SLOTS", "LOAD",  "SANDBOX"
	};
	struct table t = { .align = "llrrlrrl" };

	if (!s->n)
		return;
	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		strv_add(&t.cells, head[i]);
	for (size_t i = 0; i < s->n; i++)
		add_list_row(&t, s, i);
	table_print(out, &t);
}

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

json_t *nodes_json_list(const struct nodes_survey *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		const struct peer_tools_node *p = &s->nodes[i];
		json_t *o = nodes_node_json(s, i);

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

int nodes_list_main(struct nodes_request *r)
{
	return nodes_survey_main(r, list_text, nodes_json_list);
}
