/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text.h"

#include "base/format.h"
#include "base/str.h"
#include "events/event.h"
#include "events/text.h"
#include "report/data.h"
#include "report/page.h"
#include "report/slot-timeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 512
#define DIAG_MAX_BYTES 4096 /* bytes of a diagnostic's text */
/* maximum numbers of rows, unless all are requested */
#define TEXT_SLOWEST_MAX          10
#define NODES                     40
#define DIAGS                     50
#define SIZES                     20
#define TEXT_UNITS_PER_REASON_MAX 5 /* units listed per reason */

struct report_writer {
	struct buf *out;
	const struct report_data *data;
	const struct report_slot_timeline *timeline;
	bool all;
};

/* Return how many of `n` rows a list with the limit `most` shows. */
static size_t shown_count(const struct report_writer *w, size_t n, size_t most)
{
	return w->all || n < most ? n : most;
}

static void text_name(const struct report_writer *w, const char *text)
{
	report_escape_plain(w->out, text, NAME_MAX_BYTES);
}

/* Append the number of rows that shown_count() leaves out. */
static void text_omitted(const struct report_writer *w, size_t n, size_t most,
			 const char *of)
{
	if (shown_count(w, n, most) < n)
		buf_printf(w->out, "  ... and %zu more %s\n", n - most, of);
}

/*
 * Append a number right-aligned in `width` columns, or "-" if it is negative.
 */
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

/* Append `before` and `text`, or nothing if `text` is NULL. */
static void text_item(const struct report_writer *w, const char *before,
		      const char *text)
{
	if (!text)
		return;
	buf_add_str(w->out, before);
	text_name(w, text);
}

/*
 * If the files of the build no longer exist, list the data that the history
 * still has.
 */
static void text_remaining(const struct report_writer *w)
{
	const struct history_build *b = &w->data->build;

	if (history_output_state(b) == HISTORY_OUTPUT_PRESENT)
		return;
	buf_printf(w->out, "           still available: the totals%s%s\n",
		   b->has_details ? ", diagnostics and sizes" : "",
		   b->has_units ? ", and the time of each compile" : "");
}

/* Write the lines that the report on an unfinished build contains too. */
static void text_header(const struct report_writer *w)
{
	int64_t compile_ms = report_slot_timeline_compile_ms(w->timeline);
	const struct history_build *b = &w->data->build;

	buf_printf(w->out, "build %" PRId64 ": ", b->number);
	text_name(w, b->command);
	buf_printf(w->out, "%s%s\n", b->command ? " " : "",
		   report_data_status_text(w->data));
	/* A build by `kfarm run` can lack all of these values. */
	if (b->arch || b->config || b->toolchain || b->release) {
		text_item(w, "  ", b->arch ? b->arch : "");
		text_item(w, " ", b->config);
		text_item(w, ", ", b->toolchain);
		text_item(w, ", linux-", b->release);
		buf_add_str(w->out, "\n");
	}

	text_item(w, "  cause    ", b->cause);
	buf_add_str(w->out, b->cause ? "\n" : "");
	if (b->tree) {
		buf_add_str(w->out, "  tree     ");
		text_name(w, b->tree);
		if (b->commit)
			buf_printf(w->out, " at %.12s", b->commit);
		buf_add_str(w->out,
			    b->dirty ? ", with uncommitted changes\n" : "\n");
	}
	if (b->dir) {
		text_item(w, "  built in ", b->dir);
		buf_add_str(w->out, "\n");
	}
	if (b->output) {
		text_item(w, "  output   ", b->output);
		history_output_add_note(w->out, b);
		buf_add_str(w->out, "\n");
		text_remaining(w);
	}

	buf_add_str(w->out, "  started  ");
	report_data_add_time(w->out, b->start_s);
	if (report_data_is_finished(b)) {
		buf_add_str(w->out, ", ");
		format_duration(w->out, (uint64_t)b->wall_ms);
		buf_printf(w->out, " wall, build host %" PRId64 " s CPU",
			   (b->host_ms + 500) / 1000);
		if (compile_ms)
			buf_printf(w->out,
				   ", all compiles %" PRId64 " s elapsed",
				   (compile_ms + 500) / 1000);
	}
	buf_add_str(w->out, "\n");
}

