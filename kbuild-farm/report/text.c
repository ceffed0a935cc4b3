/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text.h"

#include "base/format.h"
#include "base/str.h"
#include "events/event.h"
#include "report/escape.h"
#include "report/lanes.h"
#include "report/sizes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 512
#define DIAG_MAX_BYTES 4096
#define SLOWEST        10
#define NODES          40
#define DIAGS          50
#define SIZES          20
#define HERE           "build host"
#define LOCAL          5 /* units named of a reason */

struct report_writer {
	struct buf *out;
	const struct report_data *d;
	const struct report_lanes *lanes;
	bool all;
};

/* How many of `n` are shown. */
static size_t shown(const struct report_writer *w, size_t n, size_t most)
{
	return w->all || n < most ? n : most;
}

static void text_name(const struct report_writer *w, const char *text)
{
	report_escape_plain(w->out, text, NAME_MAX_BYTES);
}

static void text_more(const struct report_writer *w, size_t n, size_t most,
		      const char *of)
{
	if (shown(w, n, most) < n)
		buf_printf(w->out, "  ... and %zu more %s\n", n - most, of);
}

/* Right-aligned in `width` columns. */
static void text_cell(const struct report_writer *w, int width,
		      void (*format)(struct buf *, uint64_t), int64_t n)
{
	struct buf text = { 0 };

	if (n >= 0)
		format(&text, (uint64_t)n);
	else
		buf_add_str(&text, "-");
	buf_printf(w->out, "%*s", width, buf_str(&text));
	buf_release(&text);
}

/* -------------------------------------------------------------- summary */

static void text_item(const struct report_writer *w, const char *before,
		      const char *text)
{
	if (!text)
		return;
	buf_add_str(w->out, before);
	text_name(w, text);
}

static void text_title(const struct report_writer *w)
{
	const struct history_build *b = &w->d->build;

	buf_printf(w->out, "build %" PRId64 ": %s ", b->number,
		   report_data_verdict(w->d));
	text_name(w, b->what);
	buf_add_str(w->out, "\n");
	/* A command of `kfarm run` need not have any of these. */
	if (!b->arch && !b->config && !b->toolchain && !b->release)
		return;
	text_item(w, "  ", b->arch ? b->arch : "");
	text_item(w, " ", b->config);
	text_item(w, ", ", b->toolchain);
	text_item(w, ", linux-", b->release);
	buf_add_str(w->out, "\n");
}

static void text_place(const struct report_writer *w)
{
	const struct history_build *b = &w->d->build;

	if (b->tree) {
		buf_add_str(w->out, "  tree     ");
		text_name(w, b->tree);
		if (b->commit)
			buf_printf(w->out, " at %.12s", b->commit);
		buf_add_str(w->out, b->dirty ? ", changed\n" : "\n");
	}
	if (b->dir) {
		text_item(w, "  built in ", b->dir);
		buf_add_str(w->out, "\n");
	}
	if (b->output) {
		text_item(w, "  output   ", b->output);
		buf_add_str(w->out, "\n");
	}
}

static void text_times(const struct report_writer *w)
{
	const struct history_build *b = &w->d->build;

	buf_add_str(w->out, "  began    ");
	report_data_put_time(w->out, b->began_s);
	if (report_data_ended(b)) {
		buf_add_str(w->out, ", ");
		format_duration(w->out, (uint64_t)b->wall_ms);
		buf_printf(w->out, " wall, build host %" PRId64 " s CPU",
			   (b->host_ms + 500) / 1000);
		if (b->cpu_ms > 0)
			buf_printf(w->out, ", all compiles %" PRId64 " s",
				   (b->cpu_ms + 500) / 1000);
	}
	buf_add_str(w->out, "\n");
}

static void text_jobs(const struct report_writer *w)
{
	const struct history_build *b = &w->d->build;
	unsigned permille = report_data_permille(w->d);

	buf_printf(w->out, "  jobs     %" PRId64, b->remote + b->local);
	if (b->remote + b->local)
		buf_printf(w->out,
			   ": %" PRId64 " remote (%u.%u %%), %" PRId64 " local",
			   b->remote, permille / 10, permille % 10, b->local);
	if (b->retried)
		buf_printf(w->out, ", %" PRId64 " retried", b->retried);
	if (b->beside)
		buf_printf(w->out, ", %" PRId64 " duplicated", b->beside);
	buf_add_str(w->out, "\n");
}

