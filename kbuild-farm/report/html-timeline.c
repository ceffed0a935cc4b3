/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timeline of the HTML page, as SVG: phases, the number of running jobs,
 * and a row for each slot of each machine.  If there are more than SLOTS_MAX
 * slots, each machine has one row that shows the share of busy slots.
 *
 * To limit the size of the page, a row consists of a few paths with about ten
 * bytes per unit.  The x coordinates of the paths are ten-thousandths of the
 * duration of the build.  Lines with a gap below a tenth of a pixel are merged,
 * and only the longest units have a title.
 */
#include "base/format.h"
#include "base/str.h"
#include "base/text-width.h"
#include "base/vec.h"
#include "report/html.h"
#include "report/page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SVG_WIDTH             1180 /* width of the picture */
#define LABEL_WIDTH           150 /* left part with the names of rows */
#define RIGHT_MARGIN          44 /* space for the label of the last tick */
#define PLOT_WIDTH            (SVG_WIDTH - LABEL_WIDTH - RIGHT_MARGIN)
#define PLOT_UNITS            10000 /* width of the plot in its coordinates */
#define SLOTS_MAX             240 /* maximum number of rows of slots */
#define SLOT_ROW_HEIGHT       7 /* height of a slot's row */
#define SLOT_ROW_HEIGHT_LARGE 13 /* height if there are few rows */
#define LARGE_ROWS_SLOTS_MAX  32
#define STRIP_ROW_HEIGHT      15 /* height of a machine's row */
#define STRIP_HEIGHT          10 /* height of the bars in a machine's row */
#define STRIP_PARTS           150
#define STRIPS_EXPANDED       50
#define STRIPS_MAX            600
#define CHART_PARTS           350 /* maximum number of parts of the chart */
#define CHART_PART_MIN_MS     40 /* minimum duration of a part of the chart */
#define CHART_HEIGHT          80
#define PHASES_MAX            200
#define TICKS                 10
#define TITLES_MAX            1500
#define LABEL_COLUMNS         21
#define NAME_COLUMNS          63 /* columns of an object's name in a title */

/* Convert a time into an x coordinate of the plot, from 0 to PLOT_UNITS. */
static int64_t ms_to_plot_x(const struct report_page *p, int64_t ms)
{
	int64_t end = p->timeline.end_ms;

	return end > 0 ? report_slot_timeline_clamp_ms(&p->timeline, ms) *
				 PLOT_UNITS / end :
			 0;
}

/* Convert a time into an x coordinate of the whole picture, in pixels. */
static double ms_to_pixels(const struct report_page *p, int64_t ms)
{
	return LABEL_WIDTH +
	       (double)ms_to_plot_x(p, ms) * PLOT_WIDTH / PLOT_UNITS;
}

/* Draw about TICKS vertical lines at round times, with or without labels. */
static void draw_ticks(const struct report_page *p, unsigned top, unsigned high,
		       bool labels)
{
	static const int64_t steps[] = {
		100,     200,     500,     1000,     2000,     5000,     10000,
		15000,   30000,   60000,   120000,   300000,   600000,   900000,
		1800000, 3600000, 7200000, 14400000, 43200000, 86400000,
	};
	int64_t step;
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(steps) &&
	       steps[i] * TICKS < p->timeline.end_ms)
		i++;
	step = steps[i];
	for (int64_t at = 0;
	     at <= p->timeline.end_ms && at / step <= 20 * TICKS; at += step) {
		double x = ms_to_pixels(p, at);

		buf_printf(p->out,
			   "<line class=\"g\" x1=\"%.1f\" y1=\"%u\" x2=\"%.1f\""
			   " y2=\"%u\" />",
			   x, top, x, top + high);
		if (!labels)
			continue;
		buf_printf(p->out, "<text x=\"%.1f\" y=\"%u\">", x + 3,
			   top + 9);
		if (step < 1000)
			format_duration_short(p->out, (uint64_t)at);
		else
			format_time(p->out, (uint64_t)at);
		buf_add_str(p->out, "</text>");
	}
	buf_add_str(p->out, "\n");
}

static void begin_svg(const struct report_page *p, unsigned high,
		      const char *label)
{
	buf_printf(p->out,
		   "%sviewBox=\"0 0 %d %u\" role=\"img\" "
		   "aria-label=\"%s\">\n",
		   p->standalone ?
			   "<svg xmlns=\"http://www.w3.org/2000/svg\" " :
			   "<div class=\"scroll\"><svg ",
		   SVG_WIDTH, high, label);
	if (p->standalone)
		buf_printf(p->out,
			   "<style>\n%ssvg{background:var(--card)}\n</style>\n",
			   report_page_style);
}