/* Write the counts of jobs and tool steps, and a line about the baseline. */
static void text_jobs(const struct report_writer *w)
{
	const struct history_build *b = &w->data->build,
				   *was = &w->data->baseline;
	const struct history_details *d = &w->data->details;
	unsigned permille = report_data_remote_permille(w->data);

	buf_printf(w->out, "  jobs     %" PRId64, b->n_jobs);
	if (b->n_jobs) {
		buf_printf(w->out, ": %" PRId64 " remote", b->n_remote);
		/*
		 * Omit the share if jobs were cached: it is a share of executed
		 * jobs only.
		 */
		if (!b->n_cached)
			buf_printf(w->out, " (%u.%u %%)", permille / 10,
				   permille % 10);
		buf_printf(w->out, ", %" PRId64 " local", b->n_local);
	}
	if (b->n_cached) {
		buf_add_str(w->out, ", ");
		events_text_add_cached(w->out, b->n_cached, b->n_cached_remote);
	}
	if (b->n_retried)
		buf_printf(w->out, ", %" PRId64 " retried", b->n_retried);
	if (b->n_hedged)
		buf_printf(w->out, ", %" PRId64 " duplicated", b->n_hedged);
	buf_add_str(w->out, "\n");

	if (b->n_steps || b->n_local_steps) {
		buf_printf(w->out,
			   "  steps    %" PRId64 ": %" PRId64
			   " remote, %" PRId64 " local",
			   b->n_steps + b->n_local_steps, b->n_steps,
			   b->n_local_steps);
		for (size_t i = 0; i < d->n_step_reasons; i++) {
			buf_printf(w->out, "%s%" PRId64 " ", i ? ", " : " (",
				   d->step_reasons[i].n_jobs);
			text_name(w, d->step_reasons[i].text);
		}
		buf_printf(w->out, "%s\n", d->n_step_reasons ? ")" : "");
	}
	for (size_t i = 0; i < d->n_disabled; i++) {
		const struct history_disabled *x = &d->disabled[i];
		struct buf text = { 0 };

		events_text_add_disabled(&text, x->tool, x->node, x->n_failures,
					 x->text);
		text_item(w, "  disabled ", buf_str(&text));
		buf_add_str(w->out, "\n");
		buf_release(&text);
	}

	if (!w->data->has_baseline)
		return;
	buf_printf(w->out, "  baseline build %" PRId64 ": ", was->number);
	format_duration(w->out, (uint64_t)was->wall_ms);
	buf_printf(w->out,
		   " wall, jobs %" PRId64 ", warnings %" PRId64
		   ", errors %" PRId64,
		   was->n_jobs, was->n_warnings, was->n_errors);
	if (was->commit)
		buf_printf(w->out, ", at %.12s", was->commit);
	buf_add_str(w->out, "\n");
}

static void text_phases(const struct report_writer *w)
{
	const struct history_details *d = &w->data->details;

	if (!d->n_phases)
		return;
	buf_add_str(w->out, "\nphases\n");
	for (size_t i = 0; i < d->n_phases; i++) {
		text_cell(w, 9, format_time, d->phases[i].start_ms);
		text_cell(w, 8, format_duration_short,
			  d->phases[i].duration_ms);
		text_item(w, "  ", d->phases[i].name);
		buf_add_str(w->out, "\n");
	}
}

static void text_nodes(const struct report_writer *w)
{
	const struct history_details *d = &w->data->details;

	if (!d->n_nodes)
		return;
	buf_add_str(w->out, "\nnodes\n"
			    "  slots   jobs     cpu  sent  received  retries"
			    "  faults  name\n");
	for (size_t i = 0; i < shown_count(w, d->n_nodes, NODES); i++) {
		const struct history_node *n = &d->nodes[i];
		bool local = !strcmp(n->name, EVENTS_LOCAL);
		int64_t slots = local ? w->data->build.n_local_slots :
					n->n_slots;

		text_cell(w, 7, buf_add_number, slots > 0 ? slots : -1);
		text_cell(w, 7, buf_add_number, n->n_jobs);
		text_cell(w, 8, format_duration_short,
			  n->cpu_ms > 0 ? n->cpu_ms : -1);
		text_cell(w, 6, format_bytes, local ? -1 : n->sent_bytes);
		text_cell(w, 10, format_bytes, local ? -1 : n->received_bytes);
		text_cell(w, 9, buf_add_number, local ? -1 : n->n_retries);
		text_cell(w, 8, buf_add_number, local ? -1 : n->n_failed);
		text_item(w, "  ", local ? REPORT_BUILD_HOST_NAME : n->name);
		if (n->state && *n->state && strcmp(n->state, "up")) {
			text_item(w, ": ", n->state);
			text_item(w, ": ", n->reason);
		}
		buf_add_str(w->out, "\n");
	}
	text_omitted(w, d->n_nodes, NODES, "nodes");
}

/* List the local units with the reason `reason`, an index in d->reasons. */
static void text_reason_units(const struct report_writer *w, size_t reason)
{
	const struct history_details *d = &w->data->details;
	size_t n = 0;

	for (size_t i = 0; i < d->n_units; i++) {
		const struct history_unit *u = &d->units[i];

		if (u->remote || u->reason_index != (int64_t)reason)
			continue;
		if (n++ < TEXT_UNITS_PER_REASON_MAX || w->all) {
			text_item(w, "          ", u->object);
			buf_add_str(w->out, "\n");
		}
	}
	if (n > TEXT_UNITS_PER_REASON_MAX && !w->all)
		buf_printf(w->out, "          ... and %zu more\n",
			   n - TEXT_UNITS_PER_REASON_MAX);
}

