/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/cost.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"
#include "history/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int load_baseline(struct history *h, const char *key,
			 struct history_costs *out, struct err *err)
{
	int64_t number;
	sqlite3_stmt *s;
	int ret = sql_number(h, &number, err,
			     "SELECT number FROM build WHERE key = (SELECT id "
			     "FROM key WHERE digest = ?1) AND fresh AND "
			     "state = ?2 ORDER BY number DESC LIMIT 1",
			     "ti", key, (int64_t)HISTORY_STATE_GOOD);

	if (ret || !number)
		return ret;
	ret = history_build_find(h, number, &out->baseline, err);
	if (!ret)
		ret = sql_prepare(h, &s,
				  "SELECT done_ms, cpu_ms FROM unit WHERE "
				  "build = ?1 AND done_ms NOT NULL AND cpu_ms "
				  "NOT NULL ORDER BY done_ms",
				  err);
	if (ret)
		return ret;
	sql_bind(s, "i", number);
	while ((ret = sql_next_row(h, s, err)) > 0)
		*VEC_ADD(out->completions,
			 out->n_completions) = (struct history_completion){
			sql_column_count(s, 0), sql_column_count(s, 1)
		};
	sqlite3_finalize(s);
	return ret;
}

int history_costs_load(struct history *h, const char *series_key,
		       struct history_costs *out, struct err *err)
{
	struct buf names = { 0 };
	const char *name;
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      "SELECT object, file, cpu_ms, wall_ms FROM cost "
			      "WHERE id IN (SELECT id FROM cost WHERE key = "
			      "(SELECT id FROM key WHERE digest = ?1)) AND "
			      "cpu_ms NOT NULL",
			      err);

	*out = (struct history_costs){ 0 };
	if (ret)
		return ret;
	sql_bind(s, "t", series_key);
	while ((ret = sql_next_row(h, s, err)) > 0) {
		struct history_cost *c = VEC_ADD(out->costs, out->n_costs);

		for (int i = 0; i < 2; i++) {
			name = (const char *)sqlite3_column_text(s, i);
			buf_add(&names, name ? name : "",
				(name ? strlen(name) : 0) + 1);
		}
		c->cpu_ms = sql_column_count(s, 2);
		c->wall_ms = sql_column_count(s, 3);
	}
	sqlite3_finalize(s);

	/* Costs and names are complete, so pointers to them remain valid. */
	out->strings = buf_steal(&names);
	name = out->strings;
	for (size_t i = 0; i < out->n_costs; i++) {
		struct history_cost *c = &out->costs[i];

		c->object = name;
		name += strlen(name) + 1;
		c->file = name;
		name += strlen(name) + 1;
		map_add(&out->by_object, &c->entry,
			map_hash(bytes_str(c->object)));
	}
	return ret ? ret : load_baseline(h, series_key, out, err);
}

void history_costs_release(struct history_costs *c)
{
	map_release(&c->by_object);
	free(c->costs);
	free(c->completions);
	free(c->strings);
	history_build_release(&c->baseline);
	*c = (struct history_costs){ 0 };
}

const struct history_cost *history_cost_find(const struct history_costs *c,
					     const char *object)
{
	struct map_entry *n = map_find(&c->by_object,
				       map_hash(bytes_str(object)));

	while (n && strcmp(((struct history_cost *)n)->object, object))
		n = map_next_match(n);
	return (struct history_cost *)n;
}
