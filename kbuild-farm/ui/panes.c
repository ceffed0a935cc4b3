/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/panes.h"

#include "base/format.h"
#include "base/text-width.h"
#include "base/vec.h"
#include "events/text.h"
#include "ui/row.h"

#include <stdio.h>
#include <string.h>

#define SPARKLINE_MIN 10 /* columns */
#define LABEL_COLUMNS 36 /* columns of the pane before the sparklines */

/* Throughput of the last minute, oldest second first. */
struct minute_rates {
	uint64_t jobs[UI_SECONDS], sent[UI_SECONDS], received[UI_SECONDS];
	uint64_t sent_rate, received_rate; /* bytes per second */
};

static void collect_minute(struct minute_rates *past, const struct ui_model *m,
			   uint64_t now)
{
	*past = (struct minute_rates){ 0 };
	for (unsigned ago = 1; ago <= UI_SECONDS; ago++) {
		const struct ui_second *s = ui_model_second(m, now, ago);

		past->jobs[UI_SECONDS - ago] = s->n_remote + s->n_local +
					       s->n_cached;
		past->sent[UI_SECONDS - ago] = s->sent_bytes;
		past->received[UI_SECONDS - ago] = s->received_bytes;
		if (ago <= UI_RATES_CURRENT_S) {
			past->sent_rate += s->sent_bytes;
			past->received_rate += s->received_bytes;
		}
	}
	past->sent_rate /= UI_RATES_CURRENT_S;
	past->received_rate /= UI_RATES_CURRENT_S;
}

static void put_objects(struct buf *out, const struct ui_model *m, uint64_t now)
{
	uint64_t jobs = ui_model_count_done(m);

	format_milli(out, ui_model_rate_milli(m, now, UI_RATES_CURRENT_S));
	buf_add_str(out, "/s now, ");
	format_milli(out, now ? jobs * 1000000 / now : 0);
	buf_add_str(out, "/s mean");
}

/* Draw a sparkline of as many seconds as there are columns. */
static void put_spark(const struct ui_area *a, unsigned row, unsigned at,
		      const uint64_t *value)
{
	unsigned n = at < a->columns ? a->columns - at : 0;

	if (n > UI_SECONDS)
		n = UI_SECONDS;
	if (n >= SPARKLINE_MIN)
		ui_bar_put_sparkline(a, row, at, value + UI_SECONDS - n, n);
}

static void put_row(const struct ui_area *a, unsigned row, const char *label,
		    struct buf *text, const uint64_t *value)
{
	ui_area_put(a, row, 1, 0, UI_STYLE_DIM, label);
	ui_area_put(a, row, 10, LABEL_COLUMNS - 10, UI_STYLE_NORMAL,
		    buf_str(text));
	put_spark(a, row, LABEL_COLUMNS, value);
	buf_reset(text);
}

static void put_bytes(struct buf *out, uint64_t now, uint64_t all)
{
	format_bytes(out, now);
	buf_add_str(out, "B/s now, ");
	format_bytes(out, all);
	buf_add_str(out, "B total");
}

static uint64_t bytes_or_zero(int64_t bytes)
{
	return bytes > 0 ? (uint64_t)bytes : 0;
}

void ui_rates_draw(const struct ui_area *a, const struct ui_model *m,
		   uint64_t now)
{
	uint64_t sent = 0, received = 0;
	struct buf text = { 0 };
	struct minute_rates past;

	collect_minute(&past, m, now);
	for (size_t i = 0; i < m->n_nodes; i++) {
		const struct events_node *n = m->nodes[i]->reported;

		sent += bytes_or_zero(n->sent_bytes);
		received += bytes_or_zero(n->received_bytes);
	}
	ui_area_put_title(a, 0, "Throughput, last minute");
	put_objects(&text, m, now);
	put_row(a, 1, "objects", &text, past.jobs);
	put_bytes(&text, past.sent_rate, sent);
	put_row(a, 2, "sent", &text, past.sent);
	put_bytes(&text, past.received_rate, received);
	put_row(a, 3, "received", &text, past.received);
	buf_release(&text);
}

#define KEYS_COLUMN_WIDTH 46 /* screen columns per column of the help */

