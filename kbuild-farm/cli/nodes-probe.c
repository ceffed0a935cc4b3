/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include <stdlib.h>

/* Without a version 8 it has said no more of itself. */
static bool tells_of_machine(const struct peer_tools_node *p)
{
	return p->machine.kernel != NULL;
}

static void print_class(FILE *out, const struct wire_core_class *c)
{
	fprintf(out, "    %u x %s", c->cpus,
		*c->model ? c->model : "unknown core");
	if (c->threads > 1)
		fprintf(out, ", %u threads a core", c->threads);
	if (c->max_khz)
		fprintf(out, ", %u MHz", c->max_khz / 1000);
	if (c->capacity)
		fprintf(out, ", capacity %u", c->capacity);
	if (*c->governor)
		fprintf(out, ", %s", c->governor);
	if (c->usable < c->cpus)
		fprintf(out, ", %u usable", c->usable);
	fputc('\n', out);
}

static void print_words(FILE *out, const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++)
		fprintf(out, "%s%s",
			!i               ? "" :
			i + 1 < words->n ? ", " :
					   " and ",
			words->v[i]);
}

/* The board, its kernel, and what this runs. */
static void print_board(FILE *out, const struct wire_machine *m)
{
	fprintf(out, "  %s%sLinux %s, runs ", m->model, *m->model ? ", " : "",
		m->kernel);
	print_words(out, &m->abis);
	fputc('\n', out);
	for (unsigned i = 0; i < m->n_classes; i++)
		print_class(out, &m->classes[i]);
	if (m->cpu_milli)
		fprintf(out, "    a control group's quota of %.4g cores\n",
			m->cpu_milli / 1000.0);
	if (m->limit_mib)
		fprintf(out, "    a control group's limit of %u of %u MiB\n",
			m->limit_mib, m->memory_mib);
}

static bool machine_tells(uint32_t n)
{
	return n != WIRE_HEALTH_UNKNOWN;
}

/* A clock may be limited by its owner: cooling is heat. */
static void print_heat(FILE *out, const struct wire_machine *m)
{
	const struct wire_health *h = &m->health;
	char *now = nodes_celsius_text(h->temperature_mk);
	char *passive = nodes_celsius_text(m->passive_mk);

	if (now)
		fprintf(out, "  %s", now);
	else
		fprintf(out, "  no sensor of heat");
	if (passive)
		fprintf(out, ", cooling begins at %s", passive);
	if (machine_tells(h->cooling_milli) && h->cooling_milli)
		fprintf(out, ", cooling slows it");
	if (machine_tells(h->speed_milli) && h->speed_milli < 1000)
		fprintf(out, ", clock limited to %u %%", h->speed_milli / 10);
	fputc('\n', out);
	free(passive);
	free(now);
}

static void print_psi(FILE *out, const char *what, uint32_t psi)
{
	if (machine_tells(psi))
		fprintf(out, "%s %.2f %%", what, psi / 100.0);
}

static void print_room(FILE *out, const struct wire_machine *m)
{
	const struct wire_health *h = &m->health;

	if (machine_tells(h->psi_cpu)) {
		print_psi(out, "  waiting for cores", h->psi_cpu);
		print_psi(out, ", memory", h->psi_memory);
		print_psi(out, ", disk", h->psi_io);
		fputc('\n', out);
	}
	if (m->swap_mib)
		fprintf(out, "  swap: %u of %u MiB used\n",
			machine_tells(h->swap_mib) ? h->swap_mib : 0,
			m->swap_mib);
	if (m->store_mib && machine_tells(h->store_mib)) {
		char *left = nodes_memory_text(h->store_mib);
		char *all = nodes_memory_text(m->store_mib);

		fprintf(out, "  store: %s of %s free, %u toolchain%s kept\n",
			left, all, m->toolchains,
			m->toolchains == 1 ? "" : "s");
		free(all);
		free(left);
	}
}

static void print_macs(FILE *out, const struct wire_machine *m)
{
	struct strv macs = { 0 };

	for (unsigned i = 0; i < m->n_macs; i++) {
		char text[NODES_MAC_SIZE];

		nodes_mac_text(text, m->macs[i].mac);
		strv_add(&macs, text);
	}
	if (macs.n) {
		fprintf(out, "  network: ");
		print_words(out, &macs);
		fputc('\n', out);
	}
	strv_release(&macs);
}

static void print_slots(FILE *out, const struct nodes_limit *l)
{
	fprintf(out, "  %u slot%s: %s\n", l->full.slots,
		l->full.slots == 1 ? "" : "s", l->full.why);
	if (l->in_way)
		fprintf(out, "  %u now: %s\n", l->now, l->in_way);
}

static void print_probe(FILE *out, const struct nodes_survey *s, size_t i)
{
	const struct peer_tools_node *p = &s->nodes[i];
	const struct wire_inventory *inv = &p->hello.inventory;
	char *all = nodes_memory_text(inv->memory_mib),
	     *left = nodes_memory_text(inv->available_mib);
	const char *reason = nodes_reason(p);

	fprintf(out, "%s: %s, %s, answered in %u ms\n", p->entry->name,
		nodes_state(p), p->hello.software, p->rtt_ms);
	if (reason)
		fprintf(out, "  gets no jobs: %s\n", reason);
	fprintf(out, "  %s, %s, %u core%s, %s of memory (%s free), load %.2f\n",
		inv->host, inv->machine, inv->cores, inv->cores == 1 ? "" : "s",
		all, left, inv->load_milli / 1000.0);
	if (tells_of_machine(p)) {
		print_board(out, &p->machine);
		print_heat(out, &p->machine);
		print_room(out, &p->machine);
		print_macs(out, &p->machine);
	}
	print_slots(out, &s->limits[i]);
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

int nodes_probe_main(struct nodes_request *r)
{
	return nodes_survey_main(r, nodes_text_probe, nodes_json_list);
}
