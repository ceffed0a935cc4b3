/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/header.h"

#include "base/format.h"
#include "ui/bar.h"
#include "ui/rates.h"
#include "ui/row.h"
#include "ui/width.h"

#include <stdio.h>
#include <string.h>

#define TREE_LEAST 12 /* columns */
#define BAR_LEAST  12
#define BAR_WORDS  50 /* columns that are left beside the bar */
#define SHARE_MOST 40 /* columns of how far it is */
#define REST_LEAST 40 /* columns where the time that is left is shown */

/* Parts of a line, as many as fit. */
struct parts {
	const struct ui_area *area;
	unsigned row, at;
	bool full;
};

static void put_part(struct parts *p, enum ui_style style, const char *text)
{
	unsigned gap = p->at ? 2 : 0;

	if (!*text || p->full)
		return;
	p->full = p->at && p->at + gap + ui_width(text) > p->area->columns;
	if (!p->full)
		p->at += gap + ui_area_put(p->area, p->row, p->at + gap, 0,
					   style, text);
}

static void put_counted(struct parts *p, enum ui_style style, uint64_t n,
			const char *one, const char *many)
{
	char text[64];

	snprintf(text, sizeof(text), "%llu %s", (unsigned long long)n,
		 n == 1 ? one : many);
	put_part(p, style, text);
}

/* ---------------------------------------------------------- what is built */

static void add_title_word(struct buf *line, const char *text)
{
	if (*text)
		buf_printf(line, "%s%s", line->len ? "  " : "", text);
}

/* In so many columns; of a directory's name the least is needed. */
static void add_what_is_built(struct buf *line, const struct ui_model *m,
			      unsigned columns)
{
	struct buf rest = { 0 }, tree = { 0 };
	unsigned width;

	ui_model_add_which(m, &rest);
	add_title_word(&rest, m->toolchain);
	add_title_word(&rest, m->what);
	width = ui_width(buf_str(&rest)) + 2;
	ui_width_elide(&tree, m->tree,
		       width + TREE_LEAST < columns ? columns - width :
						      TREE_LEAST);
	add_title_word(line, buf_str(&tree));
	add_title_word(line, buf_str(&rest));
	add_title_word(line, line->len ? "" : "kfarm");
	buf_release(&rest);
	buf_release(&tree);
}

/* "1:15", "1:15  ETA 2:31" */
static void add_times(struct buf *out, uint64_t now,
		      const struct ui_outlook *look)
{
	format_time(out, now);
	if (look && look->has_rest) {
		buf_add_str(out, "  ETA ");
		format_time(out, look->rest_ms);
	}
}

/* `look` may be NULL. */
static void put_what_is_built(const struct ui_area *a, unsigned row,
			      const struct ui_model *m, uint64_t now,
			      const struct ui_outlook *look)
{
	struct buf line = { 0 }, time = { 0 };
	unsigned width;

	add_times(&time, now, a->columns < REST_LEAST ? NULL : look);
	width = ui_width(buf_str(&time));
	if (a->columns > width + 1) {
		add_what_is_built(&line, m, a->columns - width - 1);
		ui_area_put_elided(a, row, 0, a->columns - width - 1, UI_TITLE,
				   buf_str(&line));
	}
	ui_area_put_right(a, row, 0, a->columns, UI_BOLD, buf_str(&time));
	buf_release(&line);
	buf_release(&time);
}

static void put_outcome(struct parts *p, const struct ui_model *m)
{
	char text[64];

	if (!m->done) {
		put_part(p, UI_BOLD, ui_model_phase(m));
	} else if (!m->status) {
		put_part(p, UI_GOOD, "done");
	} else if (m->status == 101) {
		put_part(p, UI_WARN, "done, new warnings");
	} else if (m->status == 130) {
		put_part(p, UI_BAD, "interrupted");
	} else {
		snprintf(text, sizeof(text), "FAILED, exit status %lld",
			 (long long)m->status);
		put_part(p, UI_BAD, text);
	}
}

/* "20 %", "587/2874 ok" */
static void put_jobs_done(struct parts *p, const struct ui_model *m,
			  const struct ui_outlook *look)
{
	char text[64];

	if (!look) {
		put_counted(p, UI_GOOD, ui_model_jobs_done(m), "ok", "ok");
		return;
	}
	snprintf(text, sizeof(text), "%u %%", look->percent);
	put_part(p, UI_BOLD, text);
	snprintf(text, sizeof(text), "%u/%llu ok", ui_model_jobs_done(m),
		 (unsigned long long)look->total);
	put_part(p, UI_GOOD, text);
}

/* In what is left of the line. */
static void put_share(const struct parts *p, unsigned percent)
{
	unsigned columns = p->area->columns, at = p->at + 2;
	unsigned room = at < columns ? columns - at : 0;

	if (p->full || room < BAR_LEAST)
		return;
	if (room > SHARE_MOST)
		room = SHARE_MOST;
	ui_bar_put_share(p->area, p->row, columns - room, room, percent);
}

