/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include "cli/table.h"

#include <stdlib.h>

static char *memory(unsigned mib)
{
	return mib < 1024 ? xasprintf("%u MiB", mib) :
			    xasprintf("%.1f GiB", mib / 1024.0);
}

static void list_row(struct table *t, const struct nodes_survey *s, size_t i)
{
	const struct node_probe *p = &s->probes[i];
	const struct wire_inventory *inv = &p->inventory;
	char *reason = nodes_reason(p);

	strv_add(&t->cells, p->entry->name);
	strv_add(&t->cells, nodes_state(p));
	if (p->up) {
		strv_addf(&t->cells, "%u", inv->cores);
		strv_own(&t->cells, memory(inv->memory_mib));
		strv_add(&t->cells, inv->machine);
		strv_addf(&t->cells, "%u", s->limits[i].slots);
		strv_addf(&t->cells, "%.2f", inv->load_milli / 1000.0);
	} else {
		for (int k = 0; k < 5; k++)
			strv_add(&t->cells, "-");
	}
	strv_own(&t->cells, reason ? reason : xstrdup("ok"));
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
		list_row(&t, s, i);
	table_print(out, &t);
}

static void probe_up(FILE *out, const struct nodes_survey *s, size_t i)
{
	const struct node_probe *p = &s->probes[i];
	const struct wire_inventory *inv = &p->inventory;
	char *all = memory(inv->memory_mib), *left = memory(inv->available_mib);
	char *reason = nodes_reason(p);

	fprintf(out, "%s: %s, %s, answered in %u ms\n", p->entry->name,
		nodes_state(p), p->software, p->rtt_ms);
	if (reason)
		fprintf(out, "  gets no jobs: %s\n", reason);
	fprintf(out, "  %s, %s, %u core%s, %s of memory (%s free), load %.2f\n",
		inv->host, inv->machine, inv->cores, inv->cores == 1 ? "" : "s",
		all, left, inv->load_milli / 1000.0);
	fprintf(out, "  %u slot%s: %s\n", s->limits[i].slots,
		s->limits[i].slots == 1 ? "" : "s", s->limits[i].why);
	fprintf(out, "  sandbox: %s\n", *p->layers ? p->layers : "none");
	free(reason);
	free(left);
	free(all);
}

void nodes_text_probe(FILE *out, const struct nodes_survey *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->probes[i].up)
			probe_up(out, s, i);
		else
			fprintf(out, "%s: down: %s\n", s->probes[i].entry->name,
				s->probes[i].why);
	}
}

static void limits_row(struct table *t, const struct nodes_survey *s, size_t i,
		       struct strv *sum)
{
	const struct node_probe *p = &s->probes[i];
	char *reason = nodes_reason(p);

	strv_add(&t->cells, p->entry->name);
	if (reason) {
		strv_add(&t->cells, "0");
		strv_addf(&t->cells, "%s: %s", nodes_state(p), reason);
	} else {
		strv_addf(&t->cells, "%u", s->limits[i].slots);
		strv_add(&t->cells, s->limits[i].why);
		strv_addf(sum, "%u", s->limits[i].slots);
	}
	free(reason);
}

void nodes_text_limits(FILE *out, const struct nodes_survey *s)
{
	struct table t = { .align = "lrl" };
	struct strv sum = { 0 };
	char *words;

	for (size_t i = 0; i < s->n; i++)
		limits_row(&t, s, i, &sum);
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
