/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include "base/json.h"

#include <inttypes.h>

static void member_number(json_t *o, const char *key, int64_t n)
{
	json_object_set_new(o, key, json_integer(n));
}

static void member_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, json_text(text));
}

/* null: the machine does not tell. */
static void member_known(json_t *o, const char *key, uint32_t n, double scale,
			 double less)
{
	json_object_set_new(o, key,
			    n == WIRE_HEALTH_UNKNOWN ?
				    json_null() :
				    json_real(n / scale - less));
}

static void add_inventory(json_t *o, const struct wire_inventory *inv)
{
	member_text(o, "host", inv->host);
	member_text(o, "machine", inv->machine);
	member_text(o, "boot_id", inv->boot_id);
	member_number(o, "cores", inv->cores);
	member_number(o, "memory_mib", inv->memory_mib);
	member_number(o, "available_mib", inv->available_mib);
	json_object_set_new(o, "load", json_real(inv->load_milli / 1000.0));
}

static json_t *classes_json(const struct wire_machine *m)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < m->n_classes; i++) {
		const struct wire_core_class *c = &m->classes[i];
		json_t *o = json_object();

		member_text(o, "model", c->model);
		member_number(o, "cpus", c->cpus);
		member_number(o, "usable", c->usable);
		member_number(o, "threads", c->threads);
		member_number(o, "capacity", c->capacity);
		member_number(o, "max_khz", c->max_khz);
		member_text(o, "governor", c->governor);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *macs_json(const struct wire_machine *m)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < m->n_macs; i++) {
		char text[NODES_MAC_SIZE];

		nodes_mac_text(text, m->macs[i].mac);
		json_array_append_new(list, json_text(text));
	}
	return list;
}

static json_t *health_json(const struct wire_health *h)
{
	json_t *o = json_object();

	member_known(o, "celsius", h->temperature_mk, 1000,
		     WIRE_HEALTH_ZERO / 1000.0);
	member_known(o, "speed", h->speed_milli, 1000, 0);
	member_known(o, "usable", h->usable, 1, 0);
	member_known(o, "throttled", h->throttled, 1, 0);
	member_known(o, "cooling", h->cooling_milli, 1000, 0);
	member_known(o, "foreign", h->foreign_milli, 1000, 0);
	member_known(o, "psi_cpu", h->psi_cpu, 100, 0);
	member_known(o, "psi_memory", h->psi_memory, 100, 0);
	member_known(o, "psi_memory_full", h->psi_memory_full, 100, 0);
	member_known(o, "psi_io", h->psi_io, 100, 0);
	member_known(o, "swap_used_mib", h->swap_mib, 1, 0);
	member_known(o, "store_free_mib", h->store_mib, 1, 0);
	return o;
}

static json_t *machine_json(const struct wire_machine *m)
{
	char id[DIGEST_HEX] = "";
	json_t *o = json_object(), *abis = json_array();

	if (digest_is_known(&m->id))
		digest_hex(&m->id, id);
	for (size_t i = 0; i < m->abis.n; i++)
		json_array_append_new(abis, json_text(m->abis.v[i]));
	member_text(o, "model", m->model);
	member_text(o, "kernel", m->kernel);
	member_text(o, "id", *id ? id : NULL);
	json_object_set_new(o, "abis", abis);
	json_object_set_new(o, "classes", classes_json(m));
	json_object_set_new(o, "macs", macs_json(m));
	json_object_set_new(o, "quota",
			    m->cpu_milli ? json_real(m->cpu_milli / 1000.0) :
					   json_null());
	member_number(o, "memory_mib", m->memory_mib);
	json_object_set_new(o, "memory_limit_mib",
			    m->limit_mib ? json_integer(m->limit_mib) :
					   json_null());
	member_number(o, "swap_mib", m->swap_mib);
	member_number(o, "store_mib", m->store_mib);
	member_number(o, "toolchains", m->toolchains);
	member_known(o, "passive_celsius", m->passive_mk, 1000,
		     WIRE_HEALTH_ZERO / 1000.0);
	json_object_set_new(o, "health", health_json(&m->health));
	return o;
}

/* Name, state, and the reason or the slots. */
static json_t *node_json(const struct nodes_survey *s, size_t i)
{
	const struct peer_tools_node *p = &s->nodes[i];
	const struct nodes_limit *l = &s->limits[i];
	json_t *o = json_object();

	member_text(o, "name", p->entry->name);
	member_text(o, "address", p->entry->address_text);
	member_text(o, "state", nodes_state(p));
	member_text(o, "reason", nodes_reason(p));
	member_number(o, "slots", l->now);
	member_text(o, "why", l->full.why);
	member_number(o, "full_slots", l->full.slots);
	member_text(o, "in_way", l->in_way);
	return o;
}

json_t *nodes_json_list(const struct nodes_survey *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		const struct peer_tools_node *p = &s->nodes[i];
		json_t *o = node_json(s, i);

		member_text(o, "software", p->hello.software);
		if (p->hello.software) {
			member_number(o, "rtt_ms", p->rtt_ms);
			add_inventory(o, &p->hello.inventory);
			member_text(o, "sandbox", p->fit.layers);
		}
		if (p->machine.kernel)
			json_object_set_new(o, "hardware",
					    machine_json(&p->machine));
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

		if (nodes_reason(&s->nodes[i]))
			member_number(o, "slots", 0);
		json_array_append_new(list, o);
	}
	member_number(local, "slots", s->local_limit.slots);
	member_text(local, "why", s->local_limit.why);
	return json_pack("{s:o, s:o, s:i}", "nodes", list, "local", local,
			 "jobs", (int)nodes_jobs(s));
}
