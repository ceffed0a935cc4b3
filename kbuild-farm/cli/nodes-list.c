/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include "base/terminal.h"
#include "cli/table.h"

#include <string.h>
#include <unistd.h>

#define COLUMNS 80

/* "2+4" of two classes, else their number. */
static void add_cores(struct table *t, const struct peer_tools_node *p)
{
	const struct wire_machine *m = &p->machine;
	struct strv each = { 0 };
	unsigned sum = 0;

	for (unsigned i = 0; i < m->n_classes; i++) {
		sum += m->classes[i].usable;
		if (m->classes[i].usable)
			strv_addf(&each, "%u", m->classes[i].usable);
	}
	/* A quota says how many, not which. */
	if (each.n > 1 && each.n < 4 && sum == p->hello.inventory.cores)
		strv_own(&t->cells, strv_join(&each, "+"));
	else
		strv_addf(&t->cells, "%u", p->hello.inventory.cores);
	strv_release(&each);
}

static void add_heat(struct table *t, const struct peer_tools_node *p)
{
	char *celsius = nodes_celsius_text(
		p->machine.kernel ? p->machine.health.temperature_mk :
				    WIRE_HEALTH_UNKNOWN);

	strv_own(&t->cells, celsius ? celsius : xstrdup("-"));
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
		add_cores(t, p);
		strv_own(&t->cells, nodes_memory_text(inv->memory_mib));
		strv_add(&t->cells, inv->machine);
		if (s->limits[i].in_way)
			strv_addf(&t->cells, "%u/%u", s->limits[i].now,
				  s->limits[i].full.slots);
		else
			strv_addf(&t->cells, "%u", s->limits[i].now);
		strv_addf(&t->cells, "%.2f", inv->load_milli / 1000.0);
		add_heat(t, p);
	} else {
		for (int k = 0; k < 6; k++)
			strv_add(&t->cells, "-");
	}
	if (!reason)
		reason = s->limits[i].in_way ? "see limits" : "ok";
	strv_add(&t->cells, reason);
}

/* Those that the table had no room for, in full. */
static void list_cut_reasons(struct strv *out, const struct table *t,
			     const struct nodes_survey *s)
{
	size_t columns = strlen(t->align);

	for (size_t i = 0; i < s->n; i++) {
		const char *reason = nodes_reason(&s->nodes[i]);
		const char *shown = t->cells.v[(i + 2) * columns - 1];

		if (reason && strcmp(reason, shown))
			strv_addf(out, "%s: %s", s->nodes[i].entry->name,
				  reason);
	}
}

void nodes_text_list(FILE *out, const struct nodes_survey *s)
{
	static const char *const head[] = { "NODE",   "STATE", "CORES",
					    "MEMORY", "ARCH",  "SLOTS",
					    "LOAD",   "HEAT",  "NOTE" };
	struct table t = { .align = "llrrlrrrl" };
	struct strv cut = { 0 };
	unsigned rows, columns;

	if (!s->n)
		return;
	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		strv_add(&t.cells, head[i]);
	for (size_t i = 0; i < s->n; i++)
		add_list_row(&t, s, i);
	if (!terminal_size(fileno(out), &rows, &columns) || columns < COLUMNS)
		columns = COLUMNS;
	table_fit(&t, columns);
	list_cut_reasons(&cut, &t, s);
	table_print(out, &t);
	for (size_t i = 0; i < cut.n; i++)
		fprintf(out, "%s\n", cut.v[i]);
	strv_release(&cut);
}

int nodes_list_main(struct nodes_request *r)
{
	return nodes_survey_main(r, nodes_text_list, nodes_json_list);
}
