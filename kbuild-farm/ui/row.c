/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/row.h"

#include "base/format.h"
#include "base/str.h"
#include "base/text-width.h"
#include "base/vec.h"
#include "ui/group.h"

#include <stdio.h>
#include <string.h>

/* maximum width of a name, unless NOTE_COLUMNS_LONG remain for the note */
#define NAME_COLUMNS_MAX  24
#define SLOTS_COLUMNS_MAX 66 /* a bar of 64 slots */
#define NOTE_COLUMNS_MIN  16
#define NOTE_COLUMNS_LONG 60
#define FILE_COLUMN       15 /* offset of the file name in a job's line */
#define FILE_LEAST        24 /* columns needed to recognize a file */
#define GROUP_BAR_MIN     5 /* columns of the bar of a group */

/* ---- columns ---- */

static const struct {
	const char *title, *name;
	unsigned least;
	/* the column with the highest value is omitted first; 0: never */
	unsigned needless;
	bool left; /* left-aligned */
} columns_of[UI_COLUMNS] = {
	[UI_COLUMN_NAME] = { "NODE", "name", 10, 0, true },
	[UI_COLUMN_STATE] = { "STATE", "state", 8, 1, true },
	[UI_COLUMN_DONE] = { "DONE", "jobs done", 5, 3, false },
	[UI_COLUMN_FAILED] = { "FAIL", "failed jobs", 4, 4, false },
	[UI_COLUMN_RETRIED] = { "RETRY", "retried jobs", 5, 7, false },
	[UI_COLUMN_SLOTS] = { "SLOTS", "running jobs", 11, 2, true },
	[UI_COLUMN_MEAN] = { "MEAN", "mean time", 5, 6, false },
	[UI_COLUMN_SENT] = { "IN", "bytes sent", 4, 9, false },
	[UI_COLUMN_RECEIVED] = { "OUT", "bytes received", 4, 10, false },
	[UI_COLUMN_LOAD] = { "LOAD", "load", 5, 8, false },
	[UI_COLUMN_TEMPERATURE] = { "TEMP", "temperature", 5, 5, false },
	[UI_COLUMN_NOTE] = { "NOTE", "health", 0, 11, true },
};

const char *ui_row_column_name(enum ui_column column)
{
	return columns_of[column].name;
}

/* Return the total width, with a blank before each column. */
static unsigned sum_of(const struct ui_row_columns *c)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < UI_COLUMNS; i++)
		sum += c->widths[i] ? c->widths[i] + 1 : 0;
	return sum;
}

/* Widen a table column up to `most`, using *spare screen columns. */
static void widen_column(struct ui_row_columns *c, enum ui_column column,
			 size_t most, unsigned *spare)
{
	unsigned *width = &c->widths[column];
	size_t more = most > *width ? most - *width : 0;

	if (!*width)
		return;
	more = more < *spare ? more : *spare;
	*width += (unsigned)more;
	*spare -= (unsigned)more;
}

void ui_row_fit_columns(struct ui_row_columns *c, unsigned columns,
			size_t name_width, size_t max_slots)
{
	unsigned spare, extra;

	for (unsigned i = 0; i < UI_COLUMNS; i++)
		c->widths[i] = columns_of[i].least;
	while (sum_of(c) > columns && c->widths[UI_COLUMN_STATE]) {
		unsigned worst = 0;

		for (unsigned i = 1; i < UI_COLUMNS; i++) {
			if (c->widths[i] &&
			    (!c->widths[worst] ||
			     columns_of[i].needless >
				     columns_of[worst].needless))
				worst = i;
		}
		c->widths[worst] = 0;
	}
	spare = columns > sum_of(c) ? columns - sum_of(c) : 0;
	widen_column(c, UI_COLUMN_NAME,
		     name_width < NAME_COLUMNS_MAX ? name_width :
						     NAME_COLUMNS_MAX,
		     &spare);
	widen_column(c, UI_COLUMN_STATE, 10, &spare);
	widen_column(c, UI_COLUMN_DONE, 6, &spare);
	widen_column(c, UI_COLUMN_SLOTS,
		     max_slots + 2 < SLOTS_COLUMNS_MAX ? max_slots + 2 :
							 SLOTS_COLUMNS_MAX,
		     &spare);
	/* A long name uses the columns that the note does not need. */
	extra = spare > NOTE_COLUMNS_LONG ? spare - NOTE_COLUMNS_LONG : 0;
	spare -= extra;
	widen_column(c, UI_COLUMN_NAME, name_width, &extra);
	spare += extra;
	if (spare > NOTE_COLUMNS_MIN)
		c->widths[UI_COLUMN_NOTE] = spare - 1;
}

