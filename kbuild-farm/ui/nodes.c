/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/nodes.h"

#include "base/format.h"
#include "base/str.h"
#include "base/vec.h"
#include "ui/keys.h"
#include "ui/width.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_COLUMNS_MAX  24
#define SLOTS_COLUMNS_MAX 66 /* a bar of 64 slots */
#define NOTE_COLUMNS_MIN  16
#define FILE_COLUMN       15 /* offset of the file name in a job's line */
#define FILE_LEAST        24 /* columns needed to recognize a file */
#define SHOWN_SLOTS_MAX   1024

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
	[UI_COLUMN_NOTE] = { "NOTE", "note", 0, 11, true },
};

/* Widths of the columns; 0 for a column without room. */
struct column_widths {
	unsigned widths[UI_COLUMNS];
};

/* Context for drawing rows. */
struct row_context {
	const struct column_widths *columns;
	const struct ui_area *area;
	const struct ui_model *model;
	uint64_t now; /* as in ui/model.h */
	bool has_work; /* result of ui_row_has_work(): highlight idle nodes */
};

const char *ui_column_name(enum ui_column column)
{
	return columns_of[column].name;
}

/* Return the total width, with a blank before each column. */
static unsigned sum_of(const struct column_widths *c)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < UI_COLUMNS; i++)
		sum += c->widths[i] ? c->widths[i] + 1 : 0;
	return sum;
}

/* Widen a table column up to `most`, using *spare screen columns. */
static void widen_column(struct column_widths *c, enum ui_column column,
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

/*
 * Compute the widths for a table of `columns` screen columns.  `name_width` is
 * the width of the longest name, `max_slots` the largest number of slots.
 */
static void fit_columns(struct column_widths *c, unsigned columns,
			size_t name_width, size_t max_slots)
{
	unsigned spare;

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
	if (spare > NOTE_COLUMNS_MIN)
		c->widths[UI_COLUMN_NOTE] = spare - 1;
}

/* Draw the titles, with an arrow at the column `sort`. */
static void put_titles(const struct column_widths *c, const struct ui_area *a,
		       unsigned row, enum ui_column sort, bool descending)
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
		ui_area_put(a, row, at + 1 + indent, width, UI_STYLE_BOLD,
			    title);
		if (i == sort)
			ui_area_put(a, row, at + indent, 1, UI_STYLE_TITLE,
				    arrow);
		at += width + 1;
	}
}

/* ---- nodes ---- */

