/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lists of the page: each is cut at a length that keeps the page within
 * its bound (report/html.h).
 */
#include "base/format.h"
#include "base/str.h"
#include "events/event.h"
#include "report/escape.h"
#include "report/page.h"
#include "report/sizes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DIAGS_MAX     400
#define DIAG_BYTES    1500 /* of a text */
#define DIAGS_OPEN    20 /* seen at once, though not new */
#define NODES_MAX     600 /* in the table, */
#define NODES_OPEN    60 /* and seen at once */
#define REASONS_MAX   100
#define LOCAL_MAX     1000 /* units with their reason, in all, */
#define LOCAL_EACH    100 /* and of each reason */
#define SLOWEST       25
#define SIZES_MAX     200
#define SIZES_UNEQUAL 100
#define UP            "up" /* the state of a node that works */

/* ---------------------------------------------------------- diagnostics */

static void diag_place(const struct report_page *p,
		       const struct history_diag *g)
{
	buf_add_str(p->out, "<td class=\"w code\">");
	report_page_text(p, g->file ? g->file : g->object);
	if (g->file && g->line > 0)
		buf_printf(p->out, ":%" PRId64, g->line);
	if (g->file && g->line > 0 && g->column > 0)
		buf_printf(p->out, ":%" PRId64, g->column);
	buf_add_str(p->out, "</td>");
}

static void diag_row(const struct report_page *p, const struct history_diag *g)
{
	const char *how = history_how_word(g->how);
	bool marked = g->how == HISTORY_NEW || g->how == HISTORY_GONE;

	buf_add_str(p->out, "<tr><td>");
	if (g->how != HISTORY_FIRST)
		buf_printf(p->out, "<span class=\"tag%s%s\">%s</span>",
			   marked ? " " : "", marked ? how : "", how);
	buf_add_str(p->out, "</td>");
	report_page_cell(p, str_equal(g->severity, "error") ? "bad" : "warn",
			 g->severity);
	diag_place(p, g);
	buf_add_str(p->out, "<td class=\"w\">");
	report_escape(p->out, g->text, DIAG_BYTES);
	if (g->flag) {
		buf_add_str(p->out, " <code class=\"soft\">");
		report_page_text(p, g->flag);
		buf_add_str(p->out, "</code>");
	}
	buf_add_str(p->out, "</td></tr>\n");
}

/* Those of [first, end), in a table. */
static void diag_table(const struct report_page *p, size_t first, size_t end)
{
	report_page_table(p, " |severity|where|what");
	for (size_t i = first; i < end; i++)
		diag_row(p, &p->d->with.diag[i]);
	report_page_table_end(p);
}

/* How many of the first `n` are seen without opening a list. */
static size_t count_open(const struct history_details *d, size_t n)
{
	size_t open = 0;

	if (n <= DIAGS_OPEN)
		return n;
	for (; open < n; open++) {
		const struct history_diag *g = &d->diag[open];

		if (g->how != HISTORY_NEW && !str_equal(g->severity, "error") &&
		    (g->how != HISTORY_FIRST || open >= DIAGS_OPEN))
			break;
	}
	return open;
}

void report_page_diags(const struct report_page *p)
{
	const struct history_details *d = &p->d->with;
	size_t n = d->n_diags < DIAGS_MAX ? d->n_diags : DIAGS_MAX;
	size_t open = count_open(d, n);

	if (!n && !report_data_lost_details(p->d))
		return;
	report_page_section(p, "diagnostics", "Warnings and errors");
	if (open)
		diag_table(p, 0, open);
	if (open < n) {
		buf_printf(p->out, "<details%s><summary>%zu more%s</summary>\n",
			   open ? "" : " open=\"open\"", d->n_diags - open,
			   d->diag[open].how == HISTORY_FIRST ?
				   "" :
				   " that are not new");
		diag_table(p, open, n);
		buf_add_str(p->out, "</details>\n");
	}
	if (!n)
		buf_printf(p->out,
			   "<p class=\"more\">Which ones is no longer in the "
			   "history, which keeps those of the last %d builds "
			   "of a configuration.</p>\n",
			   HISTORY_DETAILS);
	if (report_data_count(p->d, HISTORY_CARRIED))
		buf_add_str(p->out, "<p class=\"more\">Carried: its unit was "
				    "not compiled this time, so it stands."
				    "</p>\n");
	report_page_more(p, d->n_diags, n, "diagnostics");
	report_page_section_end(p);
}

