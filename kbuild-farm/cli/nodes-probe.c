/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include <stdlib.h>

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

int nodes_probe_main(struct nodes_request *r)
{
	return nodes_survey_main(r, nodes_text_probe, nodes_json_list);
}
