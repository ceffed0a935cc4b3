/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/html.h"

#include "base/format.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/version.h"
#include "events/event.h"
#include "events/text.h"
#include "report/data.h"
#include "report/page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Limits on lists, which limit the size of the page (report/html.h). */
#define DIAGS_MAX  400
#define DIAG_BYTES 1500 /* bytes of a diagnostic's text */
/*
 * Initially, a list of at most HTML_DIAGS_EXPANDED diagnostics is completely
 * visible.  In a longer list, only the rows before the first diagnostic that is
 * neither an error nor new are visible.  If there is no row before it, all rows
 * are visible.  Without a baseline, the first HTML_DIAGS_EXPANDED diagnostics
 * count as new.
 */
#define HTML_DIAGS_EXPANDED 20
#define NODES_MAX           600 /* rows of the table of nodes */
#define HTML_NODES_EXPANDED 60 /* rows of nodes that are visible initially */
#define REASONS_MAX         100
/* local units listed below their reasons, in total */
#define LOCAL_MAX                 1000
#define HTML_LOCAL_PER_REASON_MAX 100 /* local units listed per reason */
#define HTML_SLOWEST_MAX          25
#define SIZES_MAX                 200
#define HTML_CHANGED_SIZES_MAX    100
#define NODE_STATE_UP             "up" /* state of a working node */

/* Append a cell with `text` and the CSS class `class` (NULL: no class). */
static void add_cell(const struct report_page *p, const char *class,
		     const char *text)
{
	if (class)
		buf_printf(p->out, "<td class=\"%s\">", class);
	else
		buf_add_str(p->out, "<td>");
	report_page_add_text(p, text);
	buf_add_str(p->out, "</td>");
}

/*
 * Append a right-aligned cell with a number in a format of base/format.h, or
 * "-" if the number is negative.
 */
static void add_number(const struct report_page *p,
		       void (*format)(struct buf *out, uint64_t n), int64_t n)
{
	buf_add_str(p->out, "<td class=\"n\">");
	if (n >= 0)
		format(p->out, (uint64_t)n);
	else
		buf_add_str(p->out, "-");
	buf_add_str(p->out, "</td>");
}

/* Append a cell with a bar that fills part/whole of its width. */
static void add_bar(const struct report_page *p, const char *class,
		    int64_t part, int64_t whole)
{
	double share = whole > 0 ? 100.0 * (double)part / (double)whole : 0;

	if (part <= 0) {
		buf_add_str(p->out, "<td class=\"b\"></td>");
		return;
	}
	buf_printf(p->out,
		   "<td class=\"b\"><i%s%s%s style=\"width:%.1f%%\"></i></td>",
		   *class ? " class=\"" : "", class, *class ? "\"" : "", share);
}

/*
 * Begin a scrolling table.  `headings` are separated by "|"; a heading with a
 * leading ">" is aligned to the right, as in "name|>jobs".
 */
static void begin_table(const struct report_page *p, const char *headings)
{
	struct strv list = { 0 };

	strv_split(&list, headings, "|");
	buf_add_str(p->out, "<div class=\"scroll\"><table>\n<thead><tr>");
	for (size_t i = 0; i < list.n; i++) {
		bool right = list.v[i][0] == '>';

		buf_printf(p->out, "<th scope=\"col\"%s>%s</th>",
			   right ? " class=\"n\"" : "", list.v[i] + right);
	}
	buf_add_str(p->out, "</tr></thead>\n<tbody>\n");
	strv_release(&list);
}

static void end_table(const struct report_page *p)
{
	buf_add_str(p->out, "</tbody></table></div>\n");
}

/* Add a table of the diagnostics [first, end). */
static void diag_table(const struct report_page *p, size_t first, size_t end)
{
	begin_table(p, "status|severity|where|what");
	for (size_t i = first; i < end; i++) {
		const struct history_diag *g = &p->data->details.diags[i];
		const char *status = history_diag_status_word(g->status);
		bool marked = g->status == HISTORY_DIAG_NEW ||
			      g->status == HISTORY_DIAG_REMOVED;

		buf_add_str(p->out, "<tr><td>");
		if (g->status != HISTORY_DIAG_NO_BASELINE)
			buf_printf(p->out, "<span class=\"tag%s%s\">%s</span>",
				   marked ? " " : "", marked ? status : "",
				   status);
		buf_add_str(p->out, "</td>");
		add_cell(p, str_equal(g->severity, "error") ? "bad" : "warn",
			 g->severity);
		buf_add_str(p->out, "<td class=\"w code\">");
		report_page_add_text(p, g->file ? g->file : g->object);
		if (g->file && g->line > 0)
			buf_printf(p->out, ":%" PRId64, g->line);
		if (g->file && g->line > 0 && g->column > 0)
			buf_printf(p->out, ":%" PRId64, g->column);
		buf_add_str(p->out, "</td><td class=\"w\">");
		report_escape_html(p->out, g->text, DIAG_BYTES);
		if (g->flag) {
			buf_add_str(p->out, " <code class=\"soft\">");
			report_page_add_text(p, g->flag);
			buf_add_str(p->out, "</code>");
		}
		buf_add_str(p->out, "</td></tr>\n");
	}
	end_table(p);
}