static void end_svg(const struct report_page *p)
{
	buf_add_str(p->out, p->standalone ? "</svg>\n" : "</svg></div>\n");
}

/* Return the y coordinate of the first row, below the labels of the ticks. */
static unsigned first_row_y(const struct report_page *p)
{
	return p->standalone ? 18 : 4;
}

/* Append `text`; "..." replaces its middle if it is too wide. */
static void add_elided(const struct report_page *p, const char *text,
		       unsigned columns)
{
	struct buf plain = { 0 }, elided = { 0 };

	report_escape_plain(&plain, text, REPORT_NAME_BYTES_MAX);
	text_width_elide(&elided, buf_str(&plain), columns);
	report_page_add_text(p, buf_str(&elided));
	buf_release(&plain);
	buf_release(&elided);
}

static void draw_label(const struct report_page *p, unsigned y,
		       const char *class, const char *text)
{
	buf_printf(p->out,
		   "<text class=\"%s\" x=\"%d\" y=\"%u\" "
		   "text-anchor=\"end\">",
		   class, LABEL_WIDTH - 8, y);
	if (strlen(text) > LABEL_COLUMNS) {
		buf_add_str(p->out, "<title>");
		report_page_add_text(p, text);
		buf_add_str(p->out, "</title>");
	}
	add_elided(p, text, LABEL_COLUMNS);
	buf_add_str(p->out, "</text>\n");
}

/* Begin a group in which x coordinates go from 0 to PLOT_UNITS. */
static void begin_plot(const struct report_page *p, bool big)
{
	buf_printf(p->out,
		   "<g%s transform=\"translate(%d 0) scale(%.4f 1)\">\n",
		   big ? " class=\"big\"" : "", LABEL_WIDTH,
		   (double)PLOT_WIDTH / PLOT_UNITS);
}

#define N_PHASE_COLORS 10

/* Return the first phase with the name of phase `i`. */
static size_t first_phase_of(const struct history_details *d, size_t i)
{
	size_t k = 0;

	while (strcmp(d->phases[k].name, d->phases[i].name) != 0)
		k++;
	return k;
}

/*
 * Return the color of phase `i`.  Phases with the same name have the same
 * color.
 */
static size_t phase_color(const struct history_details *d, size_t i)
{
	size_t first = first_phase_of(d, i), n = 0;

	for (size_t k = 0; k < first; k++)
		n += first_phase_of(d, k) == k;
	return n % N_PHASE_COLORS;
}

/* Draw a rectangle per phase, with its name if there is enough space. */
static void draw_phases(const struct report_page *p)
{
	const struct history_details *d = &p->data->details;

	if (d->n_phases)
		draw_label(p, 31, "k", "phase");
	for (size_t i = 0; i < d->n_phases && i < PHASES_MAX; i++) {
		const struct history_phase *f = &d->phases[i];
		int64_t at = report_slot_timeline_clamp_ms(&p->timeline,
							   f->start_ms);
		int64_t rest = p->timeline.end_ms - at;
		double x = ms_to_pixels(p, at);
		double wide = ms_to_pixels(p, at + (f->duration_ms < rest ?
							    f->duration_ms :
							    rest)) -
			      x;

		if (wide < 0.5)
			continue;
		buf_add_str(p->out, "<g><title>");
		report_page_add_text(p, f->name);
		buf_add_str(p->out, ": ");
		format_duration_short(p->out, (uint64_t)f->duration_ms);
		buf_printf(p->out,
			   "</title><rect class=\"p%zu\" x=\"%.1f\" y=\"18\" "
			   "width=\"%.1f\" height=\"18\" />",
			   phase_color(d, i), x, wide);
		if (wide > 12 + 6.0 * (double)strlen(f->name)) {
			buf_printf(p->out,
				   "<text class=\"o\" x=\"%.1f\" y=\"31\">",
				   x + 5);
			report_page_add_text(p, f->name);
			buf_add_str(p->out, "</text>");
		}
		buf_add_str(p->out, "</g>\n");
	}
}

/*
 * List the names and durations of the phases below the picture.  A phase that
 * has occurred several times is listed once, with the sum of its durations.
 */