void ui_row_put_titles(const struct ui_row_columns *c, const struct ui_area *a,
		       enum ui_column sort, bool descending)
{
	const char *arrow = a->canvas->ascii ?
				    (descending ? "v" : "^") :
				    (descending ? "\u2193" : "\u2191");
	unsigned at = 0;

	for (unsigned i = 0; i < UI_COLUMNS; i++) {
		unsigned width = c->widths[i];
		const char *title = columns_of[i].title;
		unsigned indent = 0;

		if (!width)
			continue;
		if (!columns_of[i].left && strlen(title) < width)
			indent = width - (unsigned)strlen(title);
		ui_area_put(a, 0, at + 1 + indent, width, UI_STYLE_BOLD, title);
		if (i == sort)
			ui_area_put(a, 0, at + indent, 1, UI_STYLE_TITLE,
				    arrow);
		at += width + 1;
	}
}

/* ---- nodes ---- */

const char *ui_row_phase_without_compiles(const struct ui_model *m)
{
	static const struct {
		const char *phase, *words;
	} phases[] = {
		{ "config", "configuring" },
		{ "link", "linking vmlinux" },
		{ "modpost", "modpost" },
		{ "modules", "linking modules" },
		{ "dtbs", "device trees" },
		{ "install", "installing" },
		{ "package", "packaging" },
		{ "artifacts", "packing artifacts" },
	};
	const char *phase = ui_model_phase(m);

	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		if (!strcmp(phase, phases[i].phase))
			return phases[i].words;
	}
	return NULL;
}

bool ui_row_has_work(const struct ui_model *m, uint64_t now)
{
	if (ui_row_phase_without_compiles(m))
		return m->n_by_state[EVENTS_JOB_QUEUED] > 0;
	return !m->done && (m->n_jobs || ui_model_rate_milli(m, now, 10));
}

bool ui_row_is_idle(const struct ui_node *n, uint64_t now)
{
	return !ui_node_is_local(n) &&
	       ui_node_idle_ms(n, now) >= UI_ROW_IDLE_MS;
}

static bool is_hot(const struct ui_node *n)
{
	return n->temperature != EVENTS_UNKNOWN &&
	       n->temperature >= UI_ROW_HOT_MILLI;
}

static bool is_slow(const struct ui_node *n)
{
	return n->clock_speed != EVENTS_UNKNOWN &&
	       n->clock_speed < UI_ROW_SLOW_MILLI;
}

unsigned ui_row_add_busy_slots(const struct ui_node *n, unsigned slots,
			       struct ui_bar *bar)
{
	unsigned busy = 0;

	/* Jobs in the last state, RECEIVE, count only if slots are left. */
	for (unsigned i = EVENTS_JOB_SCAN; i <= EVENTS_JOB_RECEIVE; i++) {
		unsigned jobs = n->n_by_state[i];

		if (i == EVENTS_JOB_RECEIVE && busy + jobs > slots)
			jobs = slots > busy ? slots - busy : 0;
		bar->slots[ui_node_is_local(n) ? UI_BAR_LOCAL :
						 i - EVENTS_JOB_SCAN] += jobs;
		busy += jobs;
	}
	return busy;
}

unsigned ui_row_count_jobs(const struct ui_model *m, const struct ui_node *n)
{
	unsigned slots = ui_node_count_slots(m, n);

	return slots > n->n_slots ? slots : n->n_slots;
}

static enum ui_style style_of_state(const struct ui_node *n)
{
	enum ui_health health = ui_node_health(n);

	if (ui_node_is_local(n))
		return UI_STYLE_NORMAL;
	return health == UI_HEALTH_UNUSABLE ? UI_STYLE_BAD :
	       health == UI_HEALTH_ABSENT   ? UI_STYLE_DIM :
	       health == UI_HEALTH_GOOD     ? UI_STYLE_GOOD :
					      UI_STYLE_WARN;
}