static void text_steps(const struct report_writer *w)
{
	const struct history_build *b = &w->d->build;
	const struct history_details *d = &w->d->with;

	if (!b->steps && !b->steps_here)
		return;
	buf_printf(w->out,
		   "  steps    %" PRId64 " of kbuild: %" PRId64
		   " on nodes, %" PRId64 " on the build host",
		   b->steps + b->steps_here, b->steps, b->steps_here);
	for (size_t i = 0; i < d->n_step_reasons; i++) {
		buf_printf(w->out, "%s%" PRId64 " ", i ? ", " : " (",
			   d->step_reason[i].jobs);
		text_name(w, d->step_reason[i].text);
	}
	buf_printf(w->out, "%s\n", d->n_step_reasons ? ")" : "");
}

static void text_before(const struct report_writer *w)
{
	const struct history_build *b = &w->d->before;

	if (!w->d->has_before)
		return;
	buf_printf(w->out, "  before   build %" PRId64 ": ", b->number);
	format_duration(w->out, (uint64_t)b->wall_ms);
	buf_printf(w->out,
		   " wall, jobs %" PRId64 ", warnings %" PRId64
		   ", errors %" PRId64,
		   b->remote + b->local, b->warnings, b->errors);
	if (b->commit)
		buf_printf(w->out, ", at %.12s", b->commit);
	buf_add_str(w->out, "\n");
}

/* --------------------------------------------------------------- tables */

static void text_phases(const struct report_writer *w)
{
	const struct history_details *d = &w->d->with;

	if (!d->n_phases)
		return;
	buf_add_str(w->out, "\nphases\n");
	for (size_t i = 0; i < d->n_phases; i++) {
		text_cell(w, 9, format_time, d->phase[i].at_ms);
		text_cell(w, 8, format_span, d->phase[i].ms);
		text_item(w, "  ", d->phase[i].name);
		buf_add_str(w->out, "\n");
	}
}

static void text_node(const struct report_writer *w,
		      const struct history_node *n)
{
	bool local = !strcmp(n->name, EVENTS_LOCAL);
	int64_t slots = local ? w->d->build.local_slots : n->slots;

	text_cell(w, 7, buf_add_number, slots > 0 ? slots : -1);
	text_cell(w, 7, buf_add_number, n->jobs);
	text_cell(w, 8, format_span, n->cpu_ms > 0 ? n->cpu_ms : -1);
	text_cell(w, 6, format_bytes, local ? -1 : n->sent);
	text_cell(w, 10, format_bytes, local ? -1 : n->received);
	text_cell(w, 9, buf_add_number, local ? -1 : n->retries);
	text_cell(w, 8, buf_add_number, local ? -1 : n->failed);
	text_item(w, "  ", local ? HERE : n->name);
	if (n->state && *n->state && strcmp(n->state, "up")) {
		text_item(w, ": ", n->state);
		text_item(w, ": ", n->reason);
	}
	buf_add_str(w->out, "\n");
}

static void text_nodes(const struct report_writer *w)
{
	const struct history_details *d = &w->d->with;

	if (!d->n_nodes)
		return;
	buf_add_str(w->out, "\nnodes\n"
			    "  slots   jobs     cpu  sent  received  retries"
			    "  faults  name\n");
	for (size_t i = 0; i < shown(w, d->n_nodes, NODES); i++)
		text_node(w, &d->node[i]);
	text_more(w, d->n_nodes, NODES, "nodes");
}

static void text_units_of(const struct report_writer *w, size_t reason)
{
	const struct history_details *d = &w->d->with;
	size_t n = 0;

	for (size_t i = 0; i < d->n_units; i++) {
		const struct history_unit *u = &d->unit[i];

		if (u->remote || u->reason != (int64_t)reason)
			continue;
		if (n++ < LOCAL || w->all) {
			text_item(w, "          ", u->object);
			buf_add_str(w->out, "\n");
		}
	}
	if (n > LOCAL && !w->all)
		buf_printf(w->out, "          ... and %zu more\n", n - LOCAL);
}

static void text_reasons(const struct report_writer *w)
{
	const struct history_details *d = &w->d->with;

	if (!d->n_reasons)
		return;
	buf_add_str(w->out, "\non the build host, and why\n");
	for (size_t i = 0; i < d->n_reasons; i++) {
		buf_printf(w->out, "%7" PRId64 "  ", d->reason[i].jobs);
		text_name(w, d->reason[i].text);
		buf_add_str(w->out, "\n");
		text_units_of(w, i);
	}
}

