/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/cost.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"
#include "history/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The texts lie behind each other, and where is known at the end. */
static int read_costs(struct history *h, sqlite3_stmt *s,
		      struct history_costs *out, struct buf *texts,
		      struct err *err)
{
	int ret;

	while ((ret = sql_row(h, s, err)) > 0) {
		struct history_cost *c = VEC_ADD(out->v, out->n);

		for (int i = 0; i < 2; i++) {
			const char *text = (const char *)sqlite3_column_text(s,
									     i);

			buf_add(texts, text ? text : "",
				(text ? strlen(text) : 0) + 1);
		}
		c->cpu_ms = sql_count(s, 2);
		c->wall_ms = sql_count(s, 3);
	}
	return ret;
}

static void index_costs(struct history_costs *c)
{
	const char *at = c->texts;

	for (size_t i = 0; i < c->n; i++) {
		struct history_cost *one = &c->v[i];

		one->object = at;
		at += strlen(at) + 1;
		one->file = at;
		at += strlen(at) + 1;
		map_add(&c->by_object, &one->map,
			map_hash(bytes_str(one->object)));
	}
}

static int read_course(struct history *h, int64_t build,
		       struct history_costs *out, struct err *err)
{
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      "SELECT done_ms, cpu_ms FROM unit WHERE build = "
			      "?1 AND done_ms NOT NULL AND cpu_ms NOT NULL "
			      "ORDER BY done_ms",
			      err);

	if (ret)
		return ret;
	sql_bind(s, "i", build);
	while ((ret = sql_row(h, s, err)) > 0)
		*VEC_ADD(out->done, out->n_done) = (struct history_done){
			sql_count(s, 0), sql_count(s, 1)
		};
	sqlite3_finalize(s);
	return ret;
}

static int load_last(struct history *h, const char *key,
		     struct history_costs *out, struct err *err)
{
	int64_t number;
	int ret = sql_number(h, &number, err,
			     "SELECT number FROM build WHERE key = (SELECT id "
			     "FROM key WHERE digest = ?1) AND fresh AND "
			     "state = ?2 ORDER BY number DESC LIMIT 1",
			     "ti", key, (int64_t)HISTORY_GOOD);

	if (ret || !number)
		return ret;
	ret = history_build_find(h, number, &out->last, err);
	if (!ret)
		ret = read_course(h, number, out, err);
	return ret;
}

int history_costs_load(struct history *h, const char *key,
		       struct history_costs *out, struct err *err)
{
	struct buf texts = { 0 };
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
	sql_bind(s, "t", key);
	ret = read_costs(h, s, out, &texts, err);
	sqlite3_finalize(s);
	out->texts = buf_steal(&texts);
	index_costs(out);
	return ret ? ret : load_last(h, key, out, err);
}

void history_costs_release(struct history_costs *c)
{
	map_release(&c->by_object);
	free(c->v);
	free(c->done);
	free(c->texts);
	history_build_release(&c->last);
	*c = (struct history_costs){ 0 };
}

const struct history_cost *history_cost_find(const struct history_costs *c,
					     const char *object)
{
	struct map_node *n = map_find(&c->by_object,
				      map_hash(bytes_str(object)));

	while (n && strcmp(((struct history_cost *)n)->object, object))
		n = map_again(n);
	return (struct history_cost *)n;
}