static void list_phases(const struct report_page *p)
{
	const struct history_details *d = &p->data->details;
	size_t n = d->n_phases < PHASES_MAX ? d->n_phases : PHASES_MAX;

	if (!n)
		return;
	buf_add_str(p->out, "<p class=\"key\">");
	for (size_t i = 0; i < n; i++) {
		uint64_t sum_ms = 0;

		if (first_phase_of(d, i) != i)
			continue;
		for (size_t k = i; k < n; k++) {
			if (first_phase_of(d, k) == i)
				sum_ms += (uint64_t)d->phases[k].duration_ms;
		}
		buf_printf(p->out, "<span><i class=\"q%zu\"></i>",
			   phase_color(d, i));
		report_page_add_text(p, d->phases[i].name);
		buf_add_str(p->out, " ");
		format_duration_short(p->out, sum_ms);
		buf_add_str(p->out, "</span> ");
	}
	buf_add_str(p->out, "</p>\n");
	report_page_add_omitted(p, d->n_phases, n, "phases");
}

/*
 * The build is divided into parts of equal duration.  For each part, the arrays
 * contain the compile time on the build host and on nodes in ms per second,
 * which is 1000 times the mean number of concurrent compiles.
 */
struct report_chart {
	int64_t local_ms[CHART_PARTS], remote_ms[CHART_PARTS];
	size_t n_parts;
	int64_t max_ms; /* maximum of local_ms[i] + remote_ms[i] */
};

static void fill_chart(const struct report_page *p, struct report_chart *c)
{
	const struct report_slot_timeline *l = &p->timeline;
	int64_t long_ms[CHART_PARTS] = { 0 };

	*c = (struct report_chart){ .max_ms = 1, .n_parts = CHART_PARTS };
	if (l->end_ms / CHART_PART_MIN_MS < CHART_PARTS)
		c->n_parts = l->end_ms < CHART_PART_MIN_MS ?
				     1 :
				     (size_t)(l->end_ms / CHART_PART_MIN_MS);
	for (size_t i = 0; i < l->n_spans; i++) {
		const struct report_span *s = &l->spans[i];

		report_slot_timeline_add_load(
			l, s->unit->remote ? c->remote_ms : c->local_ms,
			c->n_parts, s->run_ms, s->received_ms);
	}

	/*
	 * Divide by the duration of each part in ms.  The durations differ,
	 * because parts begin and end at whole ms.
	 */
	report_slot_timeline_add_load(l, long_ms, c->n_parts, 0, l->end_ms);
	for (size_t i = 0; i < c->n_parts; i++) {
		int64_t ms = long_ms[i] ? long_ms[i] : 1;

		c->local_ms[i] = c->local_ms[i] * 1000 / ms;
		c->remote_ms[i] = c->remote_ms[i] * 1000 / ms;
		if (c->local_ms[i] + c->remote_ms[i] > c->max_ms)
			c->max_ms = c->local_ms[i] + c->remote_ms[i];
	}
}

/*
 * Draw an area for the local units or, if `remote` is set, for the remote units
 * on top of the local units.
 */
static void draw_area(const struct report_page *p, const char *class,
		      const struct report_chart *c, bool remote)
{
	double wide = (double)PLOT_UNITS / (double)c->n_parts;
	const int64_t *part = remote ? c->remote_ms : c->local_ms;

	buf_printf(p->out, "<path class=\"%s\" d=\"M0 %d", class, CHART_HEIGHT);
	for (size_t i = 0; i < c->n_parts; i++) {
		double under = remote ? (double)c->local_ms[i] : 0;
		double y = CHART_HEIGHT - CHART_HEIGHT *
						  (under + (double)part[i]) /
						  (double)c->max_ms;

		buf_printf(p->out, "V%.1fH%.0f", y, wide * (double)(i + 1));
	}
	for (size_t i = c->n_parts; remote && i-- > 0;)
		buf_printf(p->out, "V%.1fH%.0f",
			   CHART_HEIGHT - CHART_HEIGHT *
						  (double)c->local_ms[i] /
						  (double)c->max_ms,
			   wide * (double)i);
	buf_printf(p->out, "V%dZ\" />\n", CHART_HEIGHT);
}