static void text_slowest(const struct report_writer *w)
{
	const struct report_span **v;
	size_t n = report_lanes_slowest(w->lanes, &v,
					w->all ? SIZE_MAX : SLOWEST);

	if (n)
		buf_add_str(w->out, "\nslowest units\n");
	else if (report_data_lost_units(w->d))
		buf_add_str(w->out,
			    "\nIts units are no longer in the history: "
			    "it keeps those of the last three builds of "
			    "a configuration, and of the last one from "
			    "scratch.\n");
	for (size_t i = 0; i < n; i++) {
		const struct report_machine *m =
			&w->lanes->machine[v[i]->machine];

		text_cell(w, 9, report_data_put_span, report_span_cost(v[i]));
		text_item(w, "  ", v[i]->unit->object);
		text_item(w, "  ", m->local ? HERE : m->name);
		buf_add_str(w->out, "\n");
	}
	free(v);
}

/* ---------------------------------------------------------- diagnostics */

static void text_counts(const struct report_writer *w)
{
	const struct history_build *b = &w->d->build;

	buf_printf(w->out, "\nwarnings %" PRId64, b->warnings);
	if (b->new_warnings >= 0)
		buf_printf(w->out, " (%" PRId64 " new)", b->new_warnings);
	buf_printf(w->out, ", errors %" PRId64, b->errors);
	if (b->new_errors >= 0 && b->errors)
		buf_printf(w->out, " (%" PRId64 " new)", b->new_errors);
	if (b->gone > 0)
		buf_printf(w->out, ", %" PRId64 " gone", b->gone);
	buf_add_str(w->out, "\n");
}

static void text_diag(const struct report_writer *w,
		      const struct history_diag *g)
{
	buf_printf(w->out, "  %-8s",
		   g->how == HISTORY_FIRST ? "" : history_how_word(g->how));
	if (g->file) {
		text_name(w, g->file);
		if (g->line > 0)
			buf_printf(w->out, ":%" PRId64, g->line);
		if (g->line > 0 && g->column > 0)
			buf_printf(w->out, ":%" PRId64, g->column);
		buf_add_str(w->out, ": ");
	}
	text_item(w, "", g->severity);
	buf_add_str(w->out, ": ");
	report_escape_plain(w->out, g->text, DIAG_MAX_BYTES);
	if (g->flag) {
		text_item(w, " [", g->flag);
		buf_add_str(w->out, "]");
	}
	buf_add_str(w->out, "\n");
}

static void text_diags(const struct report_writer *w)
{
	const struct history_details *d = &w->d->with;

	text_counts(w);
	if (report_data_lost_details(w->d))
		buf_add_str(w->out, "  Which ones is no longer in the "
				    "history.\n");
	for (size_t i = 0; i < shown(w, d->n_diags, DIAGS); i++)
		text_diag(w, &d->diag[i]);
	text_more(w, d->n_diags, DIAGS, "diagnostics");
}

/* ---------------------------------------------------------------- sizes */

static void text_size(const struct report_writer *w,
		      const struct report_size *s)
{
	const int64_t now[] = { s->now.text, s->now.data, s->now.bss };

	for (size_t i = 0; i < 3; i++)
		text_cell(w, 11, buf_add_number, s->is_elf ? now[i] : -1);
	text_cell(w, 11, buf_add_number, s->now.file);
	if (s->is_new)
		buf_printf(w->out, "%11s", "new");
	else if (s->change)
		buf_printf(w->out, "%+11" PRId64, s->change);
	else
		buf_printf(w->out, "%11s", s->is_known ? "0" : "");
	text_item(w, "  ", s->now.name);
	buf_add_str(w->out, "\n");
}

static void text_sizes(const struct report_writer *w)
{
	struct report_sizes s;

	report_sizes_init(&s, w->d);
	if (s.n) {
		buf_printf(w->out, "\n%11s%11s%11s%11s%11s  sizes\n", "text",
			   "data", "bss", "file", s.compared ? "change" : "");
		for (size_t i = 0; i < shown(w, s.n, SIZES); i++)
			text_size(w, &s.v[i]);
		text_more(w, s.n, SIZES, "files");
	}
	report_sizes_release(&s);
}

static void text_of_ended(const struct report_writer *w)
{
	text_jobs(w);
	text_steps(w);
	text_before(w);
	text_phases(w);
	text_nodes(w);
	text_reasons(w);
	text_slowest(w);
	text_diags(w);
	text_sizes(w);
}

void report_text(struct buf *out, const struct report_data *d, bool all)
{
	struct report_lanes lanes;
	struct report_writer w = {
		.out = out, .d = d, .lanes = &lanes, .all = all
	};

	report_lanes_init(&lanes, d);
	text_title(&w);
	text_place(&w);
	text_times(&w);
	if (report_data_ended(&d->build))
		text_of_ended(&w);
	else
		buf_printf(out, "\n%s\n", report_data_unended(d));
	report_lanes_release(&lanes);
}