bool ui_row_has_work(const struct ui_model *m, uint64_t now)
{
	static const char *const without[] = {
		"config", "link", "modpost", "dtbs", "install", "artifacts"
	};
	const char *phase = ui_model_phase(m);

	for (size_t i = 0; i < ARRAY_SIZE(without); i++) {
		if (!strcmp(phase, without[i]))
			return m->n_by_state[EVENTS_JOB_QUEUED] > 0;
	}
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

unsigned ui_row_count_slots(const struct ui_model *m, const struct ui_node *n)
{
	int64_t slots = ui_node_is_local(n) ? m->n_local_slots :
					      n->reported->n_slots;

	if (slots > SHOWN_SLOTS_MAX)
		slots = SHOWN_SLOTS_MAX;
	return slots > 0 ? (unsigned)slots : n->n_slots;
}

unsigned ui_row_add_busy_slots(const struct ui_node *n, unsigned slots,
			       struct ui_bar *bar)
{
	unsigned busy = 0;

	/* RECEIVE is the last state and yields to the others. */
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

/*
 * Return the number of lines for the jobs of an expanded node, which can exceed
 * its slots for a moment: a job keeps its line until its result is verified,
 * when its slot can already have the next job.
 */
static unsigned count_job_lines(const struct ui_model *m,
				const struct ui_node *n)
{
	unsigned slots = ui_row_count_slots(m, n);

	return slots > n->n_slots ? slots : n->n_slots;
}

/*
 * Return the style of a node's state.  States that the user has caused are not
 * errors.
 */
static enum ui_style style_of_state(const struct ui_node *n)
{
	const char *state = n->reported->state;

	if (ui_node_is_local(n))
		return UI_STYLE_NORMAL;
	return !strcmp(state, "connecting") || !strcmp(state, "removed") ||
			       str_starts(state, "drain") ?
		       UI_STYLE_WARN :
		       UI_STYLE_BAD;
}

static void put_state(struct buf *out, const struct row_context *r,
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

/* Replace the end of a note by "...", if possible after a word. */
static void cut_note(struct buf *note, unsigned width)
{
	const char *text = buf_str(note);
	size_t fitting = ui_width_fitting_bytes(text, width - 3), n = fitting;

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
 * Draw the bar of slots or, for an idle node that is highlighted, the time
 * without a job.
 */
static void put_slots(const struct row_context *r, unsigned row, unsigned at,
		      const struct ui_node *n)
{
	unsigned width = r->columns->widths[UI_COLUMN_SLOTS];
	unsigned slots = ui_row_count_slots(r->model, n), busy;
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
	ui_bar_put(r->area, row, at, width, &bar);
}

/*
 * If a node is not up, draw the reason for its state in place of the column
 * SLOTS and all columns after it.  Returns false if nothing was drawn.
 */
static bool put_why(const struct row_context *r, unsigned row, unsigned at,
		    const struct ui_node *n)
{
	if (ui_node_is_up(n) || ui_node_is_local(n) || !n->reported->reason)
		return false;
	/* While a drained node still has jobs, draw its slots. */
	for (unsigned i = 0; i < EVENTS_N_JOB_STATES; i++) {
		if (n->n_by_state[i])
			return false;
	}
	ui_area_put_elided(r->area, row, at, r->area->columns - at,
			   style_of_state(n), n->reported->reason);
	return true;
}

/* Draw a field; `text` is a buffer to reuse. */
static void put_cell(const struct row_context *r, unsigned row, unsigned at,
		     const struct ui_node *n, enum ui_column column,
		     struct buf *text)
{
	unsigned width = r->columns->widths[column];
	enum ui_style style = UI_STYLE_NORMAL;

	buf_reset(text);
	if (column == UI_COLUMN_NAME)
		buf_add_str(text, n->reported->name);
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
	if (column == UI_COLUMN_NOTE && ui_width(buf_str(text)) > width)
		cut_note(text, width);
	if (columns_of[column].left)
		ui_area_put_elided(r->area, row, at, width, style,
				   buf_str(text));
	else
		ui_area_put_right(r->area, row, at, width, style,
				  buf_str(text));
}

/* Draw the row of a node. */
static void put_node_row(const struct row_context *r, unsigned row,
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
	unsigned width = why ? ui_width(why) + 3 : 0, room;
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

/*
 * Draw a line below an expanded node.  Line 0 shows the node's properties, and
 * each further line a slot.
 */
static void put_detail(const struct row_context *r, unsigned row,
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
		buf_add_str(&text, n->machine);
	if (n->n_cores != EVENTS_UNKNOWN)
		buf_printf(&text, "%s%lld cores", text.len ? ", " : "",
			   (long long)n->n_cores);
	if (n->memory != EVENTS_UNKNOWN) {
		buf_add_str(&text, text.len ? ", " : "");
		format_bytes(&text, (uint64_t)n->memory);
		buf_add_str(&text, "B memory free");
	}
	if (n->sandbox)
		buf_printf(&text, "%stoolchain %s", text.len ? ", " : "",
			   n->sandbox);
	if (n->reported->cpu_ms) {
		buf_add_str(&text, ", compiled ");
		format_time(&text, (uint64_t)n->reported->cpu_ms);
	}
	put_note(&text, n);
	ui_area_put_elided(r->area, row, 3, r->area->columns, UI_STYLE_DIM,
			   buf_str(&text));
	buf_release(&text);
}

/*
 * A node that is expanded although `all_expanded` is false, or collapsed
 * although it is true.
 */
struct toggled_node {
	struct map_entry entry; /* by its name */
	char *name;
};

static void free_toggled(struct map_entry *node)
{
	free(((struct toggled_node *)node)->name);
	free(node);
}

static void clear_toggled(struct ui_nodes *v)
{
	map_release_entries(&v->toggled, free_toggled);
	v->toggled = (struct map){ 0 };
	v->n_toggled = 0;
}

void ui_nodes_release(struct ui_nodes *v)
{
	clear_toggled(v);
	free(v->filter);
	free(v->search_text);
	free(v->selected);
	free(v->order);
	free(v->shown);
	*v = (struct ui_nodes){ 0 };
}

/* ---- expanded nodes ---- */

static struct toggled_node *find_toggled(const struct ui_nodes *v,
					 const struct ui_node *n)
{
	struct map_entry *at = v->n_toggled ?
				       map_find(&v->toggled,
						n->reported->entry.hash) :
				       NULL;

	while (at &&
	       strcmp(((struct toggled_node *)at)->name, n->reported->name))
		at = map_next_match(at);
	return (struct toggled_node *)at;
}

static bool is_expanded(const struct ui_nodes *v, const struct ui_node *n)
{
	return v->all_expanded != (find_toggled(v, n) != NULL);
}

static size_t node_height(const struct ui_nodes *v, const struct ui_model *m,
			  const struct ui_node *n)
{
	/* An expanded node has lines for its properties and its slots. */
	return is_expanded(v, n) ? 2 + count_job_lines(m, n) : 1;
}

/* ---- order ---- */

static int64_t sort_value(const struct ui_node *n, enum ui_column column)
{
	unsigned jobs = 0;

	switch (column) {
	case UI_COLUMN_DONE:
		return n->reported->n_jobs;
	case UI_COLUMN_FAILED:
		return n->reported->n_failed;
	case UI_COLUMN_RETRIED:
		return n->reported->n_retries;
	case UI_COLUMN_SLOTS:
		for (unsigned i = 0; i < EVENTS_N_JOB_STATES; i++)
			jobs += n->n_by_state[i];
		return jobs;
	case UI_COLUMN_MEAN:
		return (int64_t)ui_node_mean_ms(n);
	case UI_COLUMN_SENT:
		return n->reported->sent_bytes;
	case UI_COLUMN_RECEIVED:
		return n->reported->received_bytes;
	case UI_COLUMN_LOAD:
		return n->load;
	case UI_COLUMN_TEMPERATURE:
		return n->temperature;
	default:
		return 0;
	}
}

struct sort_context {
	const struct ui_nodes *v;
	const struct ui_model *m;
	bool has_local; /* EVENTS_LOCAL is the first node */
};

/*
 * Compare two nodes, given by their indices in the model, by the sort column.
 * A column of numbers is in descending order, names and states are in ascending
 * order; `reversed` inverts this.  Digits in a name are compared as a number
 * (n2 before n10).  EVENTS_LOCAL is always the first.
 */
static int compare_model_order(const void *a, const void *b, void *ctx)
{
	const struct sort_context *s = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct ui_node *first = s->m->nodes[x], *second = s->m->nodes[y];
	enum ui_column column = s->v->sort;
	int64_t m, n;
	int order;

	if (s->has_local && (!x || !y))
		return !x ? -1 : 1;
	if (column == UI_COLUMN_NAME) {
		order = strverscmp(first->reported->name,
				   second->reported->name);
	} else if (column == UI_COLUMN_STATE) {
		order = strcmp(first->reported->state, second->reported->state);
	} else {
		m = sort_value(first, column);
		n = sort_value(second, column);
		order = m > n ? -1 : m < n;
	}
	if (s->v->reversed)
		order = -order;
	return order ? order : x < y ? -1 : 1;
}

/*
 * Return true if v->order is still sorted.  Because the order rarely changes
 * between two drawings, this check usually avoids a sort.
 */
static bool is_sorted(const struct ui_nodes *v, struct sort_context *s)
{
	for (size_t i = 1; i < v->n_order; i++) {
		if (compare_model_order(&v->order[i - 1], &v->order[i], s) > 0)
			return false;
	}
	return true;
}

/* Sort the nodes and list those that the filter shows. */
static void select_shown(struct ui_nodes *v, const struct ui_model *m)
{
	struct sort_context s = { v, m,
				  m->n_nodes && ui_node_is_local(*m->nodes) };

	/* If nodes have disappeared, the model has been replaced. */
	if (v->n_order > m->n_nodes)
		v->n_order = 0;
	while (v->n_order < m->n_nodes) {
		uint32_t place = (uint32_t)v->n_order;

		*VEC_ADD(v->order, v->n_order) = place;
	}
	if (!is_sorted(v, &s))
		qsort_r(v->order, v->n_order, sizeof(*v->order),
			compare_model_order, &s);
	v->shown = vec_reserve(v->shown, &v->cap_shown, m->n_nodes,
			       sizeof(*v->shown));
	v->n_shown = 0;
	for (size_t i = 0; i < v->n_order; i++) {
		const struct ui_node *n = m->nodes[v->order[i]];

		if (!v->filter || strcasestr(n->reported->name, v->filter))
			v->shown[v->n_shown++] = n;
	}
}

/* ---- selection ---- */

static size_t count_node_lines(const struct ui_nodes *v,
			       const struct ui_model *m)
{
	size_t lines = 0;

	for (size_t i = 0; i < v->n_shown; i++)
		lines += node_height(v, m, v->shown[i]);
	return lines;
}

/*
 * Return the number of the selected line.  If the selected node is no longer
 * shown, return the number that the selected line had at the last drawing.
 */
static size_t selected_line(struct ui_nodes *v, const struct ui_model *m)
{
	size_t line = 0;

	for (size_t i = 0; i < v->n_shown; i++) {
		size_t height = node_height(v, m, v->shown[i]);

		if (v->selected &&
		    !strcmp(v->shown[i]->reported->name, v->selected)) {
			if (v->selected_line >= height)
				v->selected_line = (unsigned)height - 1;
			return line + v->selected_line;
		}
		line += height;
	}
	return v->selected_row < line ? v->selected_row : line ? line - 1 : 0;
}

static const struct ui_node *selected_node(struct ui_nodes *v,
					   const struct ui_model *m)
{
	size_t line;

	select_shown(v, m);
	line = selected_line(v, m);
	for (size_t i = 0; i < v->n_shown; i++) {
		size_t height = node_height(v, m, v->shown[i]);

		if (line < height)
			return v->shown[i];
		line -= height;
	}
	return NULL;
}

void ui_nodes_select_name(struct ui_nodes *v, const char *name)
{
	free(v->selected);
	v->selected = xstrdup(name);
	v->selected_line = 0;
}

const char *ui_nodes_select(struct ui_nodes *v, const struct ui_model *m)
{
	const struct ui_node *n = selected_node(v, m);

	if (!n)
		return NULL;
	if (!str_equal(v->selected, n->reported->name))
		ui_nodes_select_name(v, n->reported->name);
	return v->selected;
}

void ui_nodes_filter(struct ui_nodes *v, const char *text)
{
	free(v->filter);
	v->filter = text && *text ? xstrdup(text) : NULL;
}

bool ui_nodes_search(struct ui_nodes *v, const struct ui_model *m,
		     const char *text, bool inclusive, bool backwards)
{
	const struct ui_node *from = selected_node(v, m);
	size_t at = 0, step = backwards ? v->n_shown - 1 : 1;

	if (text) {
		free(v->search_text);
		v->search_text = xstrdup(text);
	}
	if (!from)
		return false;
	while (at < v->n_shown && v->shown[at] != from)
		at++;
	for (size_t i = 0; v->search_text && i < v->n_shown; i++) {
		size_t next = (at + (i + !inclusive) * step) % v->n_shown;

		if (!strcasestr(v->shown[next]->reported->name, v->search_text))
			continue;
		ui_nodes_select_name(v, v->shown[next]->reported->name);
		return true;
	}
	return false;
}

/* ---- keys ---- */

static size_t line_after_key(size_t line, size_t lines, unsigned page,
			     uint32_t key)
{
	size_t last = lines ? lines - 1 : 0;
	size_t step = page > 2 ? page - 1 : 1;

	switch (key) {
	case UI_KEY_UP:
	case 'k':
		return line ? line - 1 : 0;
	case UI_KEY_DOWN:
	case 'j':
		return line < last ? line + 1 : last;
	case UI_KEY_PAGE_UP:
		return line > step ? line - step : 0;
	case UI_KEY_PAGE_DOWN:
		return last - line > step ? line + step : last;
	case UI_KEY_HOME:
		return 0;
	case UI_KEY_END:
		return last;
	default:
		return SIZE_MAX;
	}
}

/* Space toggles the selected node; Right expands it, Left collapses it. */
static void expand_by_key(struct ui_nodes *v, const struct ui_model *m,
			  uint32_t key)
{
	const struct ui_node *n = selected_node(v, m);
	struct toggled_node *t = n ? find_toggled(v, n) : NULL;
	bool now = n && is_expanded(v, n);
	bool wanted = key == ' ' || key == UI_KEY_ENTER || key == '\n' ?
			      !now :
			      key == UI_KEY_RIGHT;

	if (!n || now == wanted)
		return;
	if (t) {
		map_remove(&v->toggled, &t->entry);
		free_toggled(&t->entry);
		v->n_toggled--;
	} else if (v->n_toggled < EVENTS_NODES_MAX) {
		t = xcalloc(1, sizeof(*t));
		t->name = xstrdup(n->reported->name);
		map_add(&v->toggled, &t->entry, n->reported->entry.hash);
		v->n_toggled++;
	}
	ui_nodes_select_name(v, n->reported->name);
}

bool ui_nodes_handle_key(struct ui_nodes *v, const struct ui_model *m,
			 uint32_t key)
{
	size_t line;

	switch (key) {
	case ' ':
	case '\n':
	case UI_KEY_ENTER:
	case UI_KEY_LEFT:
	case UI_KEY_RIGHT:
	case 'h':
		expand_by_key(v, m, key);
		return true;
	case 'a':
		clear_toggled(v);
		v->all_expanded = !v->all_expanded;
		return true;
	case 's':
		v->sort = (v->sort + 1) % UI_COLUMN_NOTE;
		v->reversed = false;
		return true;
	case 'r':
		v->reversed = !v->reversed;
		return true;
	default:
		break;
	}
	select_shown(v, m);
	line = line_after_key(selected_line(v, m), count_node_lines(v, m),
			      v->scroll.n_shown, key);
	if (line == SIZE_MAX)
		return false;
	for (size_t i = 0; i < v->n_shown; i++) {
		size_t height = node_height(v, m, v->shown[i]);

		if (line < height) {
			ui_nodes_select_name(v, v->shown[i]->reported->name);
			v->selected_line = (unsigned)line;
			break;
		}
		line -= height;
	}
	return true;
}

/* ---- drawing ---- */

size_t ui_nodes_sort(struct ui_nodes *v, const struct ui_model *m)
{
	select_shown(v, m);
	return count_node_lines(v, m);
}

static void put_lines(const struct ui_nodes *v, const struct row_context *r,
		      unsigned head)
{
	size_t first = (size_t)v->scroll.first_shown, line = 0;
	size_t end = first + v->scroll.n_shown;

	for (size_t i = 0; i < v->n_shown && line < end; i++) {
		const struct ui_node *n = v->shown[i];
		size_t height = node_height(v, r->model, n);

		for (size_t at = line < first ? first - line : 0;
		     at < height && line + at < end; at++) {
			unsigned row = head + (unsigned)(line + at - first);

			if (at)
				put_detail(r, row, n, (unsigned)at - 1);
			else
				put_node_row(r, row, n);
			if (line + at != v->selected_row)
				continue;
			ui_area_put(r->area, row, 0, 1, UI_STYLE_SELECTED, ">");
			if (r->area->focused)
				ui_area_set_style(r->area, row,
						  UI_STYLE_SELECTED);
		}
		line += height;
	}
}

void ui_nodes_draw(struct ui_nodes *v, const struct ui_area *a,
		   const struct ui_model *m, uint64_t now)
{
	unsigned head = a->rows > 2;
	struct column_widths columns;
	struct row_context r = { &columns, a, m, now, ui_row_has_work(m, now) };
	size_t name = 0, slots = 0;
	bool down;

	for (size_t i = 0; i < v->n_shown; i++) {
		size_t len = strlen(v->shown[i]->reported->name);
		size_t n = count_job_lines(m, v->shown[i]);

		name = len > name ? len : name;
		slots = n > slots ? n : slots;
	}
	fit_columns(&columns, a->columns, name, slots);
	v->selected_row = selected_line(v, m);
	ui_scroll_set_range(&v->scroll, 0, count_node_lines(v, m),
			    a->rows - head);
	ui_scroll_to(&v->scroll, v->selected_row);
	down = (v->sort > UI_COLUMN_STATE) != v->reversed;
	if (head)
		put_titles(&columns, a, 0, v->sort, down);
	put_lines(v, &r, head);
	if (!v->n_shown && v->filter)
		ui_area_printf(a, head, 1, UI_STYLE_WARN,
			       "no node name contains \"%s\"", v->filter);
	else if (!v->n_shown)
		ui_area_put(a, head, 1, 0, UI_STYLE_DIM, "no nodes yet");
}