static const struct {
	const char *key, *words;
} keys[] = {
	{ "q F10", "quit; the build continues" },
	{ "Q", "abort the build (twice)" },
	{ "Tab", "next pane; Shift-Tab: previous" },
	{ "Up Down k j", "move; also PgUp PgDn Home End" },
	{ "Space Enter", "open, close; also Right Left h" },
	{ "a", "open all nodes, or all groups" },
	{ "g", "group by pool and site (on, off)" },
	{ "s r", "sort by the next column; reverse" },
	{ "/ n N", "search; next; previous" },
	{ "\\", "filter nodes by name" },
	{ "w", "warnings and errors" },
	{ "e", "errors only" },
	{ "l", "the log" },
	{ "f", "follow the end, or stop" },
	{ "p", "pause the display" },
	{ "d", "drain or resume the node" },
	{ "+ -", "one slot more, or fewer" },
	{ "[ ]", "other builds (kfarm top)" },
};

static const char *const notes[] = {
	"IN and OUT are bytes to and from the node; MEAN is the mean time of "
	"its jobs.",
	"\"!\" marks a job that takes over ten times as long, \"C!\" a hot "
	"node.",
};

#define KEYS  (unsigned)ARRAY_SIZE(keys)
#define NOTES (unsigned)ARRAY_SIZE(notes)

static const char *const parts[UI_BAR_PARTS] = {
	[UI_BAR_SCAN] = "scanned", [UI_BAR_SEND] = "sent",
	[UI_BAR_RUN] = "running",  [UI_BAR_RECEIVE] = "received",
	[UI_BAR_LOCAL] = "local",  [UI_BAR_FREE] = "free",
};

/*
 * Draw line `line` of the help: first the keys in `columns` columns, then an
 * empty line, the legend and the notes.
 */
static void put_help_line(const struct ui_area *a, unsigned row, unsigned line,
			  unsigned columns)
{
	unsigned rows = (KEYS + columns - 1) / columns, at = 1;
	struct ui_area part = *a;

	part.columns = a->columns / columns;
	for (unsigned i = line; line < rows && i < KEYS; i += rows) {
		ui_area_put(&part, row, 1, 11, UI_STYLE_BOLD, keys[i].key);
		ui_area_put(&part, row, 13, 0, UI_STYLE_NORMAL, keys[i].words);
		part.column += part.columns;
	}
	if (line > rows + 1)
		ui_area_put(a, row, 1, 0, UI_STYLE_NORMAL,
			    notes[line - rows - 2]);
	if (line != rows + 1)
		return;
	at += ui_area_put(a, row, at, 0, UI_STYLE_NORMAL, "Slots: ");
	for (unsigned i = 0; i < UI_BAR_PARTS; i++) {
		const struct ui_bar_symbol *s = &ui_bar_symbols[i];

		at += ui_area_put(a, row, at, 0, s->style,
				  a->canvas->ascii ? s->ascii : s->utf8);
		at += ui_area_put(a, row, at, 0, UI_STYLE_NORMAL, " ");
		at += ui_area_put(a, row, at, 0, UI_STYLE_NORMAL, parts[i]);
		at += ui_area_put(a, row, at, 0, UI_STYLE_NORMAL, "  ");
	}
}

void ui_panes_draw_help(struct ui_scroll *s, const struct ui_area *a)
{
	bool wide = a->columns >= 2 * KEYS_COLUMN_WIDTH &&
		    a->rows < KEYS + 2 + NOTES + 1;
	unsigned columns = wide ? 2 : 1;
	unsigned lines = (KEYS + columns - 1) / columns + 2 + NOTES;

	ui_area_put_title(a, 0, "Keys");
	ui_scroll_set_range(s, 0, lines, a->rows ? a->rows - 1 : 0);
	for (unsigned row = 1; row < a->rows; row++) {
		unsigned line = (unsigned)s->first_shown + row - 1;

		if (line < lines)
			put_help_line(a, row, line, columns);
	}
}

bool ui_panes_handle_help_key(struct ui_scroll *s, uint32_t key)
{
	/* The help has the most lines if the keys are in one column. */
	return ui_scroll_handle_key(s, 0, KEYS + 2 + NOTES, key);
}

