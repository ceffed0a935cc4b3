/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes-check.h"

#include "base/json.h"
#include "base/printable.h"
#include "base/str.h"
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH    80
#define INDENT   4
#define NAME_MAX 12 /* columns of a node's name in the table */

void nodes_check_judge(struct nodes_check *c, const struct peer_trial *trial,
		       const char *compiler)
{
	*c = (struct nodes_check){ .trial = trial, .compiler = compiler };
	c->verdict = xcalloc(trial->n + 1, sizeof(*c->verdict));
	for (size_t i = 0; i < trial->n; i++)
		peer_verdict(c->verdict[i], &trial->nodes[i], compiler);
}

void nodes_check_release(struct nodes_check *c)
{
	for (size_t i = 0; c->verdict && i < c->trial->n; i++)
		peer_verdict_release(c->verdict[i]);
	free(c->verdict);
	*c = (struct nodes_check){ 0 };
}

bool nodes_check_is_good(const struct nodes_check *c)
{
	for (size_t i = 0; i < c->trial->n; i++) {
		if (peer_verdict_failed(c->verdict[i]))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------- as text */

char *nodes_check_name(const char *name)
{
	size_t len = strlen(name);

	return len <= NAME_MAX ? xstrdup(name) :
				 xasprintf("%.*s..", NAME_MAX - 2, name);
}

static void print_check_table(FILE *out, const struct nodes_check *c)
{
	struct table t = { .align = "lrrrrrlll" };

	strv_add(&t.cells, "NODE");
	for (int k = 0; k < PEER_VERDICT_ROWS; k++) {
		char *name = xstrdup(peer_verdict_name(k));

		for (char *at = name; *at; at++)
			*at = (char)(*at - 'a' + 'A');
		strv_own(&t.cells, name);
	}
	for (size_t i = 0; i < c->trial->n; i++) {
		strv_own(&t.cells,
			 nodes_check_name(c->trial->nodes[i].entry->name));
		for (int k = 0; k < PEER_VERDICT_ROWS; k++)
			strv_add(&t.cells, c->verdict[i][k].brief);
	}
	table_print(out, &t);
}

/* The words of `text`, each line indented. */
static void print_wrapped(FILE *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column && column + 1 + len > WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		fprintf(out, "%*s%.*s", column ? 1 : INDENT, "", (int)len,
			text);
		column += (column ? 1 : INDENT) + len;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

void nodes_check_line(FILE *out, const char *text)
{
	char *clean = xstrdup(text);

	printable_clean(clean, strlen(clean), 0, '?');
	print_wrapped(out, clean);
	free(clean);
}

void nodes_check_finding(FILE *out, const char *node, const char *row,
			 const char *what, const char *todo)
{
	fprintf(out, "\n%s: %s\n", node, row);
	nodes_check_line(out, what);
	if (todo) {
		char *text = xasprintf("-> %s", todo);

		nodes_check_line(out, text);
		free(text);
	}
}

static void print_check_findings(FILE *out, const struct nodes_check *c)
{
	for (size_t i = 0; i < c->trial->n; i++) {
		for (int k = 0; k < PEER_VERDICT_ROWS; k++) {
			const struct peer_verdict *v = &c->verdict[i][k];

			if (v->is > PEER_VERDICT_GOOD && v->what)
				nodes_check_finding(
					out, c->trial->nodes[i].entry->name,
					peer_verdict_name(k), v->what, v->todo);
		}
	}
	if (c->trial->compiler_why)
		nodes_check_finding(out, "this machine", c->compiler,
				    c->trial->compiler_why,
				    "without a compiler nothing was compiled; "
				    "-t names another");
}

void nodes_check_text(FILE *out, const struct nodes_check *c)
{
	if (!c->trial->n)
		return;
	print_check_table(out, c);
	print_check_findings(out, c);
}

/* ------------------------------------------------------------- as JSON */

static json_t *row_json(enum peer_verdict_row row, const struct peer_verdict *v)
{
	json_t *o = json_object();

	json_object_set_new(o, "row", json_text(peer_verdict_name(row)));
	json_object_set_new(o, "state", json_text(peer_verdict_word(v->is)));
	json_object_set_new(o, "brief", json_text(v->brief));
	json_object_set_new(o, "what", json_text(v->what));
	json_object_set_new(o, "todo", json_text(v->todo));
	return o;
}

static void set_figures(json_t *o, const struct peer_trial_node *n)
{
	if (n->up) {
		json_object_set_new(o, "software", json_text(n->software));
		json_object_set_new(o, "rtt_ms", json_integer(n->rtt_ms));
	}
	if (n->has_clock)
		json_object_set_new(o, "clock_ms", json_integer(n->clock_ms));
	if (n->has_free)
		json_object_set_new(o, "free_mib",
				    json_integer((json_int_t)n->free_mib));
	if (n->link == PEER_LINK_MEASURED)
		json_object_set_new(o, "link_bits",
				    json_integer((json_int_t)n->link_bits));
}

static void set_celsius(json_t *o, uint32_t mk)
{
	if (mk != WIRE_HEALTH_UNKNOWN)
		json_object_set_new(
			o, "hottest_celsius",
			json_real(((double)mk - WIRE_HEALTH_ZERO) / 1000));
}

static void set_slowest(json_t *o, uint32_t milli)
{
	if (milli != WIRE_HEALTH_UNKNOWN)
		json_object_set_new(o, "slowest_clock",
				    json_real(milli / 1000.0));
}

static void set_first(json_t *o, const struct peer_trial_count *c)
{
	json_object_set_new(o, "first", json_text(c->first));
	if (c->first)
		json_object_set_new(o, "first_ms",
				    json_integer((json_int_t)c->first_ms));
}

static json_t *counts_json(const struct peer_trial_count *c)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "asked",
			 (int)c->asked, "right", (int)c->right, "wrong",
			 (int)c->wrong, "crashed", (int)c->crashed, "damaged",
			 (int)c->damaged, "failed", (int)c->failed);
}

static json_t *class_json(const struct peer_trial_class *c)
{
	json_t *o = counts_json(&c->burn);

	json_object_set_new(o, "cores", json_text(c->name));
	json_object_set_new(o, "cpus", json_integer(c->cpus));
	json_object_set_new(o, "throttled_cpus", json_integer(c->throttled));
	json_object_set_new(o, "cpu_ms", json_integer((json_int_t)c->cpu_ms));
	json_object_set_new(o, "throttled_ms",
			    json_integer((json_int_t)c->throttled_ms));
	set_slowest(o, c->slowest_milli);
	set_first(o, &c->burn);
	return o;
}

static json_t *zone_json(const struct peer_trial_zone *z)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_text(z->name));
	set_celsius(o, z->hottest_mk);
	return o;
}