static void text_reasons(const struct report_writer *w)
{
	const struct history_details *d = &w->data->details;

	if (!d->n_reasons)
		return;
	buf_add_str(w->out, "\nlocal compiles by reason\n");
	for (size_t i = 0; i < d->n_reasons; i++) {
		buf_printf(w->out, "%7" PRId64 "  ", d->reasons[i].n_jobs);
		text_name(w, d->reasons[i].text);
		buf_add_str(w->out, "\n");
		text_reason_units(w, i);
	}
}

static void text_slowest(const struct report_writer *w)
{
	const struct report_span **v;
	size_t n = report_slot_timeline_find_slowest(
		w->timeline, &v, w->all ? SIZE_MAX : TEXT_SLOWEST_MAX);

	if (n)
		buf_add_str(w->out, "\nslowest units, by elapsed time\n");
	else if (report_data_is_missing_units(w->data))
		buf_add_str(w->out,
			    "\nThe units are no longer available: the history "
			    "keeps those of the last three builds of a "
			    "configuration, and of its last build from "
			    "scratch.\n");
	for (size_t i = 0; i < n; i++) {
		const struct report_machine *m =
			&w->timeline->machines[v[i]->machine];

		text_cell(w, 9, report_data_add_duration,
			  report_slot_timeline_span_ms(v[i]));
		text_item(w, "  ", v[i]->unit->object);
		text_item(w, "  ", m->name);
		buf_add_str(w->out, "\n");
	}
	free(v);
}

static void text_diags(const struct report_writer *w)
{
	const struct history_build *b = &w->data->build;
	const struct history_details *d = &w->data->details;

	buf_printf(w->out, "\nwarnings %" PRId64, b->n_warnings);
	if (b->n_new_warnings >= 0)
		buf_printf(w->out, " (%" PRId64 " new)", b->n_new_warnings);
	buf_printf(w->out, ", errors %" PRId64, b->n_errors);
	if (b->n_new_errors >= 0 && b->n_errors)
		buf_printf(w->out, " (%" PRId64 " new)", b->n_new_errors);
	if (b->n_removed_diags > 0)
		buf_printf(w->out, ", %" PRId64 " gone", b->n_removed_diags);
	buf_add_str(w->out, "\n");

	if (report_data_is_missing_details(w->data))
		buf_add_str(w->out, "  The diagnostics are no longer "
				    "available.\n");
	for (size_t i = 0; i < shown_count(w, d->n_diags, DIAGS); i++) {
		const struct history_diag *g = &d->diags[i];

		buf_printf(w->out, "  %-8s",
			   g->status == HISTORY_DIAG_NO_BASELINE ?
				   "" :
				   history_diag_status_word(g->status));
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
	text_omitted(w, d->n_diags, DIAGS, "diagnostics");
}

static void text_sizes(const struct report_writer *w)
{
	struct report_sizes s;

	report_sizes_init(&s, w->data);
	if (s.n) {
		buf_printf(w->out, "\n%11s%11s%11s%11s%11s  sizes", "text",
			   "data", "bss", "file", s.compared ? "change" : "");
		if (w->data->sized_number)
			buf_printf(w->out, " (change since build %" PRId64 ")",
				   w->data->sized_number);
		buf_add_str(w->out, "\n");
	}
	for (size_t i = 0; i < shown_count(w, s.n, SIZES); i++) {
		const struct report_size *z = &s.v[i];
		const struct history_size *now = &z->current;

		text_cell(w, 11, buf_add_number, z->elf ? now->text_bytes : -1);
		text_cell(w, 11, buf_add_number, z->elf ? now->data_bytes : -1);
		text_cell(w, 11, buf_add_number, z->elf ? now->bss_bytes : -1);
		text_cell(w, 11, buf_add_number, now->file_bytes);
		if (z->new_file)
			buf_printf(w->out, "%11s", "new");
		else if (z->change_bytes)
			buf_printf(w->out, "%+11" PRId64, z->change_bytes);
		else
			buf_printf(w->out, "%11s", z->in_baseline ? "0" : "");
		text_item(w, "  ", now->name);
		buf_add_str(w->out, "\n");
	}
	text_omitted(w, s.n, SIZES, "files");
	report_sizes_release(&s);
}

void report_text(struct buf *out, const struct report_data *d, bool all)
{
	struct report_slot_timeline lanes;
	struct report_writer w = {
		.out = out, .data = d, .timeline = &lanes, .all = all
	};

	report_slot_timeline_init(&lanes, d);
	text_header(&w);
	if (report_data_is_finished(&d->build)) {
		text_jobs(&w);
		text_phases(&w);
		text_nodes(&w);
		text_reasons(&w);
		text_slowest(&w);
		if (history_has_log(&d->build))
			text_diags(&w);
		text_sizes(&w);
	} else {
		buf_printf(out, "\n%s\n", report_data_unfinished_text(d));
	}
	report_slot_timeline_release(&lanes);
}
