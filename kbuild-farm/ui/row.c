/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/row.h"

#include "base/format.h"
#include "base/str.h"
#include "ui/bar.h"
#include "ui/width.h"

#include <stdio.h>
#include <string.h>

#define NAME_MOST   24
#define SLOTS_MOST  66 /* a bar of 64 */
#define NOTE_LEAST  16
#define FILE_AT     15 /* columns behind the beginning of a job */
#define FILE_LEAST  24 /* columns that show which file it is */
#define SHOWN_SLOTS 1024 /* free ones are shown so far */

/* -------------------------------------------------------------- columns */

static const struct {
	const char *title, *name;
	unsigned least;
	unsigned needless; /* the most needless go first; 0: stays */
	bool left; /* where its text begins */
} columns_of[UI_COLUMNS] = {
	[UI_COLUMN_NAME] = { "NODE", "name", 10, 0, true },
	[UI_COLUMN_STATE] = { "STATE", "state", 8, 1, true },
	[UI_COLUMN_DONE] = { "DONE", "jobs done", 5, 3, false },
	[UI_COLUMN_FAILED] = { "FAIL", "failed jobs", 4, 4, false },
	[UI_COLUMN_RETRIED] = { "RETRY", "retried jobs", 5, 7, false },
	[UI_COLUMN_SLOTS] = { "SLOTS", "jobs there", 11, 2, true },
	[UI_COLUMN_MEAN] = { "MEAN", "mean time", 5, 6, false },
	[UI_COLUMN_IN] = { "IN", "bytes to it", 4, 9, false },
	[UI_COLUMN_OUT] = { "OUT", "bytes from it", 4, 10, false },
	[UI_COLUMN_LOAD] = { "LOAD", "load", 5, 8, false },
	[UI_COLUMN_HEAT] = { "HEAT", "heat", 5, 5, false },
	[UI_COLUMN_NOTE] = { "NOTE", "note", 0, 11, true },
};

const char *ui_column_name(enum ui_column column)
{
	return columns_of[column].name;
}

/* What all of them take, with a blank in front of each. */
static unsigned sum_of(const struct ui_columns *c)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < UI_COLUMNS; i++)
		sum += c->width[i] ? c->width[i] + 1 : 0;
	return sum;
}

static void drop_one(struct ui_columns *c)
{
	unsigned worst = 0;

	for (unsigned i = 1; i < UI_COLUMNS; i++) {
		if (c->width[i] &&
		    (!c->width[worst] ||
		     columns_of[i].needless > columns_of[worst].needless))
			worst = i;
	}
	c->width[worst] = 0;
}

/* Up to `most`, of what is to spare. */
static void widen(struct ui_columns *c, enum ui_column column, size_t most,
		  unsigned *spare)
{
	unsigned *width = &c->width[column];
	size_t more = most > *width ? most - *width : 0;

	if (!*width)
		return;
	more = more < *spare ? more : *spare;
	*width += (unsigned)more;
	*spare -= (unsigned)more;
}

void ui_columns_fit(struct ui_columns *c, unsigned columns, size_t name,
		    size_t slots)
{
	unsigned spare;

	for (unsigned i = 0; i < UI_COLUMNS; i++)
		c->width[i] = columns_of[i].least;
	while (sum_of(c) > columns && c->width[UI_COLUMN_STATE])
		drop_one(c);
	spare = columns > sum_of(c) ? columns - sum_of(c) : 0;
	widen(c, UI_COLUMN_NAME, name < NAME_MOST ? name : NAME_MOST, &spare);
	widen(c, UI_COLUMN_STATE, 10, &spare);
	widen(c, UI_COLUMN_DONE, 6, &spare);
	widen(c, UI_COLUMN_SLOTS,
	      slots + 2 < SLOTS_MOST ? slots + 2 : SLOTS_MOST, &spare);
	if (spare > NOTE_LEAST)
		c->width[UI_COLUMN_NOTE] = spare - 1;
}

void ui_columns_put(const struct ui_columns *c, const struct ui_area *a,
		    unsigned row, enum ui_column sort, bool down)
{
	const char *arrow = a->canvas->ascii ? (down ? "v" : "^") :
					       (down ? "\u2193" : "\u2191");
	unsigned at = 0;

	for (unsigned i = 0; i < UI_COLUMNS; i++) {
		unsigned width = c->width[i];
		const char *title = columns_of[i].title;
		unsigned indent = 0;

		if (!width)
			continue;
		if (!columns_of[i].left && strlen(title) < width)
			indent = width - (unsigned)strlen(title);
		ui_area_put(a, row, at + 1 + indent, width, UI_BOLD, title);
		if (i == sort)
			ui_area_put(a, row, at + indent, 1, UI_TITLE, arrow);
		at += width + 1;
	}
}