/* Return how many of the first `n` diagnostics are visible initially. */
static size_t count_expanded(const struct history_details *d, size_t n)
{
	size_t open = 0;

	if (n <= HTML_DIAGS_EXPANDED)
		return n;
	for (; open < n; open++) {
		const struct history_diag *g = &d->diags[open];

		if (g->status != HISTORY_DIAG_NEW &&
		    !str_equal(g->severity, "error") &&
		    (g->status != HISTORY_DIAG_NO_BASELINE ||
		     open >= HTML_DIAGS_EXPANDED))
			break;
	}
	return open;
}

static void add_diags(const struct report_page *p)
{
	const struct history_details *d = &p->data->details;
	size_t n = d->n_diags < DIAGS_MAX ? d->n_diags : DIAGS_MAX;
	size_t open = count_expanded(d, n);

	if (!n && !report_data_is_missing_details(p->data))
		return;
	report_page_begin_section(p, "diagnostics", "Warnings and errors");
	if (open)
		diag_table(p, 0, open);
	if (open < n) {
		buf_printf(p->out, "<details%s><summary>%zu more%s</summary>\n",
			   open ? "" : " open=\"open\"", d->n_diags - open,
			   d->diags[open].status == HISTORY_DIAG_NO_BASELINE ?
				   "" :
				   " that are not new");
		diag_table(p, open, n);
		buf_add_str(p->out, "</details>\n");
	}
	if (!n)
		buf_printf(p->out,
			   "<p class=\"more\">The diagnostics are no longer "
			   "available: the history keeps those of the last %d "
			   "builds of a configuration.</p>\n",
			   HISTORY_DETAIL_BUILDS_MAX);
	if (report_data_count_diags(p->data, HISTORY_DIAG_CARRIED_OVER))
		buf_add_str(p->out, "<p class=\"more\">Carried: the unit was "
				    "not compiled in this build, so the "
				    "diagnostic still applies.</p>\n");
	report_page_add_omitted(p, d->n_diags, n, "diagnostics");
	report_page_end_section(p);
}

/* Add a table of the nodes [first, end). */
static void node_table(const struct report_page *p, size_t first, size_t end)
{
	const struct history_details *d = &p->data->details;
	int64_t most = 1;

	for (size_t i = 0; i < d->n_nodes; i++) {
		if (d->nodes[i].n_jobs > most)
			most = d->nodes[i].n_jobs;
	}
	begin_table(p, "name|>jobs|of maximum|>slots|>CPU|>sent|>received|"
		       ">retries|>faults|machine");
	for (size_t i = first; i < end; i++) {
		const struct history_node *n = &d->nodes[i];
		bool local = !strcmp(n->name, EVENTS_LOCAL);
		int64_t slots = local ? p->data->build.n_local_slots :
					n->n_slots;
		bool up = local || !n->state || !*n->state ||
			  !strcmp(n->state, NODE_STATE_UP);

		buf_add_str(p->out, "<tr>");
		add_cell(p, NULL, local ? REPORT_BUILD_HOST_NAME : n->name);
		add_number(p, buf_add_number, n->n_jobs);
		add_bar(p, local ? "l" : "", n->n_jobs, most);
		add_number(p, buf_add_number, slots > 0 ? slots : -1);
		add_number(p, format_duration_short,
			   n->cpu_ms > 0 ? n->cpu_ms : -1);
		add_number(p, format_bytes, local ? -1 : n->sent_bytes);
		add_number(p, format_bytes, local ? -1 : n->received_bytes);
		add_number(p, buf_add_number, local ? -1 : n->n_retries);
		add_number(p, buf_add_number, local ? -1 : n->n_failed);
		buf_printf(p->out, "<td class=\"%s\">", up ? "soft" : "bad w");
		report_page_add_text(p, n->machine);
		if (!up) {
			buf_add_str(p->out, " ");
			report_page_add_text(p, n->state);
			if (n->reason)
				buf_add_str(p->out, ": ");
			report_page_add_text(p, n->reason);
		}
		buf_add_str(p->out, "</td></tr>\n");
	}
	end_table(p);
}