/* Empty: it was counted as a whole. */
static void set_parts(json_t *o, const struct peer_trial_node *n)
{
	json_t *classes = json_array(), *zones = json_array();

	for (unsigned i = 0; i < n->n_classes; i++) {
		if (n->class[i].cpus)
			json_array_append_new(classes,
					      class_json(&n->class[i]));
	}
	for (unsigned i = 0; i < n->n_zones; i++)
		json_array_append_new(zones, zone_json(&n->zone[i]));
	json_object_set_new(o, "classes", classes);
	json_object_set_new(o, "zones", zones);
}

static json_t *burn_json(const struct peer_trial_node *n)
{
	const struct peer_trial_count *c = &n->burn;
	json_t *o = counts_json(c);

	json_object_set_new(o, "lost", json_integer(n->lost));
	json_object_set_new(o, "restarts", json_integer(n->restarts));
	json_object_set_new(o, "cores", json_text(n->classes));
	json_object_set_new(o, "throttled_cpus", json_integer(n->throttled));
	json_object_set_new(o, "cpu_ms", json_integer((json_int_t)n->cpu_ms));
	json_object_set_new(o, "throttled_ms",
			    json_integer((json_int_t)n->throttled_ms));
	set_celsius(o, n->hottest_mk);
	set_slowest(o, n->slowest_milli);
	set_first(o, c);
	set_parts(o, n);
	return o;
}

static json_t *check_node_json(const struct nodes_check *c, size_t i)
{
	const struct peer_trial_node *n = &c->trial->nodes[i];
	json_t *rows = json_array(), *o = json_object();

	for (int k = 0; k < PEER_VERDICTS; k++) {
		if (k < PEER_VERDICT_ROWS || c->trial->burnt_ms)
			json_array_append_new(rows,
					      row_json(k, &c->verdict[i][k]));
	}
	json_object_set_new(o, "name", json_text(n->entry->name));
	json_object_set_new(o, "address", json_text(n->entry->address_text));
	json_object_set_new(o, "state",
			    json_text(peer_verdict_failed(c->verdict[i]) ?
					      "failed" :
					      "good"));
	set_figures(o, n);
	json_object_set_new(o, "rows", rows);
	if (c->trial->burnt_ms)
		json_object_set_new(o, "burn_in", burn_json(n));
	return o;
}

json_t *nodes_check_json(const struct nodes_check *c)
{
	json_t *list = json_array(), *o = json_object();

	for (size_t i = 0; i < c->trial->n; i++)
		json_array_append_new(list, check_node_json(c, i));
	json_object_set_new(o, "compiler", json_text(c->compiler));
	json_object_set_new(o, "compiler_failed",
			    json_text(c->trial->compiler_why));
	json_object_set_new(o, "interrupted",
			    json_boolean(c->trial->cancelled));
	if (c->trial->burnt_ms)
		json_object_set_new(
			o, "burn_in_ms",
			json_integer((json_int_t)c->trial->burnt_ms));
	json_object_set_new(o, "nodes", list);
	return o;
}