static void put_state(struct buf *out, const struct ui_row_context *r,
		      const struct ui_node *n, enum ui_style *style)
{
	*style = UI_STYLE_NORMAL;
	if (!ui_node_is_up(n)) {
		buf_add_str(out, n->reported->state);
		*style = style_of_state(n);
	} else if (r->has_work && ui_row_is_idle(n, r->now)) {
		buf_add_str(out, "idle");
		*style = UI_STYLE_WARN;
	} else if (is_hot(n)) {
		buf_add_str(out, is_slow(n) ? "hot,slow" : "hot");
		*style = UI_STYLE_HOT;
	} else if (is_slow(n)) {
		buf_printf(out, "slow %d%%", (int)(n->clock_speed / 10));
		*style = UI_STYLE_HOT;
	} else {
		buf_add_str(out, n->reported->state);
		*style = UI_STYLE_GOOD;
	}
}

static void add_note(struct buf *out, const char *text)
{
	buf_add_str(out, out->len ? "; " : "");
	buf_add_str(out, text);
}

static void put_note(struct buf *out, const struct ui_node *n)
{
	if (n->reported->reason)
		add_note(out, n->reported->reason);
	if (n->members) {
		add_note(out, "relay to ");
		buf_add_str(out, *n->members ? n->members : "no node");
	}
	if (is_hot(n))
		add_note(out, "hot");
	if (is_slow(n)) {
		add_note(out, "throttled to ");
		buf_printf(out, "%d %% of the clock rate",
			   (int)(n->clock_speed / 10));
	}
	/* The reason for a limit can already contain the other load. */
	if (n->other_load != EVENTS_UNKNOWN && n->other_load >= 500 &&
	    !(n->reported->reason &&
	      strstr(n->reported->reason, "busy with other work"))) {
		buf_add_str(out, out->len ? "; " : "");
		format_milli(out, (uint64_t)n->other_load);
		buf_add_str(out, " cores busy with other work");
	}
}

/*
 * Replace the end of a note by "...".  The cut is after a word unless the first
 * word alone is too long.
 */
static void cut_note(struct buf *note, unsigned width)
{
	const char *text = buf_str(note);
	size_t fitting = text_width_fitting_bytes(text, width - 3), n = fitting;

	while (n && text[n] != ' ')
		n--;
	while (n && strchr(" :;", text[n - 1]))
		n--;
	note->len = n ? n : fitting;
	buf_add_str(note, "...");
}

static void put_jobs_count(struct buf *out, uint64_t n)
{
	/* Fit into five columns. */
	if (n < 100000)
		buf_add_number(out, n);
	else
		format_bytes(out, n);
}

static void put_heartbeat_bytes(struct buf *out, const struct ui_node *n,
				int64_t bytes)
{
	if (n->has_heartbeat && bytes != EVENTS_UNKNOWN)
		format_bytes(out, (uint64_t)bytes);
}

/* Format a column that contains a number. */
static void put_figure(struct buf *out, const struct ui_node *n,
		       enum ui_column column, enum ui_style *style)
{
	switch (column) {
	case UI_COLUMN_DONE:
		put_jobs_count(out, n->reported->n_jobs);
		break;
	case UI_COLUMN_FAILED:
		put_jobs_count(out, n->reported->n_failed);
		*style = n->reported->n_failed ? UI_STYLE_BAD : UI_STYLE_NORMAL;
		break;
	case UI_COLUMN_RETRIED:
		put_jobs_count(out, n->reported->n_retries);
		*style = n->reported->n_retries ? UI_STYLE_WARN :
						  UI_STYLE_NORMAL;
		break;
	case UI_COLUMN_MEAN:
		if (n->n_timed)
			format_duration_short(out, ui_node_mean_ms(n));
		break;
	case UI_COLUMN_SENT:
		put_heartbeat_bytes(out, n, n->reported->sent_bytes);
		break;
	case UI_COLUMN_RECEIVED:
		put_heartbeat_bytes(out, n, n->reported->received_bytes);
		break;
	case UI_COLUMN_LOAD:
		if (n->load == EVENTS_UNKNOWN)
			break;
		if (n->load < 1000000)
			format_milli(out, (uint64_t)n->load);
		else
			format_bytes(out, (uint64_t)n->load / 1000);
		break;
	case UI_COLUMN_TEMPERATURE:
		if (n->temperature == EVENTS_UNKNOWN)
			break;
		*style = is_hot(n) ? UI_STYLE_HOT : UI_STYLE_NORMAL;
		buf_printf(out, "%d%s", (int)(n->temperature / 1000),
			   is_hot(n) ? "C!" : "C");
		break;
	default:
		break;
	}
}