static void draw_chart(const struct report_page *p, unsigned top)
{
	struct report_chart c;

	if (!p->timeline.n_spans || !p->timeline.end_ms)
		return;
	fill_chart(p, &c);
	draw_label(p, top + 14, "k", "compiles");
	draw_label(p, top + 27, "s", "in parallel,");
	buf_printf(p->out,
		   "<text x=\"%d\" y=\"%u\" text-anchor=\"end\">at most "
		   "%" PRId64 "</text>\n",
		   LABEL_WIDTH - 8, top + 40, (c.max_ms + 500) / 1000);
	buf_printf(p->out, "<g transform=\"translate(%d %u) scale(%.4f 1)\">\n",
		   LABEL_WIDTH, top, (double)PLOT_WIDTH / PLOT_UNITS);
	draw_area(p, "al", &c, false);
	draw_area(p, "ar", &c, true);
	buf_add_str(p->out, "</g>\n");
}

/* Draw the phases and the number of concurrent units over time. */
static void draw_overview(const struct report_page *p)
{
	unsigned top = 46,
		 high = p->timeline.n_spans ? top + CHART_HEIGHT + 6 : 42;

	begin_svg(p, high, "Phases and parallel compiles");
	draw_ticks(p, 4, high - 8, true);
	draw_phases(p);
	draw_chart(p, top);
	end_svg(p);
	list_phases(p);
}

/* An SVG path with the horizontal lines of one row that have the same color. */
struct slot_pen {
	struct buf path;
	int64_t from_units, to_units; /* pending line */
	int64_t end_units; /* end of the last line drawn */
	bool down; /* a line is pending */
};

/* Append the pending line to the path. */
static void pen_lift(struct slot_pen *pen, unsigned y)
{
	if (!pen->down)
		return;
	if (pen->path.len) {
		buf_add_str(&pen->path, "m");
		buf_add_number(&pen->path,
			       (uint64_t)(pen->from_units - pen->end_units));
		buf_add_str(&pen->path, " 0h");
	} else {
		buf_printf(&pen->path, "M%" PRId64 " %uh", pen->from_units, y);
	}
	buf_add_number(&pen->path, (uint64_t)(pen->to_units - pen->from_units));
	pen->end_units = pen->to_units;
	pen->down = false;
}

/* Draw a line; extend the pending line if the gap is at most one plot unit. */
static void pen_draw(struct slot_pen *pen, unsigned y, int64_t from, int64_t to)
{
	if (pen->down && from <= pen->to_units + 1) {
		if (to > pen->to_units)
			pen->to_units = to;
		return;
	}
	pen_lift(pen, y);
	pen->from_units = from < pen->end_units ? pen->end_units : from;
	pen->to_units = to > pen->from_units ? to : pen->from_units;
	pen->down = true;
}

enum {
	PEN_EVEN,
	PEN_ODD,
	PEN_SENT,
	PEN_RECEIVED,
	N_PENS,
};

static unsigned slot_row_height(const struct report_page *p)
{
	return p->timeline.n_slots > LARGE_ROWS_SLOTS_MAX ?
		       SLOT_ROW_HEIGHT :
		       SLOT_ROW_HEIGHT_LARGE;
}

/* Draw the units of one slot of a machine. */
static void draw_slot(const struct report_page *p,
		      const struct report_machine *m, unsigned slot, unsigned y)
{
	static const char *const remote[] = { "r0", "r1", "w", "v" },
				 *const local[] = { "l0", "l1", "w", "v" };
	struct slot_pen pen[N_PENS] = { 0 };
	unsigned n = 0;

	for (size_t i = m->first_span; i < m->first_span + m->n_spans; i++) {
		const struct report_span *s = &p->timeline.spans[i];
		int64_t run = ms_to_plot_x(p, s->run_ms),
			back = ms_to_plot_x(p, s->received_ms);
		int64_t begin = ms_to_plot_x(p, s->start_ms),
			end = ms_to_plot_x(p, s->end_ms);

		if (s->slot != slot)
			continue;
		if (run > begin)
			pen_draw(&pen[PEN_SENT], y, begin, run);
		pen_draw(&pen[n++ % 2 ? PEN_ODD : PEN_EVEN], y, run,
			 back > run ? back : run + 1);
		if (end > back)
			pen_draw(&pen[PEN_RECEIVED], y, back, end);
	}
	for (unsigned i = 0; i < N_PENS; i++) {
		pen_lift(&pen[i], y);
		if (pen[i].path.len)
			buf_printf(p->out, "<path class=\"%s\" d=\"%s\" />\n",
				   m->local ? local[i] : remote[i],
				   buf_str(&pen[i].path));
		buf_release(&pen[i].path);
	}
}

