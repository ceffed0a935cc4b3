/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include "cli/table.h"

#include <stdlib.h>

#define WIDTH 80

static void add_limits_row(struct table *t, const struct nodes_survey *s,
			   size_t i, struct strv *sum)
{
	const struct peer_tools_node *p = &s->nodes[i];
	const struct nodes_limit *l = &s->limits[i];
	const char *reason = nodes_reason(p);

	strv_add(&t->cells, p->entry->name);
	if (reason) {
		strv_add(&t->cells, "0");
		strv_addf(&t->cells, "%s: %s", nodes_state(p), reason);
		return;
	}
	strv_addf(&t->cells, "%u", l->now);
	if (l->in_way)
		strv_addf(&t->cells, "%u now: %s; else %u: %s", l->now,
			  l->in_way, l->full.slots, l->full.why);
	else
		strv_add(&t->cells, l->full.why);
	strv_addf(sum, "%u", l->now);
}

void nodes_text_limits(FILE *out, const struct nodes_survey *s)
{
	struct table t = { .align = "lrl", .wrap = WIDTH };
	struct strv sum = { 0 };
	char *words;

	for (size_t i = 0; i < s->n; i++)
		add_limits_row(&t, s, i, &sum);
	words = strv_join(&sum, " + ");
	strv_add(&t.cells, "local");
	strv_addf(&t.cells, "%u", s->local_limit.slots);
	strv_addf(&t.cells, "%s", s->local_limit.why);
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

int nodes_limits_main(struct nodes_request *r)
{
	return nodes_survey_main(r, nodes_text_limits, nodes_json_limits);
}