static void add_nodes(const struct report_page *p)
{
	const struct history_details *d = &p->data->details;
	size_t n = d->n_nodes < NODES_MAX ? d->n_nodes : NODES_MAX;
	size_t open = n < HTML_NODES_EXPANDED ? n : HTML_NODES_EXPANDED;

	if (!n)
		return;
	report_page_begin_section(p, "nodes", "Nodes");
	node_table(p, 0, open);
	if (n > open) {
		buf_printf(p->out, "<details><summary>%zu more</summary>\n",
			   n - open);
		node_table(p, open, n);
		buf_add_str(p->out, "</details>\n");
	}
	report_page_add_omitted(p, d->n_nodes, n, "nodes");
	report_page_end_section(p);
}

/* List at most `most` local units with this reason and return their number. */
static size_t list_local(const struct report_page *p, size_t reason,
			 size_t most)
{
	const struct history_details *d = &p->data->details;
	size_t n = 0;

	for (size_t i = 0; i < d->n_units && n < most; i++) {
		const struct history_unit *u = &d->units[i];

		if (u->remote || u->reason_index != (int64_t)reason)
			continue;
		if (!n++)
			buf_add_str(p->out, "<details><summary>units</summary>"
					    "<ul class=\"code\">\n");
		buf_add_str(p->out, "<li>");
		report_page_add_text(p, u->object);
		buf_add_str(p->out, "</li>\n");
	}
	if (n)
		buf_add_str(p->out, "</ul></details>\n");
	return n;
}

/* Add the reasons for local execution, each with its units. */
static void add_reasons(const struct report_page *p)
{
	const struct history_details *d = &p->data->details;
	size_t n = d->n_reasons < REASONS_MAX ? d->n_reasons : REASONS_MAX;
	size_t n_local = 0, listed = 0;

	if (!n)
		return;
	for (size_t i = 0; i < d->n_units; i++)
		n_local += !d->units[i].remote && !d->units[i].cached;
	report_page_begin_section(p, "local", "Local compiles by reason");
	for (size_t i = 0; i < d->n_disabled; i++) {
		const struct history_disabled *x = &d->disabled[i];
		struct buf text = { 0 };

		events_text_add_disabled(&text, x->tool, x->node, x->n_failures,
					 x->text);
		buf_add_str(p->out, "<p>Disabled: ");
		report_page_add_text(p, buf_str(&text));
		buf_add_str(p->out, "</p>\n");
		buf_release(&text);
	}
	begin_table(p, "reason|>jobs|of maximum");
	for (size_t i = 0; i < n; i++) {
		const struct history_reason *r = &d->reasons[i];
		size_t room = LOCAL_MAX - listed;

		buf_add_str(p->out, "<tr><td class=\"w\">");
		report_page_add_text(p, r->text);
		listed += list_local(p, i,
				     room < HTML_LOCAL_PER_REASON_MAX ?
					     room :
					     HTML_LOCAL_PER_REASON_MAX);
		buf_add_str(p->out, "</td>");
		add_number(p, buf_add_number, r->n_jobs);
		add_bar(p, "l", r->n_jobs, d->reasons[0].n_jobs);
		buf_add_str(p->out, "</tr>\n");
	}
	end_table(p);
	report_page_add_omitted(p, d->n_reasons, n, "reasons");
	report_page_add_omitted(p, n_local, listed, "units");
	report_page_end_section(p);
}

static void add_slowest(const struct report_page *p)
{
	const struct report_span **v;
	size_t n = report_slot_timeline_find_slowest(&p->timeline, &v,
						     HTML_SLOWEST_MAX);

	if (n) {
		report_page_begin_section(p, "slowest", "Slowest units");
		begin_table(p, ">elapsed|of maximum|object|machine");
	}
	for (size_t i = 0; i < n; i++) {
		const struct report_machine *m =
			&p->timeline.machines[v[i]->machine];

		buf_add_str(p->out, "<tr>");
		add_number(p, report_data_add_duration,
			   report_slot_timeline_span_ms(v[i]));
		add_bar(p, m->local ? "l" : "",
			report_slot_timeline_span_ms(v[i]),
			report_slot_timeline_span_ms(v[0]));
		add_cell(p, "w code", v[i]->unit->object);
		add_cell(p, NULL, m->name);
		buf_add_str(p->out, "</tr>\n");
	}
	if (n) {
		end_table(p);
		report_page_end_section(p);
	}
	free(v);
}