static int by_length(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

/* Return the minimum duration in ms of the units that get a title. */
static int64_t min_title_ms(const struct report_slot_timeline *l)
{
	int64_t *v, least;

	if (l->n_spans <= TITLES_MAX)
		return 0;
	v = xcalloc(l->n_spans, sizeof(*v));
	for (size_t i = 0; i < l->n_spans; i++)
		v[i] = l->spans[i].end_ms - l->spans[i].start_ms;
	qsort(v, l->n_spans, sizeof(*v), by_length);
	least = v[TITLES_MAX] + 1;
	free(v);
	return least;
}

/* Draw transparent rectangles whose titles name the longest units. */
static void draw_titles(const struct report_page *p,
			const struct report_machine *m, unsigned top,
			int64_t least)
{
	unsigned row = slot_row_height(p);

	for (size_t i = m->first_span; i < m->first_span + m->n_spans; i++) {
		const struct report_span *s = &p->timeline.spans[i];
		int64_t x = ms_to_plot_x(p, s->start_ms),
			wide = ms_to_plot_x(p, s->end_ms) - x;

		if (s->end_ms - s->start_ms < least)
			continue;
		buf_printf(p->out,
			   "<rect class=\"t\" x=\"%" PRId64 "\" y=\"%u\" "
			   "width=\"%" PRId64 "\" height=\"%u\"><title>",
			   x, top + s->slot * row, wide > 0 ? wide : 1,
			   row - 1);
		add_elided(p, s->unit->object, NAME_COLUMNS);
		buf_add_str(p->out, ": ");
		report_data_add_duration(
			p->out, (uint64_t)report_slot_timeline_span_ms(s));
		buf_add_str(p->out, "</title></rect>\n");
	}
}

static unsigned machine_height(const struct report_page *p,
			       const struct report_machine *m)
{
	unsigned high = m->n_slots * slot_row_height(p);

	return (high < 14 ? 14 : high) + 5;
}

/* Draw a row for each slot.  A machine's label is on the left of its rows. */
static void draw_slots(const struct report_page *p)
{
	const struct report_slot_timeline *l = &p->timeline;
	int64_t least = min_title_ms(l);
	unsigned top = first_row_y(p), high = top, row = slot_row_height(p);

	for (size_t i = 0; i < l->n_machines; i++)
		high += l->machines[i].n_spans ?
				machine_height(p, &l->machines[i]) :
				0;
	begin_svg(p, high, "Activity of each slot");
	draw_ticks(p, 0, high, p->standalone);
	for (size_t i = 0; i < l->n_machines; i++) {
		const struct report_machine *m = &l->machines[i];

		if (!m->n_spans)
			continue;
		draw_label(p, top + 10, "k", m->name);
		begin_plot(p, row == SLOT_ROW_HEIGHT_LARGE);
		for (unsigned slot = 0; slot < m->n_slots; slot++)
			draw_slot(p, m, slot, top + slot * row + row / 2);
		draw_titles(p, m, top, least);
		buf_add_str(p->out, "</g>\n");
		top += machine_height(p, m);
	}
	end_svg(p);
}

/* Draw the share of busy slots of a machine as a row of bars. */
static void draw_strip(const struct report_page *p,
		       const struct report_machine *m, unsigned top)
{
	int64_t busy[STRIP_PARTS] = { 0 };
	unsigned slots = m->node && m->node->n_slots > (int64_t)m->n_slots ?
				 (unsigned)m->node->n_slots :
				 m->n_slots;
	double most = (double)p->timeline.end_ms / STRIP_PARTS * slots;
	int was = 0;

	for (size_t i = m->first_span; i < m->first_span + m->n_spans; i++) {
		const struct report_span *s = &p->timeline.spans[i];

		report_slot_timeline_add_load(&p->timeline, busy, STRIP_PARTS,
					      s->run_ms, s->received_ms);
	}
	draw_label(p, top + 10, "k", m->name);
	begin_plot(p, false);
	buf_printf(p->out, "<path class=\"%s\" d=\"M0 %u",
		   m->local ? "al" : "ar", top + STRIP_HEIGHT);
	for (size_t i = 0; i <= STRIP_PARTS; i++) {
		int now = i < STRIP_PARTS && most > 0 ?
				  (int)(STRIP_HEIGHT * (double)busy[i] / most +
					0.5) :
				  0;

		if (now == was && i < STRIP_PARTS)
			continue;
		buf_printf(p->out, "H%zuv%d", i * PLOT_UNITS / STRIP_PARTS,
			   was - now);
		was = now;
	}
	buf_add_str(p->out, "Z\" />\n");
	buf_add_str(p->out, "</g>\n");
}

/*
 * Draw strips for at most `most` machines that had jobs, starting at machine
 * *at.  Advances *at and returns the number of strips drawn.
 */
static size_t draw_strips(const struct report_page *p, size_t *at, size_t most)
{
	const struct report_slot_timeline *l = &p->timeline;
	size_t n = 0, end = *at;
	unsigned top = first_row_y(p), high;

	for (; end < l->n_machines && n < most; end++)
		n += l->machines[end].n_spans > 0;
	high = top + 4 + (unsigned)n * STRIP_ROW_HEIGHT;
	begin_svg(p, high, "Load of each machine");
	draw_ticks(p, 0, high, p->standalone);
	for (; *at < end; (*at)++) {
		if (!l->machines[*at].n_spans)
			continue;
		draw_strip(p, &l->machines[*at], top);
		top += STRIP_ROW_HEIGHT;
	}
	end_svg(p);
	return n;
}

static void draw_all_strips(const struct report_page *p)
{
	const struct report_slot_timeline *l = &p->timeline;
	size_t n = 0, at = 0, shown;

	for (size_t i = 0; i < l->n_machines; i++)
		n += l->machines[i].n_spans > 0;
	shown = draw_strips(p, &at, STRIPS_EXPANDED);
	if (n > shown) {
		buf_printf(p->out,
			   "<details><summary>%zu more "
			   "nodes</summary>\n",
			   (n > STRIPS_MAX ? STRIPS_MAX : n) - shown);
		shown += draw_strips(p, &at, STRIPS_MAX - STRIPS_EXPANDED);
		buf_add_str(p->out, "</details>\n");
	}
	report_page_add_omitted(p, n, shown, "nodes");
}

static void draw_legend(const struct report_page *p, bool slots)
{
	buf_add_str(p->out, "<p class=\"key\"><span><i class=\"kr\"></i>"
			    "compiles on a node</span><span><i class=\"kl\">"
			    "</i>on the build host</span>");
	if (slots)
		buf_add_str(p->out,
			    "<span><i class=\"kw\"></i>sent to the node, or "
			    "queued there</span><span><i "
			    "class=\"kb\"></i>result received and "
			    "verified</span>");
	buf_add_str(p->out, "</p>\n<p class=\"more\">");
	buf_add_str(p->out,
		    slots ? "One row per slot; a node has additional rows "
			    "where units wait for a slot. Nodes report "
			    "running jobs once a second, so a compile may "
			    "have started slightly earlier than drawn." :
			    "One row per machine: the share of its slots that "
			    "were compiling. There are too many slots to show "
			    "each of them.");
	if (slots && p->timeline.n_spans > TITLES_MAX)
		buf_printf(p->out,
			   " Hover over one of the %d longest units to see "
			   "its name.",
			   TITLES_MAX);
	buf_add_str(p->out, "</p>\n");
}

void report_page_add_timeline(const struct report_page *p)
{
	bool slots = p->timeline.n_slots <= SLOTS_MAX;

	if (!p->timeline.n_spans && !p->data->details.n_phases &&
	    !report_data_is_missing_units(p->data))
		return;
	report_page_begin_section(p, "timeline", "Timeline");
	draw_overview(p);
	if (p->timeline.n_spans) {
		if (slots)
			draw_slots(p);
		else
			draw_all_strips(p);
		draw_legend(p, slots);
	} else if (report_data_is_missing_units(p->data)) {
		buf_printf(p->out,
			   "<p class=\"more\">The timeline of nodes and slots "
			   "is no longer available: the history keeps the "
			   "units of the last %d builds of a configuration, "
			   "and of its last build from scratch.</p>\n",
			   HISTORY_UNIT_BUILDS_MAX);
	}
	report_page_end_section(p);
}

void report_timeline_svg(struct buf *out, const struct report_data *d)
{
	struct report_page p = { .out = out, .data = d, .standalone = true };
	size_t first = 0;

	report_slot_timeline_init(&p.timeline, d);
	if (p.timeline.n_slots <= SLOTS_MAX)
		draw_slots(&p);
	else
		draw_strips(&p, &first, STRIPS_MAX);
	report_slot_timeline_release(&p.timeline);
}