/* ---------------------------------------------------------------- nodes */

bool ui_row_works(const struct ui_model *m, uint64_t now)
{
	static const char *const without[] = {
		"config", "link", "modpost", "dtbs", "install", "artifacts"
	};
	const char *phase = ui_model_phase(m);

	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
		if (!strcmp(phase, without[i]))
			return m->now[EVENTS_QUEUED] > 0;
	}
	return !m->done && (m->n_jobs || ui_model_rate(m, now, 10));
}

bool ui_row_idle(const struct ui_node *n, uint64_t now)
{
	return !ui_node_is_local(n) && ui_node_idle(n, now) >= UI_ROW_IDLE_MS;
}

static bool is_hot(const struct ui_node *n)
{
	return n->celsius != EVENTS_UNKNOWN && n->celsius >= UI_ROW_HOT;
}

static bool is_slow(const struct ui_node *n)
{
	return n->speed != EVENTS_UNKNOWN && n->speed < UI_ROW_SLOW;
}

unsigned ui_row_slots(const struct ui_model *m, const struct ui_node *n)
{
	int64_t slots = ui_node_is_local(n) ? m->local_slots : n->told->slots;

	if (slots > SHOWN_SLOTS)
		slots = SHOWN_SLOTS;
	return slots > n->n_slots ? (unsigned)slots : n->n_slots;
}

static bool is_waited_for(const struct ui_node *n)
{
	return !strcmp(n->told->state, "connecting") ||
	       str_starts(n->told->state, "drain");
}

/* Of one that is not up: what somebody wanted is no fault. */
static enum ui_style style_of_state(const struct ui_node *n)
{
	if (ui_node_is_local(n))
		return UI_NORMAL;
	return is_waited_for(n) ? UI_WARN : UI_BAD;
}

static void put_state(struct buf *out, const struct ui_row *r,
		      const struct ui_node *n, enum ui_style *style)
{
	*style = UI_NORMAL;
	if (!ui_node_is_up(n)) {
		buf_add_str(out, n->told->state);
		*style = style_of_state(n);
	} else if (r->works && ui_row_idle(n, r->now)) {
		buf_add_str(out, "idle");
		*style = UI_WARN;
	} else if (is_hot(n)) {
		buf_add_str(out, is_slow(n) ? "hot,slow" : "hot");
		*style = UI_HOT;
	} else if (is_slow(n)) {
		buf_printf(out, "slow %d%%", (int)(n->speed / 10));
		*style = UI_HOT;
	} else {
		buf_add_str(out, n->told->state);
		*style = UI_GOOD;
	}
}

static void add_note(struct buf *out, const char *text)
{
	buf_add_str(out, out->len ? "; " : "");
	buf_add_str(out, text);
}

static void put_health(struct buf *out, const struct ui_node *n)
{
	if (is_hot(n))
		add_note(out, "hot");
	if (is_slow(n)) {
		add_note(out, "throttled to ");
		buf_printf(out, "%d %% of its clock", (int)(n->speed / 10));
	}
	if (n->foreign != EVENTS_UNKNOWN && n->foreign >= 500) {
		buf_add_str(out, out->len ? "; " : "");
		format_milli(out, (uint64_t)n->foreign);
		buf_add_str(out, " cores busy with other work");
	}
}

static void put_note(struct buf *out, const struct ui_node *n)
{
	if (n->told->reason)
		add_note(out, n->told->reason);
	put_health(out, n);
}

static void put_jobs_count(struct buf *out, uint64_t n)
{
	/* In five columns; nobody counts these one by one. */
	if (n < 100000)
		buf_add_number(out, n);
	else
		format_bytes(out, n);
}

static void put_milli_short(struct buf *out, int64_t milli)
{
	if (milli < 1000000)
		format_milli(out, (uint64_t)milli);
	else
		format_bytes(out, (uint64_t)milli / 1000);
}

static void put_known_bytes(struct buf *out, const struct ui_node *n,
			    int64_t bytes)
{
	if (n->beats && bytes != EVENTS_UNKNOWN)
		format_bytes(out, (uint64_t)bytes);
}