/* Format a number as "45,000,000". */
static void format_grouped(struct buf *out, uint64_t n)
{
	if (n >= 1000) {
		format_grouped(out, n / 1000);
		buf_printf(out, ",%03u", (unsigned)(n % 1000));
	} else {
		buf_add_number(out, n);
	}
}

static void size_row(const struct report_page *p, const struct report_size *s)
{
	const int64_t now[] = { s->current.text_bytes, s->current.data_bytes,
				s->current.bss_bytes };
	int64_t change = s->change_bytes;

	buf_add_str(p->out, "<tr>");
	add_cell(p, "w code", s->current.name);
	for (size_t i = 0; i < 3; i++)
		add_number(p, format_grouped, s->elf ? now[i] : -1);
	add_number(p, format_grouped, s->current.file_bytes);
	if (s->new_file) {
		buf_add_str(p->out, "<td class=\"n\">new");
	} else if (!s->in_baseline || !change) {
		buf_printf(p->out, "<td class=\"n soft\">%s",
			   s->in_baseline ? "0" : "");
	} else {
		buf_printf(p->out, "<td class=\"n %s\">%c",
			   change > 0 ? "warn" : "good",
			   change > 0 ? '+' : '-');
		format_grouped(p->out, change > 0 ? (uint64_t)change :
						    -(uint64_t)change);
	}
	buf_add_str(p->out, "</td></tr>\n");
}

static void list_removed_sizes(const struct report_page *p,
			       const struct report_sizes *s)
{
	size_t n = s->n_removed < HTML_CHANGED_SIZES_MAX ?
			   s->n_removed :
			   HTML_CHANGED_SIZES_MAX;

	if (!n)
		return;
	buf_add_str(p->out, "<h3>No longer built</h3>\n<ul class=\"code\">\n");
	for (size_t i = 0; i < n; i++) {
		buf_add_str(p->out, "<li>");
		report_page_add_text(p, s->removed[i]->name);
		buf_add_str(p->out, "</li>\n");
	}
	buf_add_str(p->out, "</ul>\n");
	report_page_add_omitted(p, s->n_removed, n, "files");
}

static void add_sizes(const struct report_page *p)
{
	struct report_sizes s;
	size_t n;

	report_sizes_init(&s, p->data);
	n = s.n < SIZES_MAX ? s.n : SIZES_MAX;
	if (n) {
		report_page_begin_section(p, "sizes", "Sizes");
		if (p->data->sized_number)
			buf_printf(p->out,
				   "<p class=\"more\">Change since build "
				   "%" PRId64 ".</p>\n",
				   p->data->sized_number);
		begin_table(p, "file|>text|>data|>bss|>bytes|>change");
		for (size_t i = 0; i < n; i++)
			size_row(p, &s.v[i]);
		end_table(p);
		report_page_add_omitted(p, s.n, n, "files");
		list_removed_sizes(p, &s);
		report_page_end_section(p);
	}
	report_sizes_release(&s);
}

#define MINUTE_MS 60000
#define PAGE_START                                                            \
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"                       \
	"<meta charset=\"utf-8\" />\n"                                        \
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src " \
	"'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action "    \
	"'none'\" />\n"                                                       \
	"<meta name=\"viewport\" content=\"width=device-width, "              \
	"initial-scale=1\" />\n"                                              \
	"<meta name=\"referrer\" content=\"no-referrer\" />\n"

static const char *status_class(const struct history_build *b)
{
	switch (b->state) {
	case HISTORY_STATE_GOOD:
		return b->n_new_warnings > 0 ? "warn" : "good";
	case HISTORY_STATE_FAILED:
		return "bad";
	default:
		return "warn";
	}
}

static void add_title(const struct report_page *p)
{
	const struct history_build *b = &p->data->build;
	const struct {
		const char *label, *text;
	} facts[] = {
		{ " &#183; ", b->arch },
		{ " &#183; ", b->config },
		{ " &#183; ", b->toolchain },
		{ " &#183; Linux ", b->release },
	};

	buf_printf(p->out, "<header>\n<h1><span class=\"mark %s\">%s</span>",
		   status_class(b), report_data_status_text(p->data));
	report_page_add_text(p, b->command);
	buf_add_str(p->out, "</h1>\n<p class=\"soft\">");
	buf_printf(p->out, "Build %" PRId64, b->number);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		if (facts[i].text) {
			buf_add_str(p->out, facts[i].label);
			report_page_add_text(p, facts[i].text);
		}
	}
	buf_add_str(p->out, " &#183; ");
	report_data_add_time(p->out, b->start_s);
	buf_add_str(p->out, "</p>\n</header>\n");
}