/* columns needed to show reasons and compiles side by side */
#define SIDE_BY_SIDE_MIN 76

/* Draw the reasons for local compiles.  Returns the number of rows used. */
static unsigned put_reasons(const struct ui_area *a, unsigned rows,
			    const struct ui_model *m)
{
	const struct events_totals *t = &m->totals;
	unsigned i = 0;

	for (; i < t->n_reasons && t->reasons[i].n_jobs && i < rows; i++) {
		char count[24];

		snprintf(count, sizeof(count), "%u", t->reasons[i].n_jobs);
		ui_area_put_right(a, 1 + i, 1, 6, UI_STYLE_LOCAL, count);
		ui_area_put_elided(a, 1 + i, 8,
				   a->columns > 8 ? a->columns - 8 : 0,
				   UI_STYLE_NORMAL, t->reasons[i].text);
	}
	if (!i && rows)
		ui_area_put(a, 1, 1, 0, UI_STYLE_DIM, "none so far");
	return i + !i;
}

static void put_compiles(const struct ui_area *a, unsigned row,
			 const struct ui_node *local, uint64_t now)
{
	for (unsigned i = 0; local && i < local->n_slots; i++) {
		if (local->slots[i] && row < a->rows)
			ui_row_put_job(a, row++, 1, local->slots[i], now);
	}
}

void ui_panes_draw_local(const struct ui_area *a, const struct ui_model *m,
			 uint64_t now)
{
	const struct ui_node *local = ui_model_find_node(m, EVENTS_LOCAL);
	struct ui_area left = *a, right = *a;
	unsigned running = local ? ui_node_count_jobs(local) : 0, rows;
	char title[80];

	snprintf(title, sizeof(title), "Local compiles: %u, %u running",
		 m->totals.n_local, running);
	ui_area_put_title(a, 0, title);
	if (a->rows < 2)
		return;
	rows = a->rows - 1;
	if (a->columns >= SIDE_BY_SIDE_MIN) {
		left.columns = a->columns / 2 - 1;
		right.column += a->columns / 2;
		right.columns -= a->columns / 2;
		put_reasons(&left, rows, m);
		put_compiles(&right, 1, local, now);
	} else {
		/* Running compiles get up to half of the rows. */
		rows = running < rows / 2 ? rows - running : rows - rows / 2;
		put_compiles(a, 1 + put_reasons(a, rows, m), local, now);
	}
}

#define RATES_COLUMNS_MAX 96 /* fits a sparkline of a minute */
/* smallest screen with throughput and local compiles side by side */
#define BAND_ROWS_MIN    36
#define BAND_COLUMNS_MIN 100
/* rows of the smallest screen with the pane of local compiles */
#define LOCAL_ROWS_MIN 20
/* rows needed to show two panes one below the other */
#define SPLIT_ROWS_MIN 10
#define NODES_ROWS_MIN 4
/* minimum rows of a pane that is not open, but is shown in spare rows */
#define SPARE_ROWS_MIN 8
/* rows of local compiles if diagnostics or the log need the other rows */
#define LOCAL_ROWS 5

static unsigned clamp_size(uint64_t n, unsigned least, unsigned most)
{
	return n > most ? most : n < least ? least : (unsigned)n;
}

static struct ui_area split_top(struct ui_area *rest, unsigned rows)
{
	struct ui_area top = *rest;

	top.rows = rows < rest->rows ? rows : rest->rows;
	rest->row += top.rows;
	rest->rows -= top.rows;
	return top;
}

static struct ui_area split_bottom(struct ui_area *rest, unsigned rows)
{
	struct ui_area bottom = *rest;

	bottom.rows = rows < rest->rows ? rows : rest->rows;
	rest->rows -= bottom.rows;
	bottom.row += rest->rows;
	return bottom;
}

static unsigned header_rows(const struct ui_canvas *c, bool build, bool band)
{
	if (!build)
		return c->rows >= 6 ? 2 : 1;
	if (c->rows >= LOCAL_ROWS_MIN)
		return band ? 3 : 4;
	return c->rows >= 10 ? 3 : c->rows >= 6 ? 2 : 1;
}