/* One of the columns with a number in it. */
static void put_figure(struct buf *out, const struct ui_node *n,
		       enum ui_column column, enum ui_style *style)
{
	switch (column) {
	case UI_COLUMN_DONE:
		put_jobs_count(out, n->told->jobs);
		break;
	case UI_COLUMN_FAILED:
		put_jobs_count(out, n->told->failed);
		*style = n->told->failed ? UI_BAD : UI_NORMAL;
		break;
	case UI_COLUMN_RETRIED:
		put_jobs_count(out, n->told->retries);
		*style = n->told->retries ? UI_WARN : UI_NORMAL;
		break;
	case UI_COLUMN_MEAN:
		if (n->counted)
			format_span(out, ui_node_mean(n));
		break;
	case UI_COLUMN_IN:
		put_known_bytes(out, n, n->told->sent);
		break;
	case UI_COLUMN_OUT:
		put_known_bytes(out, n, n->told->received);
		break;
	case UI_COLUMN_LOAD:
		if (n->load != EVENTS_UNKNOWN)
			put_milli_short(out, n->load);
		break;
	case UI_COLUMN_HEAT:
		if (n->celsius == EVENTS_UNKNOWN)
			break;
		*style = is_hot(n) ? UI_HOT : UI_NORMAL;
		buf_printf(out, "%d%s", (int)(n->celsius / 1000),
			   is_hot(n) ? "C!" : "C");
		break;
	default:
		break;
	}
}

/* In the place of slots without a job. */
static void put_idle(const struct ui_row *r, unsigned row, unsigned at,
		     uint64_t idle_ms)
{
	unsigned width = r->columns->width[UI_COLUMN_SLOTS];
	char text[40];

	snprintf(text, sizeof(text), "no job for %llu s",
		 (unsigned long long)idle_ms / 1000);
	if (strlen(text) > width)
		snprintf(text, sizeof(text), "no job %llus",
			 (unsigned long long)idle_ms / 1000);
	ui_area_put(r->area, row, at, width, UI_WARN, text);
}

static void put_slots(const struct ui_row *r, unsigned row, unsigned at,
		      const struct ui_node *n)
{
	unsigned width = r->columns->width[UI_COLUMN_SLOTS];
	unsigned slots = ui_row_slots(r->model, n), busy = 0;
	struct ui_bar bar = { 0 };

	if (r->works && ui_row_idle(n, r->now)) {
		put_idle(r, row, at, ui_node_idle(n, r->now));
		return;
	}
	for (unsigned i = EVENTS_SCAN; i <= EVENTS_RECEIVE; i++) {
		bar.part[ui_node_is_local(n) ? UI_BAR_LOCAL :
					       i - EVENTS_SCAN] += n->now[i];
		busy += n->now[i];
	}
	bar.part[UI_BAR_FREE] = slots > busy ? slots - busy : 0;
	ui_bar_put(r->area, row, at, width, &bar);
}

/* A node that is not up has no slots, no load, no heat: why says more. */
static bool put_why(const struct ui_row *r, unsigned row, unsigned at,
		    const struct ui_node *n)
{
	if (ui_node_is_up(n) || ui_node_is_local(n) || !n->told->reason)
		return false;
	/* One that is drained still has jobs for a while. */
	for (unsigned i = 0; i < EVENTS_STATES; i++) {
		if (n->now[i])
			return false;
	}
	ui_area_put_elided(r->area, row, at, r->area->columns - at,
			   style_of_state(n), n->told->reason);
	return true;
}

static void put_toolchain_and_note(struct buf *out, const struct ui_node *n)
{
	if (n->cell && strcmp(n->cell, "ready"))
		buf_printf(out, "toolchain %s", n->cell);
	put_note(out, n);
}

/* `text` is room for it. */
static void put_cell(const struct ui_row *r, unsigned row, unsigned at,
		     const struct ui_node *n, enum ui_column column,
		     struct buf *text)
{
	unsigned width = r->columns->width[column];
	enum ui_style style = UI_NORMAL;

	buf_reset(text);
	if (column == UI_COLUMN_NAME)
		buf_add_str(text, n->told->name);
	else if (column == UI_COLUMN_STATE)
		put_state(text, r, n, &style);
	else if (column == UI_COLUMN_NOTE)
		put_toolchain_and_note(text, n);
	else
		put_figure(text, n, column, &style);
	if (!text->len)
		return;
	/* What a note begins with matters most, of a name both ends. */
	if (column == UI_COLUMN_NOTE)
		ui_area_put(r->area, row, at, width, style, buf_str(text));
	else if (columns_of[column].left)
		ui_area_put_elided(r->area, row, at, width, style,
				   buf_str(text));
	else
		ui_area_put_right(r->area, row, at, width, style,
				  buf_str(text));
}

