/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include "base/json.h"
#include "cli/table.h"

#include <stdlib.h>

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

static void limits_text(FILE *out, const struct nodes_survey *s)
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

static json_t *limits_json(const struct nodes_survey *s)
{
	json_t *list = json_array();
	json_t *local = json_object();

	for (size_t i = 0; i < s->n; i++) {
		json_t *o = nodes_node_json(s, i);

		if (!s->nodes[i].fit.fit)
			json_object_set_new(o, "slots", json_integer(0));
		json_array_append_new(list, o);
	}
	json_object_set_new(local, "slots", json_integer(s->local_limit.slots));
	json_object_set_new(local, "why", json_text(s->local_limit.why));
	return json_pack("{s:o, s:o, s:i}", "nodes", list, "local", local,
			 "jobs", (int)nodes_jobs(s));
}

int nodes_limits_main(struct nodes_request *r)
{
	return nodes_survey_main(r, limits_text, limits_json);
}