static void arrange_open_panes(struct ui_area *area, struct ui_area *rest,
			       const struct ui_panes_setup *setup)
{
	if (rest->rows < SPLIT_ROWS_MIN) {
		area[setup->focus] = split_top(rest, rest->rows);
		return;
	}
	area[UI_PANE_AREA_NODES] = split_top(
		rest, clamp_size(setup->n_node_lines + 1, NODES_ROWS_MIN,
				 rest->rows * 2 / 5));
	if (setup->diags_open && setup->log_open &&
	    rest->rows >= SPLIT_ROWS_MIN) {
		area[UI_PANE_AREA_DIAGS] = split_top(rest, rest->rows / 2);
		area[UI_PANE_AREA_LOG] = *rest;
	} else if (setup->diags_open && setup->log_open) {
		area[setup->focus == UI_PANE_AREA_LOG ? UI_PANE_AREA_LOG :
							UI_PANE_AREA_DIAGS] =
			*rest;
	} else {
		area[setup->diags_open ? UI_PANE_AREA_DIAGS :
					 UI_PANE_AREA_LOG] = *rest;
	}
}

/* Return true if the nodes leave rows for diagnostics or the log. */
static bool has_spare_rows(unsigned rows, const struct ui_panes_setup *setup)
{
	return (setup->n_diag_lines || setup->has_log) &&
	       rows > setup->n_node_lines + 1 + SPARE_ROWS_MIN;
}

/* Show diagnostics and the log in the rows that the nodes do not need. */
static void arrange_spare_rows(struct ui_area *area, struct ui_area *rest,
			       const struct ui_panes_setup *setup)
{
	struct ui_area spare;

	if (!has_spare_rows(rest->rows, setup))
		return;
	spare = split_bottom(rest,
			     rest->rows - (unsigned)setup->n_node_lines - 2);
	if (!setup->n_diag_lines) {
		area[UI_PANE_AREA_LOG] = spare;
		return;
	}
	area[UI_PANE_AREA_DIAGS] = split_top(
		&spare, setup->has_log && spare.rows >= 2 * SPARE_ROWS_MIN ?
				clamp_size(setup->n_diag_lines + 1,
					   SPARE_ROWS_MIN, spare.rows / 2) :
				spare.rows);
	area[UI_PANE_AREA_LOG] = spare;
}

/* Return the rows for local compiles on a screen without throughput. */
static unsigned count_local_rows(const struct ui_area *rest,
				 const struct ui_panes_setup *setup)
{
	if (has_spare_rows(rest->rows - LOCAL_ROWS, setup))
		return LOCAL_ROWS;
	return rest->rows > setup->n_node_lines ?
		       clamp_size(rest->rows - setup->n_node_lines - 1, 4, 10) :
		       4;
}

void ui_panes_arrange(struct ui_area areas[static UI_PANE_AREAS],
		      struct ui_canvas *c, const struct ui_panes_setup *setup)
{
	bool band = setup->has_build && c->rows >= BAND_ROWS_MIN &&
		    c->columns >= BAND_COLUMNS_MIN;
	struct ui_area rest = { c, 0, 0, c->rows, c->columns, false };
	struct ui_area *rates = &areas[UI_PANE_AREA_RATES];
	struct ui_area *local = &areas[UI_PANE_AREA_LOCAL];

	for (unsigned i = 0; i < UI_PANE_AREAS; i++)
		areas[i] = (struct ui_area){ .canvas = c };
	if (setup->has_title && c->rows >= 8)
		areas[UI_PANE_AREA_TITLE] = split_top(&rest, 1);
	if (c->rows >= 3)
		areas[UI_PANE_AREA_MESSAGE] = split_bottom(&rest, 1);
	areas[UI_PANE_AREA_HEADER] = split_top(
		&rest, header_rows(c, setup->has_build, band));
	if (band) {
		*local = split_bottom(&rest, clamp_size(rest.rows / 5, 5, 10));
		*rates = *local;
		rates->columns = clamp_size(local->columns * 11 / 20, 0,
					    RATES_COLUMNS_MAX);
		local->column += rates->columns + 1;
		local->columns -= rates->columns + 1;
	} else if (setup->has_build && c->rows >= LOCAL_ROWS_MIN &&
		   !setup->diags_open && !setup->log_open) {
		*local = split_bottom(&rest, count_local_rows(&rest, setup));
	}
	if (setup->diags_open || setup->log_open) {
		arrange_open_panes(areas, &rest, setup);
	} else {
		arrange_spare_rows(areas, &rest, setup);
		areas[UI_PANE_AREA_NODES] = rest;
	}
	areas[setup->focus].focused = true;
}