/*
 * Draw the bar of slots.  For a group, draw the numbers of busy slots and of
 * all slots before the bar.  For an idle node that is highlighted, draw the
 * time without a job in place of the bar.
 */
static void put_slots(const struct ui_row_context *r, unsigned row, unsigned at,
		      const struct ui_node *n)
{
	unsigned width = r->columns->widths[UI_COLUMN_SLOTS];
	unsigned slots = ui_node_count_slots(r->model, n), busy, used = 0;
	struct ui_bar bar = { 0 };
	unsigned long long idle_s;
	char text[40];

	if (r->has_work && ui_row_is_idle(n, r->now)) {
		idle_s = ui_node_idle_ms(n, r->now) / 1000;
		snprintf(text, sizeof(text), "no job for %llu s", idle_s);
		if (strlen(text) > width)
			snprintf(text, sizeof(text), "no job %llus", idle_s);
		ui_area_put(r->area, row, at, width, UI_STYLE_WARN, text);
		return;
	}
	busy = ui_row_add_busy_slots(n, slots, &bar);
	bar.slots[UI_BAR_FREE] = slots > busy ? slots - busy : 0;
	/* The bar of a group is usually scaled, so print the numbers, too. */
	if (n->group_sums) {
		snprintf(text, sizeof(text), "%u/%u ", busy, slots);
		ui_area_put(r->area, row, at, width, UI_STYLE_NORMAL, text);
		used = (unsigned)strlen(text);
	}
	if (width >= used + GROUP_BAR_MIN || !used)
		ui_bar_put(r->area, row, at + used, width - used, &bar);
}

/*
 * If a node is not up, draw the reason for its state in place of the column
 * SLOTS and all columns after it.  Returns false if nothing was drawn.
 */
static bool put_why(const struct ui_row_context *r, unsigned row, unsigned at,
		    const struct ui_node *n)
{
	/* While a drained node still has jobs, draw its slots. */
	if (ui_node_is_up(n) || ui_node_is_local(n) || !n->reported->reason ||
	    ui_node_count_jobs(n))
		return false;
	ui_area_put_elided(r->area, row, at, r->area->columns - at,
			   style_of_state(n), n->reported->reason);
	return true;
}

/* Draw a field; `text` is a buffer to reuse. */
static void put_cell(const struct ui_row_context *r, unsigned row, unsigned at,
		     const struct ui_node *n, enum ui_column column,
		     struct buf *text)
{
	unsigned width = r->columns->widths[column];
	enum ui_style style = UI_STYLE_NORMAL;

	buf_reset(text);
	if (column == UI_COLUMN_NAME)
		buf_printf(text, "%*s%s", (int)r->indent, "",
			   n->reported->name);
	else if (column == UI_COLUMN_STATE)
		put_state(text, r, n, &style);
	else if (column != UI_COLUMN_NOTE)
		put_figure(text, n, column, &style);
	else if (n->sandbox && strcmp(n->sandbox, "ready"))
		buf_printf(text, "toolchain %s", n->sandbox);
	if (column == UI_COLUMN_NOTE)
		put_note(text, n);
	if (!text->len)
		return;
	/* A note is cut after a word; a name is elided in its middle. */
	if (column == UI_COLUMN_NOTE && text_width(buf_str(text)) > width)
		cut_note(text, width);
	if (columns_of[column].left)
		ui_area_put_elided(r->area, row, at, width, style,
				   buf_str(text));
	else
		ui_area_put_right(r->area, row, at, width, style,
				  buf_str(text));
}

