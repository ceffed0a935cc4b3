/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/format.h"
#include "base/json.h"
#include "cli/history.h"
#include "cli/table.h"
#include "events/tally.h"
#include "ui/width.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define COLUMNS 9
#define LEAST   6 /* columns of a configuration's name, and its heading */

/* What may be shown, in at most so many columns; "-" where there is none. */
static void add_cell(struct table *t, const char *text, unsigned most)
{
	char *shown = events_shown(text && *text ? text : "-", EVENTS_NAME_MAX,
				   0);
	struct buf cell = { 0 };

	ui_width_elide(&cell, shown, most);
	strv_own(&t->cells, buf_steal(&cell));
	free(shown);
}

static void add_when(struct table *t, int64_t at_s)
{
	time_t at = (time_t)at_s;
	struct tm tm, now;
	time_t today = time(NULL);
	char text[32] = "-";

	/* Of another year the time of day tells nothing. */
	if (localtime_r(&at, &tm) && localtime_r(&today, &now))
		strftime(text, sizeof(text),
			 tm.tm_year == now.tm_year ? "%m-%d %H:%M" : "%Y-%m-%d",
			 &tm);
	add_cell(t, text, 11);
}

static bool build_has_ended(const struct history_build *b)
{
	return b->state != HISTORY_RUNNING && b->state != HISTORY_KILLED;
}

static void add_took(struct table *t, const struct history_build *b)
{
	struct buf text = { 0 };

	if (build_has_ended(b))
		format_duration(&text, (uint64_t)b->wall_ms);
	add_cell(t, buf_str(&text), 9);
	buf_release(&text);
}

static void add_warnings(struct table *t, const struct history_build *b)
{
	bool ended = build_has_ended(b);
	char all[32] = "", new[32] = "";

	if (ended)
		snprintf(all, sizeof(all), "%lld", (long long)b->warnings);
	if (ended && b->new_warnings >= 0)
		snprintf(new, sizeof(new), "%lld", (long long)b->new_warnings);
	add_cell(t, all, 5);
	add_cell(t, new, 5);
}

/* All but the configuration's name, which gets the room that is left. */
static void add_build_row(struct table *t, const struct history_build *b,
			  unsigned most, bool tight)
{
	char number[32];

	snprintf(number, sizeof(number), "%lld", (long long)b->number);
	add_cell(t, number, 19);
	add_when(t, b->began_s);
	add_took(t, b);
	add_cell(t, history_state_word(b->state), 7);
	add_cell(t, b->arch, tight ? 7 : 9);
	/* Of a command of the user's that is what tells it from others. */
	add_cell(t, b->config ? b->config : b->what, most);
	add_cell(t, b->toolchain, tight ? 9 : 12);
	add_warnings(t, b);
}

static void add_build_rows(struct table *t, const struct history_lines *l,
			   unsigned most, bool tight)
{
	static const char *const head[COLUMNS] = {
		"BUILD",  "BEGAN",     "TOOK", "STATE", "ARCH",
		"CONFIG", "TOOLCHAIN", "WARN", "NEW"
	};

	for (size_t i = 0; i < COLUMNS; i++)
		strv_add(&t->cells, head[i]);
	for (size_t i = l->n; i > 0; i--)
		add_build_row(t, &l->v[i - 1], most, tight);
}

void history_print(FILE *out, const struct history_lines *l, unsigned columns)
{
	struct table t = { .align = "rrrllllrr" };
	unsigned least;

	add_build_rows(&t, l, 1, false);
	least = table_width(&t);
	strv_release(&t.cells);
	/* Large numbers leave less room for names. */
	add_build_rows(&t, l, LEAST + (columns > least ? columns - least : 0),
		       least + LEAST - 1 > columns);
	table_print(out, &t);
}

/* ---- JSON ---- */

static void put_known(json_t *o, const char *name, int64_t n)
{
	json_object_set_new(o, name, n < 0 ? json_null() : json_integer(n));
}

static void put_seconds(json_t *o, const char *name, int64_t ms)
{
	json_object_set_new(o, name, json_real((double)ms / 1000));
}

static void put_texts(json_t *o, const struct history_build *b)
{
	json_object_set_new(o, "what", json_text(b->what));
	json_object_set_new(o, "arch", json_text(b->arch));
	json_object_set_new(o, "config", json_text(b->config));
	json_object_set_new(o, "toolchain", json_text(b->toolchain));
	json_object_set_new(o, "toolchain_id", json_text(b->toolchain_id));
	json_object_set_new(o, "tree", json_text(b->tree));
	json_object_set_new(o, "source", json_text(b->source));
	json_object_set_new(o, "commit", json_text(b->commit));
	json_object_set_new(o, "dirty", json_boolean(b->dirty));
	json_object_set_new(o, "release", json_text(b->release));
	json_object_set_new(o, "dir", json_text(b->dir));
	json_object_set_new(o, "output", json_text(b->output));
	json_object_set_new(o, "key", json_text(b->key));
	json_object_set_new(o, "fresh", json_boolean(b->fresh));
}

static void put_figures(json_t *o, const struct history_build *b)
{
	put_seconds(o, "wall", b->wall_ms);
	put_seconds(o, "host_cpu", b->host_ms);
	put_seconds(o, "scan", b->scan_ms);
	put_seconds(o, "compile_cpu", b->cpu_ms);
	put_known(o, "make_jobs", b->make_jobs);
	put_known(o, "local_slots", b->local_slots);
	put_known(o, "jobs", b->jobs);
	put_known(o, "remote", b->remote);
	put_known(o, "local", b->local);
	put_known(o, "steps", b->steps);
	put_known(o, "steps_here", b->steps_here);
	put_known(o, "retried", b->retried);
	put_known(o, "beside", b->beside);
	put_known(o, "warnings", b->warnings);
	put_known(o, "new_warnings", b->new_warnings);
	put_known(o, "errors", b->errors);
	put_known(o, "new_errors", b->new_errors);
	put_known(o, "gone", b->gone);
}

json_t *history_json(const struct history_lines *l)
{
	json_t *list = json_array();

	for (size_t i = l->n; i > 0; i--) {
		const struct history_build *b = &l->v[i - 1];
		json_t *o = json_object();

		put_known(o, "build", b->number);
		json_object_set_new(o, "state",
				    json_text(history_state_word(b->state)));
		put_known(o, "status", build_has_ended(b) ? b->status : -1);
		put_known(o, "began", b->began_s);
		put_texts(o, b);
		if (build_has_ended(b))
			put_figures(o, b);
		json_array_append_new(list, o);
	}
	return json_pack("{s:o}", "builds", list);
}
