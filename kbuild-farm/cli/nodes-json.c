/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include "base/json.h"

#include <stdlib.h>

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
static json_t *head(const struct nodes_survey *s, size_t i)
{
	const struct node_probe *p = &s->probes[i];
	char *reason = nodes_reason(p);
	json_t *o = json_object();

	json_object_set_new(o, "name", json_text(p->entry->name));
	json_object_set_new(o, "address", json_text(p->entry->address_text));
	json_object_set_new(o, "state", json_text(nodes_state(p)));
	json_object_set_new(o, "reason", json_text(reason));
	json_object_set_new(o, "slots", json_integer(s->limits[i].slots));
	json_object_set_new(o, "why", json_text(s->limits[i].why));
	free(reason);
	return o;
}

json_t *nodes_json_list(const struct nodes_survey *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		const struct node_probe *p = &s->probes[i];
		json_t *o = head(s, i);

		json_object_set_new(o, "software", json_text(p->software));
		if (p->software) {
			json_object_set_new(o, "rtt_ms",
					    json_integer(p->rtt_ms));
			add_inventory(o, &p->inventory);
			json_object_set_new(o, "sandbox", json_text(p->layers));
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
		json_t *o = head(s, i);

		if (!s->probes[i].fit)
			json_object_set_new(o, "slots", json_integer(0));
		json_array_append_new(list, o);
	}
	json_object_set_new(local, "slots", json_integer(s->local_limit.slots));
	json_object_set_new(local, "why", json_text(s->local_limit.why));
	return json_pack("{s:o, s:o, s:i}", "nodes", list, "local", local,
			 "jobs", (int)nodes_jobs(s));
}