void ui_row_put(const struct ui_row_context *r, unsigned row,
		const struct ui_node *n)
{
	struct buf text = { 0 };
	unsigned at = 1;

	for (unsigned i = 0; i < UI_COLUMNS; i++) {
		unsigned width = r->columns->widths[i];

		if (!width)
			continue;
		if (i == UI_COLUMN_SLOTS && put_why(r, row, at, n))
			break;
		if (i == UI_COLUMN_SLOTS)
			put_slots(r, row, at, n);
		else
			put_cell(r, row, at, n, i, &text);
		at += width + 1;
	}
	buf_release(&text);
}

/* ---- lines below a node ---- */

void ui_row_put_job(const struct ui_area *a, unsigned row, unsigned column,
		    const struct ui_job *j, uint64_t now)
{
	static const struct {
		const char *name;
		enum ui_style style;
	} states[EVENTS_N_JOB_STATES] = {
		[EVENTS_JOB_QUEUED] = { "queued", UI_STYLE_NORMAL },
		[EVENTS_JOB_SCAN] = { "scan", UI_STYLE_SCAN },
		[EVENTS_JOB_SEND] = { "send", UI_STYLE_SEND },
		[EVENTS_JOB_RUN] = { "run", UI_STYLE_RUN },
		[EVENTS_JOB_RECEIVE] = { "receive", UI_STYLE_RECEIVE },
		[EVENTS_JOB_DONE] = { "done", UI_STYLE_NORMAL },
	};
	uint64_t since = j->node ? j->assigned_ms : j->queued_ms;
	uint64_t took = now > since ? now - since : 0;
	uint64_t mean = j->node ? ui_node_mean_ms(j->node) : 0;
	bool is_long = mean && took > mean * UI_ROW_LONG_FACTOR;
	enum ui_style style = is_long ? UI_STYLE_WARN : UI_STYLE_NORMAL;
	const char *why = j->hedged ? "hedged" : j->reason;
	unsigned width = why ? text_width(why) + 3 : 0, room;
	struct buf text = { 0 };

	ui_area_put(a, row, column, 8, states[j->state].style,
		    states[j->state].name);
	format_duration_short(&text, took);
	buf_add_str(&text, is_long ? "!" : " ");
	ui_area_put_right(a, row, column + 8, 6, style, buf_str(&text));
	buf_release(&text);
	column += FILE_COLUMN;
	if (a->columns <= column)
		return;
	/*
	 * Draw "hedged" or the reason for a local compile only if FILE_LEAST
	 * columns remain for the file.
	 */
	room = a->columns - column;
	if (width + FILE_LEAST > room)
		width = 0;
	column += ui_area_put_elided(a, row, column, room - width, style,
				     j->file);
	if (width)
		ui_area_printf(a, row, column, UI_STYLE_DIM, " (%s)", why);
}

void ui_row_put_detail(const struct ui_row_context *r, unsigned row,
		       const struct ui_node *n, unsigned line)
{
	struct buf text = { 0 };

	if (line) {
		ui_area_printf(r->area, row, 1, UI_STYLE_DIM, "%4u", line);
		if (line <= n->n_slots && n->slots[line - 1])
			ui_row_put_job(r->area, row, 6, n->slots[line - 1],
				       r->now);
		else
			ui_area_put(r->area, row, 6, 0, UI_STYLE_DIM, "free");
		return;
	}
	if (ui_node_is_local(n))
		buf_add_str(&text, "the build host");
	if (n->machine)
		buf_printf(&text, "%s%s", text.len ? ", " : "", n->machine);
	if (n->n_cores != EVENTS_UNKNOWN)
		buf_printf(&text, "%s%lld core%s", text.len ? ", " : "",
			   (long long)n->n_cores,
			   format_plural((uint64_t)n->n_cores));
	if (n->memory != EVENTS_UNKNOWN) {
		buf_add_str(&text, text.len ? ", " : "");
		format_bytes(&text, (uint64_t)n->memory);
		buf_add_str(&text, "B memory free");
	}
	if (n->sandbox)
		buf_printf(&text, "%stoolchain %s", text.len ? ", " : "",
			   n->sandbox);
	if (n->reported->cpu_ms) {
		buf_add_str(&text, text.len ? ", compiled " : "compiled ");
		format_time(&text, (uint64_t)n->reported->cpu_ms);
	}
	put_note(&text, n);
	ui_area_put_elided(r->area, row, 3, r->area->columns, UI_STYLE_DIM,
			   buf_str(&text));
	buf_release(&text);
}