#define TREE_COLUMNS_MIN     12 /* columns */
#define BAR_COLUMNS_MIN      12
#define BAR_LABEL_COLUMNS    50 /* columns next to the bar */
#define PROGRESS_COLUMNS_MIN 12
#define PROGRESS_COLUMNS_MAX 40
#define ETA_COLUMNS_MIN      40 /* columns of a screen that shows the ETA */

/* A line of parts.  The first part that does not fit ends the line. */
struct header_line {
	const struct ui_area *area;
	unsigned row, column;
	bool exhausted;
};

static void put_part(struct header_line *p, enum ui_style style,
		     const char *text)
{
	unsigned gap = p->column ? 2 : 0;

	if (!*text || p->exhausted)
		return;
	p->exhausted = p->column &&
		       p->column + gap + text_width(text) > p->area->columns;
	if (!p->exhausted)
		p->column += gap + ui_area_put(p->area, p->row, p->column + gap,
					       0, style, text);
}

static void put_counted(struct header_line *p, enum ui_style style, uint64_t n,
			const char *one, const char *many)
{
	char text[64];

	snprintf(text, sizeof(text), "%llu %s", (unsigned long long)n,
		 n == 1 ? one : many);
	put_part(p, style, text);
}

/* ---- description of the build ---- */

static void add_title_word(struct buf *line, const char *text)
{
	if (*text)
		buf_printf(line, "%s%s", line->len ? "  " : "", text);
}

/*
 * Draw the title, such as "arm64 ...   1:15  ETA ~2:31".  `expected` can be
 * NULL.
 */
static void put_build_title(const struct ui_area *a, unsigned row,
			    const struct ui_model *m, uint64_t now,
			    const struct ui_prediction *expected)
{
	struct buf line = { 0 }, rest = { 0 }, tree = { 0 }, time = { 0 };
	unsigned columns, width;

	format_time(&time, now);
	if (expected && expected->has_remaining &&
	    a->columns >= ETA_COLUMNS_MIN) {
		buf_add_str(&time, "  ETA ~");
		format_time(&time, expected->remaining_ms);
	}
	width = text_width(buf_str(&time));
	if (a->columns > width + 1) {
		columns = a->columns - width - 1;
		ui_model_add_label(m, &rest);
		add_title_word(&rest, m->toolchain);
		add_title_word(&rest, m->goals);
		width = text_width(buf_str(&rest)) + 2;
		/* If the line is too long, first elide the tree's directory. */
		text_width_elide(&tree, m->tree,
				 width + TREE_COLUMNS_MIN < columns ?
					 columns - width :
					 TREE_COLUMNS_MIN);
		add_title_word(&line, buf_str(&tree));
		add_title_word(&line, buf_str(&rest));
		add_title_word(&line, line.len ? "" : "kfarm");
		ui_area_put_elided(a, row, 0, columns, UI_STYLE_TITLE,
				   buf_str(&line));
	}
	ui_area_put_right(a, row, 0, a->columns, UI_STYLE_BOLD, buf_str(&time));
	buf_release(&line);
	buf_release(&rest);
	buf_release(&tree);
	buf_release(&time);
}

/* Draw the progress bar, if there is room. */
static void put_progress_bar(struct header_line *p, unsigned percent)
{
	unsigned columns = p->area->columns;
	unsigned width = clamp_size(columns / 5, PROGRESS_COLUMNS_MIN,
				    PROGRESS_COLUMNS_MAX);

	if (p->column + 2 + width > columns / 2)
		return;
	ui_bar_put_progress(p->area, p->row, p->column + 2, width, percent);
	p->column += 2 + width;
}