/* `look` may be NULL. */
static void put_counts(const struct ui_area *a, unsigned row,
		       const struct ui_model *m, uint64_t now,
		       uint64_t new_diags, const struct ui_outlook *look)
{
	struct parts p = { .area = a, .row = row };
	struct buf rate = { 0 };

	put_outcome(&p, m);
	put_jobs_done(&p, m, look);
	put_counted(&p, m->tally.warnings ? UI_WARN : UI_NORMAL,
		    m->tally.warnings, "warning", "warnings");
	put_counted(&p, m->tally.errors ? UI_BAD : UI_NORMAL, m->tally.errors,
		    "error", "errors");
	if (new_diags)
		put_counted(&p, UI_WARN, new_diags, "new", "new");
	format_milli(&rate, ui_model_rate(m, now, UI_RATES_SECONDS));
	buf_add_str(&rate, "/s");
	put_part(&p, UI_NORMAL, buf_str(&rate));
	put_counted(&p, UI_NORMAL, m->tally.remote, "remote", "remote");
	put_counted(&p, UI_NORMAL, m->tally.local, "local", "local");
	if (m->tally.steps)
		put_counted(&p, UI_NORMAL, m->tally.steps, "step", "steps");
	if (m->tally.retried)
		put_counted(&p, UI_WARN, m->tally.retried, "retried",
			    "retried");
	if (m->tally.beside)
		put_counted(&p, UI_NORMAL, m->tally.beside, "twice", "twice");
	if (look)
		put_share(&p, look->percent);
	buf_release(&rate);
}

/* ------------------------------------------------------- how busy it is */

struct farm {
	struct ui_bar bar;
	uint64_t slots, busy;
	unsigned nodes, up, idle;
};

static void add_node_to_farm(struct farm *f, const struct ui_model *m,
			     const struct ui_node *n, uint64_t now)
{
	bool local = ui_node_is_local(n);
	unsigned busy = 0;

	for (unsigned i = EVENTS_SCAN; i <= EVENTS_RECEIVE; i++) {
		f->bar.part[local ? UI_BAR_LOCAL : i - EVENTS_SCAN] +=
			n->now[i];
		busy += n->now[i];
	}
	f->busy += busy;
	if (local || ui_node_is_up(n)) {
		unsigned slots = ui_row_slots(m, n);

		f->slots += slots;
		f->bar.part[UI_BAR_FREE] += slots > busy ? slots - busy : 0;
	}
	f->idle += ui_row_idle(n, now);
}

static struct farm look_at_farm(const struct ui_model *m, uint64_t now)
{
	struct farm f = { 0 };

	for (size_t i = 0; i < m->n_nodes; i++)
		add_node_to_farm(&f, m, m->node[i], now);
	f.nodes = ui_model_nodes(m, &f.up);
	if (!ui_row_works(m, now))
		f.idle = 0;
	return f;
}

/* A farm that waits for the linker is no farm that failed. */
static const char *why_idle(const struct ui_model *m)
{
	static const struct {
		const char *phase, *words;
	} phases[] = {
		{ "config", "configuring: farm idle" },
		{ "link", "linking vmlinux: farm idle" },
		{ "modpost", "modpost: farm idle" },
		{ "modules", "linking modules: farm idle" },
		{ "dtbs", "device trees: farm idle" },
		{ "artifacts", "packing artifacts: farm idle" },
	};

	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
		if (!strcmp(ui_model_phase(m), phases[i].phase))
			return phases[i].words;
	}
	return "";
}

static void put_busy(const struct ui_area *a, unsigned row,
		     const struct ui_model *m, uint64_t now)
{
	struct farm f = look_at_farm(m, now);
	struct parts p = { .area = a, .row = row };
	unsigned bar = a->columns / 2;
	char text[64];

	if (bar > BAR_LEAST && a->columns > BAR_WORDS + BAR_LEAST)
		bar = a->columns - BAR_WORDS;
	p.at = ui_bar_put(a, row, 0, bar, &f.bar);
	if (!f.busy && f.nodes && !m->n_jobs && !m->done)
		put_part(&p, UI_BOLD, why_idle(m));
	snprintf(text, sizeof(text), "%llu/%llu slots",
		 (unsigned long long)f.busy, (unsigned long long)f.slots);
	put_part(&p, UI_NORMAL, text);
	snprintf(text, sizeof(text), "nodes %u/%u", f.up, f.nodes);
	put_part(&p, f.up < f.nodes ? UI_WARN : UI_NORMAL, text);
	if (f.idle)
		put_counted(&p, UI_WARN, f.idle, "idle", "idle");
	if (m->now[EVENTS_SCAN])
		put_counted(&p, UI_SCAN, m->now[EVENTS_SCAN], "scanned",
			    "scanned");
	if (m->now[EVENTS_QUEUED])
		put_counted(&p, UI_NORMAL, m->now[EVENTS_QUEUED], "queued",
			    "queued");
}

bool ui_header_has_build(const struct ui_model *m)
{
	return m->n_phases || m->n_jobs || m->tally.remote || m->tally.local ||
	       m->done;
}

void ui_header_draw(const struct ui_area *a, const struct ui_model *m,
		    uint64_t now, uint64_t new_diags)
{
	bool build = ui_header_has_build(m);
	struct ui_outlook expected;
	const struct ui_outlook *look = ui_model_look(m, now, &expected) ?
						&expected :
						NULL;
	unsigned row = 0;

	/* One line has to tell how far it is. */
	if (a->rows > 1 || !build)
		put_what_is_built(a, row++, m, now, look);
	if (build)
		put_counts(a, row++, m, now, new_diags, look);
	put_busy(a, row++, m, now);
	if (build && a->rows > 3)
		ui_rates_put_line(a, row, m, now);
}