/* Begin a tile.  The caller appends a value and closes the <b> and <div>. */
static void begin_tile(const struct report_page *p, const char *class)
{
	buf_printf(p->out, "<div class=\"tile\"><b%s%s%s>",
		   *class ? " class=\"" : "", class, *class ? "\"" : "");
}

/* Append the change since the baseline in percent, if both values exist. */
static void add_baseline_difference(const struct report_page *p, int64_t now,
				    int64_t was)
{
	if (!p->data->has_baseline || was <= 0 || now <= 0)
		return;
	buf_printf(p->out, "%+.0f %% compared with build %" PRId64,
		   100.0 * (double)(now - was) / (double)was,
		   p->data->baseline.number);
}

/* Add tiles with durations: wall time, CPU time, and time of the compiles. */
static void add_time_tiles(const struct report_page *p)
{
	const struct history_build *b = &p->data->build,
				   *was = &p->data->baseline;
	int64_t compile_ms = report_slot_timeline_compile_ms(&p->timeline);

	begin_tile(p, "");
	if (b->wall_ms < MINUTE_MS)
		report_data_add_duration(p->out, (uint64_t)b->wall_ms);
	else
		format_duration(p->out, (uint64_t)b->wall_ms);
	buf_add_str(p->out, "</b><span>wall</span><span>");
	add_baseline_difference(p, b->wall_ms, was->wall_ms);
	buf_add_str(p->out, "</span></div>\n");
	begin_tile(p, "");
	format_duration_short(p->out, (uint64_t)b->host_ms);
	buf_add_str(p->out, "</b><span>build host CPU</span><span>");
	add_baseline_difference(p, b->host_ms, was->host_ms);
	buf_add_str(p->out, "</span></div>\n");
	/* The history has deleted the units of old builds. */
	if (!compile_ms)
		return;
	begin_tile(p, "");
	format_duration_short(p->out, (uint64_t)compile_ms);
	buf_add_str(p->out, "</b><span>elapsed in all compiles</span><span>");
	if (b->wall_ms > 0)
		buf_printf(p->out, "%.1f in parallel on average",
			   (double)compile_ms / (double)b->wall_ms);
	buf_add_str(p->out, "</span></div>\n");
}

/* Add tiles with numbers of jobs, warnings and errors. */
static void add_count_tiles(const struct report_page *p)
{
	const struct history_build *b = &p->data->build;
	unsigned permille = report_data_remote_permille(p->data);
	const char *between = "";

	begin_tile(p, "");
	buf_printf(p->out, "%" PRId64 "</b><span>jobs</span><span>", b->n_jobs);
	if (b->n_cached) {
		events_text_add_cached(p->out, b->n_cached, b->n_cached_remote);
		between = ", ";
	}
	if (b->n_retried || b->n_hedged) {
		buf_printf(p->out,
			   "%s%" PRId64 " retried, %" PRId64 " duplicated",
			   between, b->n_retried, b->n_hedged);
		between = ", ";
	}
	if (b->n_steps || b->n_local_steps)
		buf_printf(p->out,
			   "%s%" PRId64 " tool steps, %" PRId64 " on nodes",
			   between, b->n_steps + b->n_local_steps, b->n_steps);
	buf_add_str(p->out, "</span></div>\n");
	begin_tile(p, "");
	if (b->n_remote + b->n_local)
		buf_printf(p->out, "%u.%u %%", permille / 10, permille % 10);
	else
		buf_add_str(p->out, "-");
	buf_printf(p->out,
		   "</b><span>%s</span><span>%" PRId64
		   " on the build host</span></div>\n",
		   b->n_cached ? "of executed jobs on nodes" : "on nodes",
		   b->n_local);
	if (!history_has_log(b))
		return;

	begin_tile(p, b->n_new_warnings > 0 ? "warn" : "");
	buf_printf(p->out, "%" PRId64 "</b><span>warnings</span><span>",
		   b->n_warnings);
	if (b->n_new_warnings >= 0)
		buf_printf(p->out, "%" PRId64 " new", b->n_new_warnings);
	if (b->n_removed_diags > 0)
		buf_printf(p->out, ", %" PRId64 " gone", b->n_removed_diags);
	buf_add_str(p->out, "</span></div>\n");
	begin_tile(p, b->n_errors ? "bad" : "");
	buf_printf(p->out, "%" PRId64 "</b><span>errors</span><span>",
		   b->n_errors);
	if (b->n_errors && b->n_new_errors >= 0)
		buf_printf(p->out, "%" PRId64 " new", b->n_new_errors);
	buf_add_str(p->out, "</span></div>\n");
}