/*
 * Draw the counts of jobs and diagnostics.  `n_unseen` is the number of blocks
 * that the pane of diagnostics has not shown; `expected` can be NULL.
 */
static void put_counts(const struct ui_area *a, unsigned row,
		       const struct ui_model *m, uint64_t now,
		       uint64_t n_unseen, const struct ui_prediction *expected)
{
	struct header_line p = { .area = a, .row = row };
	struct buf rate = { 0 }, phase = { 0 }, cached = { 0 },
		   disabled = { 0 };
	char text[64];

	if (!m->done) {
		ui_model_add_phase(m, &phase);
		put_part(&p, UI_STYLE_BOLD, buf_str(&phase));
		buf_release(&phase);
	} else if (!m->status) {
		put_part(&p, UI_STYLE_GOOD, "done");
	} else if (m->status == 101 && *m->tree) {
		/*
		 * `kfarm run`, which has no tree, exits with the status of its
		 * command.  Its status 101 does not mean new warnings.
		 */
		put_part(&p, UI_STYLE_WARN, "done, new warnings");
	} else if (m->status == 130) {
		put_part(&p, UI_STYLE_BAD, "interrupted");
	} else {
		snprintf(text, sizeof(text), "FAILED, exit status %lld",
			 (long long)m->status);
		put_part(&p, UI_STYLE_BAD, text);
	}
	if (expected) {
		put_progress_bar(&p, expected->percent);
		snprintf(text, sizeof(text), "%u %%", expected->percent);
		put_part(&p, UI_STYLE_BOLD, text);
		snprintf(text, sizeof(text), "%u/~%llu ok",
			 ui_model_count_done(m),
			 (unsigned long long)expected->n_total);
		put_part(&p, UI_STYLE_GOOD, text);
	} else {
		put_counted(&p, UI_STYLE_GOOD, ui_model_count_done(m), "ok",
			    "ok");
	}
	put_counted(&p, m->totals.n_warnings ? UI_STYLE_WARN : UI_STYLE_NORMAL,
		    m->totals.n_warnings, "warning", "warnings");
	put_counted(&p, m->totals.n_errors ? UI_STYLE_BAD : UI_STYLE_NORMAL,
		    m->totals.n_errors, "error", "errors");
	if (n_unseen)
		put_counted(&p, UI_STYLE_WARN, n_unseen, "unseen", "unseen");
	for (size_t i = 0; i < m->totals.n_disabled; i++) {
		const struct events_disabled *d = &m->totals.disabled[i];

		buf_reset(&disabled);
		buf_add_str(&disabled, "disabled: ");
		events_text_add_disabled(&disabled, d->tool, d->node, 0, NULL);
		put_part(&p, UI_STYLE_WARN, buf_str(&disabled));
	}
	format_milli(&rate, ui_model_rate_milli(m, now, UI_RATES_CURRENT_S));
	buf_add_str(&rate, "/s");
	put_part(&p, UI_STYLE_NORMAL, buf_str(&rate));
	put_counted(&p, UI_STYLE_NORMAL, m->totals.n_remote, "remote",
		    "remote");
	put_counted(&p, UI_STYLE_NORMAL, m->totals.n_local, "local", "local");
	if (m->totals.n_cached) {
		events_text_add_cached(&cached, m->totals.n_cached,
				       m->totals.n_cached_remote);
		put_part(&p, UI_STYLE_NORMAL, buf_str(&cached));
	}
	if (m->totals.n_steps)
		put_counted(&p, UI_STYLE_NORMAL, m->totals.n_steps, "step",
			    "steps");
	if (m->totals.n_retried)
		put_counted(&p, UI_STYLE_WARN, m->totals.n_retried, "retried",
			    "retried");
	if (m->totals.n_hedged)
		put_counted(&p, UI_STYLE_NORMAL, m->totals.n_hedged,
			    "duplicated", "duplicated");
	buf_release(&cached);
	buf_release(&disabled);
	buf_release(&rate);
}

/* ---- slots ---- */