/* ---------------------------------------------------------------- nodes */

static int64_t most_jobs(const struct history_details *d)
{
	int64_t most = 1;

	for (size_t i = 0; i < d->n_nodes; i++) {
		if (d->node[i].jobs > most)
			most = d->node[i].jobs;
	}
	return most;
}

static void node_row(const struct report_page *p, const struct history_node *n,
		     int64_t most)
{
	bool local = !strcmp(n->name, EVENTS_LOCAL);
	int64_t slots = local ? p->d->build.local_slots : n->slots;
	bool up = local || !n->state || !*n->state || !strcmp(n->state, UP);

	buf_add_str(p->out, "<tr>");
	report_page_cell(p, NULL, local ? "build host" : n->name);
	report_page_number(p, buf_add_number, n->jobs);
	report_page_bar(p, local ? "l" : "", n->jobs, most);
	report_page_number(p, buf_add_number, slots > 0 ? slots : -1);
	report_page_number(p, format_span, n->cpu_ms > 0 ? n->cpu_ms : -1);
	report_page_number(p, format_bytes, local ? -1 : n->sent);
	report_page_number(p, format_bytes, local ? -1 : n->received);
	report_page_number(p, buf_add_number, local ? -1 : n->retries);
	report_page_number(p, buf_add_number, local ? -1 : n->failed);
	buf_printf(p->out, "<td class=\"%s\">", up ? "soft" : "bad w");
	report_page_text(p, n->machine);
	if (!up) {
		buf_add_str(p->out, " ");
		report_page_text(p, n->state);
		if (n->reason)
			buf_add_str(p->out, ": ");
		report_page_text(p, n->reason);
	}
	buf_add_str(p->out, "</td></tr>\n");
}

static void node_table(const struct report_page *p, size_t first, size_t end)
{
	const struct history_details *d = &p->d->with;
	int64_t most = most_jobs(d);

	report_page_table(p, "name|>jobs| |>slots|>CPU|>sent|>received|"
			     ">retries|>faults| ");
	for (size_t i = first; i < end; i++)
		node_row(p, &d->node[i], most);
	report_page_table_end(p);
}

void report_page_nodes(const struct report_page *p)
{
	const struct history_details *d = &p->d->with;
	size_t n = d->n_nodes < NODES_MAX ? d->n_nodes : NODES_MAX;
	size_t open = n < NODES_OPEN ? n : NODES_OPEN;

	if (!n)
		return;
	report_page_section(p, "nodes", "Nodes");
	node_table(p, 0, open);
	if (n > open) {
		buf_printf(p->out, "<details><summary>%zu more</summary>\n",
			   n - open);
		node_table(p, open, n);
		buf_add_str(p->out, "</details>\n");
	}
	report_page_more(p, d->n_nodes, n, "nodes");
	report_page_section_end(p);
}

/* ---------------------------------------------- what ran here, and why */

/* Units that were local for reason number `reason`, at most `most`; how many.
 */
static size_t list_local(const struct report_page *p, size_t reason,
			 size_t most)
{
	const struct history_details *d = &p->d->with;
	size_t n = 0;

	for (size_t i = 0; i < d->n_units && n < most; i++) {
		const struct history_unit *u = &d->unit[i];

		if (u->remote || u->reason != (int64_t)reason)
			continue;
		if (!n++)
			buf_add_str(p->out, "<details><summary>units</summary>"
					    "<ul class=\"code\">\n");
		buf_add_str(p->out, "<li>");
		report_page_text(p, u->object);
		buf_add_str(p->out, "</li>\n");
	}
	if (n)
		buf_add_str(p->out, "</ul></details>\n");
	return n;
}

static size_t count_local(const struct history_details *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_units; i++)
		n += !d->unit[i].remote;
	return n;
}

void report_page_reasons(const struct report_page *p)
{
	const struct history_details *d = &p->d->with;
	size_t n = d->n_reasons < REASONS_MAX ? d->n_reasons : REASONS_MAX;
	size_t listed = 0;

	if (!n)
		return;
	report_page_section(p, "local", "On the build host, and why");
	report_page_table(p, "reason|>jobs| ");
	for (size_t i = 0; i < n; i++) {
		const struct history_reason *r = &d->reason[i];
		size_t room = LOCAL_MAX - listed;

		buf_add_str(p->out, "<tr><td class=\"w\">");
		report_page_text(p, r->text);
		listed += list_local(p, i,
				     room < LOCAL_EACH ? room : LOCAL_EACH);
		buf_add_str(p->out, "</td>");
		report_page_number(p, buf_add_number, r->jobs);
		report_page_bar(p, "l", r->jobs, d->reason[0].jobs);
		buf_add_str(p->out, "</tr>\n");
	}
	report_page_table_end(p);
	report_page_more(p, d->n_reasons, n, "reasons");
	report_page_more(p, count_local(d), listed, "units");
	report_page_section_end(p);
}