static void add_build_fact(const struct report_page *p, const char *name,
			   const char *text)
{
	if (!text || !*text)
		return;
	buf_printf(p->out, "<dt>%s</dt><dd>", name);
	report_page_add_text(p, text);
	buf_add_str(p->out, "</dd>\n");
}

static void add_build_facts(const struct report_page *p)
{
	const struct history_build *b = &p->data->build;
	struct buf output = { 0 };

	buf_add_str(p->out, "<section>\n<dl>\n");
	add_build_fact(p, "cause", b->cause);
	add_build_fact(p, "tree", b->tree);
	if (!str_equal(b->tree, b->source))
		add_build_fact(p, "source", b->source);
	if (b->commit && *b->commit) {
		buf_add_str(p->out, "<dt>commit</dt><dd><code>");
		report_page_add_text(p, b->commit);
		buf_printf(p->out, "</code>%s</dd>\n",
			   b->dirty ? ", with uncommitted changes" : "");
	}
	add_build_fact(p, "built in", b->dir);
	if (b->output) {
		buf_add_str(&output, b->output);
		history_output_add_note(&output, b);
		add_build_fact(p, "output", buf_str(&output));
		buf_release(&output);
	}
	buf_printf(p->out,
		   "<dt>make</dt><dd>-j %" PRId64 ", %" PRId64
		   " local slot%s%s</dd>\n",
		   b->n_make_jobs, b->n_local_slots,
		   format_plural((uint64_t)b->n_local_slots),
		   b->from_scratch ? ", from scratch" : "");
	if (p->data->has_baseline) {
		buf_printf(p->out,
			   "<dt>compared with</dt><dd>build %" PRId64 " from ",
			   p->data->baseline.number);
		report_data_add_time(p->out, p->data->baseline.start_s);
		buf_add_str(p->out, "</dd>\n");
	}
	buf_add_str(p->out, "</dl>\n</section>\n");
}

void report_html(struct buf *out, const struct report_data *d)
{
	struct report_page p = { .out = out, .data = d };

	report_slot_timeline_init(&p.timeline, d);
	buf_add_str(out, PAGE_START "<title>");
	buf_printf(out, "Build %" PRId64 ": ", d->build.number);
	report_page_add_text(&p, d->build.command);
	buf_printf(out, " %s", report_data_status_text(d));
	buf_add_str(out, "</title>\n<style>\n");
	buf_add_str(out, report_page_style);
	buf_add_str(out, "</style>\n</head>\n<body>\n<main>\n");
	add_title(&p);
	if (report_data_is_finished(&d->build)) {
		buf_add_str(out, "<div class=\"tiles\">\n");
		add_time_tiles(&p);
		add_count_tiles(&p);
		buf_add_str(out, "</div>\n");
	} else {
		buf_printf(out, "<section><p>%s</p></section>\n",
			   report_data_unfinished_text(d));
	}
	add_build_facts(&p);
	add_diags(&p);
	report_page_add_timeline(&p);
	add_nodes(&p);
	add_reasons(&p);
	add_slowest(&p);
	add_sizes(&p);
	buf_add_str(out, "<footer>kfarm " KFARM_VERSION "</footer>\n</main>\n"
			 "</body>\n</html>\n");
	report_slot_timeline_release(&p.timeline);
}

int report_html_write(struct history *h, int64_t number, const char *path,
		      struct err *err)
{
	struct report_data d;
	struct buf page = { 0 };
	int ret = report_data_read(&d, h, number, NULL, err);

	if (!ret && d.build.state == HISTORY_STATE_RUNNING)
		ret = err_set(err, EINPROGRESS,
			      "build %" PRId64 " is still running", number);
	if (!ret) {
		report_html(&page, &d);
		ret = fs_write(path, buf_bytes(&page), 0666, err);
	}
	buf_release(&page);
	report_data_release(&d);
	return ret;
}