static void put_slot_usage(const struct ui_area *a, unsigned row,
			   const struct ui_model *m, uint64_t now)
{
	struct header_line p = { .area = a, .row = row };
	struct ui_bar bar = { 0 };
	uint64_t n_slots = 0, n_busy = 0;
	unsigned columns = a->columns / 2, n_nodes, n_up, n_idle = 0;
	const char *phase;
	char text[64];

	for (size_t i = 0; i < m->n_nodes; i++) {
		const struct ui_node *n = m->nodes[i];
		bool local = ui_node_is_local(n);
		unsigned slots = ui_node_count_slots(m, n);
		unsigned busy = ui_row_add_busy_slots(n, slots, &bar);

		n_busy += busy;
		if (!local && !ui_node_is_up(n))
			slots = 0;
		/* A drained node can still have jobs. */
		slots = slots > busy ? slots : busy;
		n_slots += slots;
		bar.slots[UI_BAR_FREE] += slots - busy;
		n_idle += ui_row_is_idle(n, now);
	}
	/* Before its first job, the build host is not a node of the model. */
	if (!ui_model_find_node(m, EVENTS_LOCAL) && m->n_local_slots > 0) {
		n_slots += (uint64_t)m->n_local_slots;
		bar.slots[UI_BAR_FREE] += (uint64_t)m->n_local_slots;
	}
	n_nodes = ui_model_count_nodes(m, &n_up);

	if (columns > BAR_COLUMNS_MIN &&
	    a->columns > BAR_LABEL_COLUMNS + BAR_COLUMNS_MIN)
		columns = a->columns - BAR_LABEL_COLUMNS;
	snprintf(text, sizeof(text), "slots %llu/%llu",
		 (unsigned long long)n_busy, (unsigned long long)n_slots);
	put_part(&p, UI_STYLE_NORMAL, text);
	p.column += 1 + ui_bar_put(a, row, p.column + 1, columns, &bar);
	phase = ui_row_phase_without_compiles(m);
	if (!n_busy && n_nodes && !m->n_jobs && !m->done && phase) {
		snprintf(text, sizeof(text), "%s: farm idle", phase);
		put_part(&p, UI_STYLE_BOLD, text);
	}
	snprintf(text, sizeof(text), "nodes %u/%u", n_up, n_nodes);
	put_part(&p, n_up < n_nodes ? UI_STYLE_WARN : UI_STYLE_NORMAL, text);
	if (n_idle && ui_row_has_work(m, now))
		put_counted(&p, UI_STYLE_WARN, n_idle, "idle", "idle");
	if (m->n_by_state[EVENTS_JOB_SCAN])
		put_counted(&p, UI_STYLE_SCAN, m->n_by_state[EVENTS_JOB_SCAN],
			    "scanned", "scanned");
	if (m->n_by_state[EVENTS_JOB_QUEUED])
		put_counted(&p, UI_STYLE_NORMAL,
			    m->n_by_state[EVENTS_JOB_QUEUED], "queued",
			    "queued");
}

bool ui_panes_has_build(const struct ui_model *m)
{
	return m->n_phases || m->n_jobs || ui_model_count_done(m) || m->done;
}

void ui_panes_draw_header(const struct ui_area *a, const struct ui_model *m,
			  uint64_t now, uint64_t n_unseen_diags)
{
	bool build = ui_panes_has_build(m);
	struct ui_prediction prediction, *expected = NULL;
	struct minute_rates past;
	struct buf line = { 0 };
	unsigned row = 0, at;

	if (ui_model_predict(m, now, &prediction))
		expected = &prediction;
	/* If there is only one row, use it for the progress of the build. */
	if (a->rows > 1 || !build)
		put_build_title(a, row++, m, now, expected);
	if (build)
		put_counts(a, row++, m, now, n_unseen_diags, expected);
	put_slot_usage(a, row++, m, now);
	if (!build || a->rows <= 3)
		return;
	collect_minute(&past, m, now);
	put_objects(&line, m, now);
	buf_add_str(&line, "; ");
	format_bytes(&line, past.sent_rate);
	buf_add_str(&line, "B/s sent, ");
	format_bytes(&line, past.received_rate);
	buf_add_str(&line, "B/s received ");
	at = ui_area_put(a, row, 0, 0, UI_STYLE_NORMAL, buf_str(&line));
	put_spark(a, row, at, past.jobs);
	buf_release(&line);
}