/* -------------------------------------------------------------- slowest */

void report_page_slowest(const struct report_page *p)
{
	const struct report_span **v;
	size_t n = report_lanes_slowest(&p->lanes, &v, SLOWEST);

	if (n) {
		report_page_section(p, "slowest", "Slowest units");
		report_page_table(p, ">time| |object|on");
	}
	for (size_t i = 0; i < n; i++) {
		const struct report_machine *m =
			&p->lanes.machine[v[i]->machine];

		buf_add_str(p->out, "<tr>");
		report_page_number(p, report_data_put_span,
				   report_span_cost(v[i]));
		report_page_bar(p, m->local ? "l" : "", report_span_cost(v[i]),
				report_span_cost(v[0]));
		report_page_cell(p, "w code", v[i]->unit->object);
		report_page_cell(p, NULL, m->local ? "build host" : m->name);
		buf_add_str(p->out, "</tr>\n");
	}
	if (n) {
		report_page_table_end(p);
		report_page_section_end(p);
	}
	free(v);
}

/* ---------------------------------------------------------------- sizes */

/* "45,000,000" */
static void format_grouped(struct buf *out, uint64_t n)
{
	if (n >= 1000) {
		format_grouped(out, n / 1000);
		buf_printf(out, ",%03u", (unsigned)(n % 1000));
	} else {
		buf_add_number(out, n);
	}
}

static void size_change(const struct report_page *p,
			const struct report_size *s)
{
	if (s->is_new)
		buf_add_str(p->out, "<td class=\"n\">new</td>");
	else if (!s->is_known || !s->change)
		buf_printf(p->out, "<td class=\"n soft\">%s</td>",
			   s->is_known ? "0" : "");
	else {
		buf_printf(p->out, "<td class=\"n %s\">%c",
			   s->change > 0 ? "warn" : "good",
			   s->change > 0 ? '+' : '-');
		format_grouped(p->out, s->change > 0 ? (uint64_t)s->change :
						       -(uint64_t)s->change);
		buf_add_str(p->out, "</td>");
	}
}

static void size_row(const struct report_page *p, const struct report_size *s)
{
	const int64_t now[] = { s->now.text, s->now.data, s->now.bss };

	buf_add_str(p->out, "<tr>");
	report_page_cell(p, "w code", s->now.name);
	for (size_t i = 0; i < 3; i++)
		report_page_number(p, format_grouped, s->is_elf ? now[i] : -1);
	report_page_number(p, format_grouped, s->now.file);
	size_change(p, s);
	buf_add_str(p->out, "</tr>\n");
}

static void list_sizes_gone(const struct report_page *p,
			    const struct report_sizes *s)
{
	size_t n = s->n_gone < SIZES_UNEQUAL ? s->n_gone : SIZES_UNEQUAL;

	if (!n)
		return;
	buf_add_str(p->out, "<h3>No longer made</h3>\n<ul class=\"code\">\n");
	for (size_t i = 0; i < n; i++) {
		buf_add_str(p->out, "<li>");
		report_page_text(p, s->gone[i]->name);
		buf_add_str(p->out, "</li>\n");
	}
	buf_add_str(p->out, "</ul>\n");
	report_page_more(p, s->n_gone, n, "of them");
}

void report_page_sizes(const struct report_page *p)
{
	struct report_sizes s;
	size_t n;

	report_sizes_init(&s, p->d);
	n = s.n < SIZES_MAX ? s.n : SIZES_MAX;
	if (n) {
		report_page_section(p, "sizes", "Sizes");
		report_page_table(p, "file|>text|>data|>bss|>bytes|>change");
		for (size_t i = 0; i < n; i++)
			size_row(p, &s.v[i]);
		report_page_table_end(p);
		report_page_more(p, s.n, n, "files");
		list_sizes_gone(p, &s);
		report_page_section_end(p);
	}
	report_sizes_release(&s);
}