void ui_row_put(const struct ui_row *r, unsigned row, const struct ui_node *n)
{
	struct buf text = { 0 };
	unsigned at = 1;

	for (unsigned i = 0; i < UI_COLUMNS; i++) {
		unsigned width = r->columns->width[i];

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

/* ------------------------------------------------------- what is below it */

unsigned ui_row_below(const struct ui_model *m, const struct ui_node *n)
{
	return 1 + ui_row_slots(m, n);
}

static void put_gib(struct buf *out, int64_t bytes, const char *what)
{
	if (bytes == EVENTS_UNKNOWN)
		return;
	buf_add_str(out, out->len ? ", " : "");
	format_bytes(out, (uint64_t)bytes);
	buf_add_str(out, what);
}

static void put_node_kind(const struct ui_row *r, unsigned row,
			  const struct ui_node *n)
{
	struct buf text = { 0 };

	if (ui_node_is_local(n))
		buf_add_str(&text, "the build host");
	if (n->machine)
		buf_add_str(&text, n->machine);
	if (n->cores != EVENTS_UNKNOWN)
		buf_printf(&text, "%s%lld cores", text.len ? ", " : "",
			   (long long)n->cores);
	put_gib(&text, n->memory, "B of memory free");
	if (n->cell)
		buf_printf(&text, "%stoolchain %s", text.len ? ", " : "",
			   n->cell);
	if (n->told->cpu_ms) {
		buf_add_str(&text, ", compiled ");
		format_time(&text, (uint64_t)n->told->cpu_ms);
	}
	put_note(&text, n);
	ui_area_put_elided(r->area, row, 3, r->area->columns, UI_DIM,
			   buf_str(&text));
	buf_release(&text);
}

/* Its file, and why it is here where there is room for both. */
static void put_file(const struct ui_area *a, unsigned row, unsigned column,
		     enum ui_style style, const struct ui_job *j)
{
	const char *why = j->beside ? "here too" : j->reason;
	unsigned room = a->columns - column;
	unsigned width = why ? ui_width(why) + 3 : 0;

	if (width + FILE_LEAST > room)
		width = 0;
	column += ui_area_put_elided(a, row, column, room - width, style,
				     j->file);
	if (width)
		ui_area_printf(a, row, column, UI_DIM, " (%s)", why);
}

void ui_row_put_job(const struct ui_area *a, unsigned row, unsigned column,
		    const struct ui_job *j, uint64_t now)
{
	static const struct {
		const char *name;
		enum ui_style style;
	} states[EVENTS_STATES] = {
		[EVENTS_QUEUED] = { "queued", UI_NORMAL },
		[EVENTS_SCAN] = { "scan", UI_SCAN },
		[EVENTS_SEND] = { "send", UI_SEND },
		[EVENTS_RUN] = { "run", UI_RUN },
		[EVENTS_RECEIVE] = { "receive", UI_RECEIVE },
		[EVENTS_JOB_DONE] = { "done", UI_NORMAL },
	};
	uint64_t since = j->node ? j->there_ms : j->came_ms;
	uint64_t took = now > since ? now - since : 0;
	uint64_t mean = j->node ? ui_node_mean(j->node) : 0;
	bool is_long = mean && took > mean * UI_ROW_LONG;
	struct buf text = { 0 };

	ui_area_put(a, row, column, 8, states[j->state].style,
		    states[j->state].name);
	format_span(&text, took);
	buf_add_str(&text, is_long ? "!" : " ");
	ui_area_put_right(a, row, column + 8, 6, is_long ? UI_WARN : UI_NORMAL,
			  buf_str(&text));
	if (a->columns > column + FILE_AT)
		put_file(a, row, column + FILE_AT,
			 is_long ? UI_WARN : UI_NORMAL, j);
	buf_release(&text);
}

void ui_row_put_below(const struct ui_row *r, unsigned row,
		      const struct ui_node *n, unsigned line)
{
	const struct ui_job *j = NULL;

	if (!line) {
		put_node_kind(r, row, n);
		return;
	}
	if (line <= n->n_slots)
		j = n->slot[line - 1];
	ui_area_printf(r->area, row, 1, UI_DIM, "%4u", line);
	if (j)
		ui_row_put_job(r->area, row, 6, j, r->now);
	else
		ui_area_put(r->area, row, 6, 0, UI_DIM, "free");
}
