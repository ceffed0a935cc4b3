/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timeline of the page, as SVG: phases, how many jobs ran, and a row for
 * each slot of each machine; where there are too many slots for that, one for
 * each machine with the share of its slots that were at work.
 *
 * A row is a few paths of all that happened in it, in ten-thousandths of the
 * build: some ten bytes a unit, and what is narrower than a pixel runs
 * together.  Only the longest units say which they are.
 */
#include "base/format.h"
#include "base/str.h"
#include "report/escape.h"
#include "report/page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WIDE        1180 /* of the picture, */
#define LEFT        150 /* of it for names */
#define RIGHT       44 /* for the last time */
#define PLOT        (WIDE - LEFT - RIGHT)
#define UNITS       10000 /* of the plot's width */
#define SLOTS_MAX   240 /* rows of slots */
#define ROW         7 /* of a slot, */
#define ROW_BIG     13 /* where there are few */
#define SLOTS_BIG   32
#define STRIP       15 /* a row of a whole machine, */
#define STRIP_HIGH  10 /* of it drawn */
#define STRIP_PARTS 150
#define STRIPS_OPEN 50
#define STRIPS_MAX  600
#define CHART_PARTS 350 /* at most, */
#define CHART_MS    40 /* as times are whole ms: no shorter */
#define CHART_HIGH  80
#define PHASES_MAX  200
#define TICKS       10
#define TITLES_MAX  1500
#define LABEL_BYTES 18
#define NAME_BYTES  60 /* of an object in a title */

/* ---------------------------------------------------------------- time */

static int64_t x_of(const struct report_page *p, int64_t ms)
{
	int64_t end = p->lanes.end_ms;

	return end > 0 ? report_lanes_within(&p->lanes, ms) * UNITS / end : 0;
}

/* In the picture. */
static double px_of(const struct report_page *p, int64_t ms)
{
	return LEFT + (double)x_of(p, ms) * PLOT / UNITS;
}

static int64_t tick_ms(int64_t end_ms)
{
	static const int64_t steps[] = {
		100,     200,     500,     1000,     2000,     5000,     10000,
		15000,   30000,   60000,   120000,   300000,   600000,   900000,
		1800000, 3600000, 7200000, 14400000, 43200000, 86400000,
	};
	size_t i = 0;

	while (i + 1 < sizeof(steps) / sizeof(*steps) &&
	       steps[i] * TICKS < end_ms)
		i++;
	return steps[i];
}

static void draw_ticks(const struct report_page *p, unsigned top, unsigned high,
		       bool labels)
{
	int64_t step = tick_ms(p->lanes.end_ms);

	for (int64_t at = 0; at <= p->lanes.end_ms && at / step <= 20 * TICKS;
	     at += step) {
		double x = px_of(p, at);

		buf_printf(p->out,
			   "<line class=\"g\" x1=\"%.1f\" y1=\"%u\" x2=\"%.1f\""
			   " y2=\"%u\" />",
			   x, top, x, top + high);
		if (!labels)
			continue;
		buf_printf(p->out, "<text x=\"%.1f\" y=\"%u\">", x + 3,
			   top + 9);
		if (step < 1000)
			format_span(p->out, (uint64_t)at);
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
		   "<svg viewBox=\"0 0 %d %u\" role=\"img\" "
		   "aria-label=\"%s\">\n",
		   WIDE, high, label);
}

static void end_svg(const struct report_page *p)
{
	buf_add_str(p->out, "</svg>\n");
}

static void draw_label(const struct report_page *p, unsigned y,
		       const char *class, const char *text)
{
	buf_printf(p->out,
		   "<text class=\"%s\" x=\"%d\" y=\"%u\" "
		   "text-anchor=\"end\">",
		   class, LEFT - 8, y);
	report_escape(p->out, text, LABEL_BYTES);
	buf_add_str(p->out, "</text>\n");
}

/* From here on the plot's own width is UNITS. */
static void begin_plot(const struct report_page *p, bool big)
{
	buf_printf(p->out,
		   "<g%s transform=\"translate(%d 0) scale(%.4f 1)\">\n",
		   big ? " class=\"big\"" : "", LEFT, (double)PLOT / UNITS);
}

static void end_plot(const struct report_page *p)
{
	buf_add_str(p->out, "</g>\n");
}

/* --------------------------------------------------------------- phases */

static void draw_phase(const struct report_page *p,
		       const struct history_phase *f, size_t number)
{
	int64_t at = report_lanes_within(&p->lanes, f->at_ms);
	int64_t rest = p->lanes.end_ms - at;
	double x = px_of(p, at);
	double wide = px_of(p, at + (f->ms < rest ? f->ms : rest)) - x;

	if (wide < 0.5)
		return;
	buf_add_str(p->out, "<g><title>");
	report_page_text(p, f->name);
	buf_add_str(p->out, ": ");
	format_span(p->out, (uint64_t)f->ms);
	buf_printf(p->out,
		   "</title><rect class=\"p%zu\" x=\"%.1f\" y=\"18\" "
		   "width=\"%.1f\" height=\"18\" />",
		   number % 4, x, wide);
	if (wide > 12 + 6.0 * (double)strlen(f->name)) {
		buf_printf(p->out, "<text class=\"o\" x=\"%.1f\" y=\"31\">",
			   x + 5);
		report_page_text(p, f->name);
		buf_add_str(p->out, "</text>");
	}
	buf_add_str(p->out, "</g>\n");
}

static void draw_phases(const struct report_page *p)
{
	const struct history_details *d = &p->d->with;

	if (d->n_phases)
		draw_label(p, 31, "k", "phase");
	for (size_t i = 0; i < d->n_phases && i < PHASES_MAX; i++)
		draw_phase(p, &d->phase[i], i);
}

static void list_phases(const struct report_page *p)
{
	const struct history_details *d = &p->d->with;
	size_t n = d->n_phases < PHASES_MAX ? d->n_phases : PHASES_MAX;

	if (!n)
		return;
	buf_add_str(p->out, "<p class=\"key\">");
	for (size_t i = 0; i < n; i++) {
		buf_printf(p->out, "<span><i class=\"q%zu\"></i>", i % 4);
		report_page_text(p, d->phase[i].name);
		buf_add_str(p->out, " ");
		format_span(p->out, (uint64_t)d->phase[i].ms);
		buf_add_str(p->out, "</span> ");
	}
	buf_add_str(p->out, "</p>\n");
	report_page_more(p, d->n_phases, n, "phases");
}

/* ------------------------------------------------------------- how many */

/* Thousandths of compiles at a time in parts of the build, here and on nodes.
 */
struct report_chart {
	int64_t here[CHART_PARTS], there[CHART_PARTS];
	size_t n; /* parts */
	int64_t most; /* of both */
};

/* How long each part is: whole ms, and so not all the same. */
static void scale_chart(const struct report_lanes *l, struct report_chart *c)
{
	int64_t long_ms[CHART_PARTS] = { 0 };

	report_lanes_spread(l, long_ms, c->n, 0, l->end_ms);
	for (size_t i = 0; i < c->n; i++) {
		int64_t ms = long_ms[i] ? long_ms[i] : 1;

		c->here[i] = c->here[i] * 1000 / ms;
		c->there[i] = c->there[i] * 1000 / ms;
		if (c->here[i] + c->there[i] > c->most)
			c->most = c->here[i] + c->there[i];
	}
}

static void fill_chart(const struct report_page *p, struct report_chart *c)
{
	const struct report_lanes *l = &p->lanes;

	*c = (struct report_chart){ .most = 1, .n = CHART_PARTS };
	if (l->end_ms / CHART_MS < CHART_PARTS)
		c->n = l->end_ms < CHART_MS ? 1 :
					      (size_t)(l->end_ms / CHART_MS);
	for (size_t i = 0; i < l->n_spans; i++) {
		const struct report_span *s = &l->span[i];

		report_lanes_spread(l, s->unit->remote ? c->there : c->here,
				    c->n, s->run_ms, s->receive_ms);
	}
	scale_chart(l, c);
}

/* What lies between two lines. */
static void draw_area(const struct report_page *p, const char *class,
		      const struct report_chart *c, bool there)
{
	double wide = (double)UNITS / (double)c->n;
	const int64_t *part = there ? c->there : c->here;

	buf_printf(p->out, "<path class=\"%s\" d=\"M0 %d", class, CHART_HIGH);
	for (size_t i = 0; i < c->n; i++) {
		double under = there ? (double)c->here[i] : 0;
		double y = CHART_HIGH - CHART_HIGH * (under + (double)part[i]) /
						(double)c->most;

		buf_printf(p->out, "V%.1fH%.0f", y, wide * (double)(i + 1));
	}
	for (size_t i = c->n; there && i-- > 0;)
		buf_printf(p->out, "V%.1fH%.0f",
			   CHART_HIGH - CHART_HIGH * (double)c->here[i] /
						(double)c->most,
			   wide * (double)i);
	buf_printf(p->out, "V%dZ\" />\n", CHART_HIGH);
}

static void draw_chart(const struct report_page *p, unsigned top)
{
	struct report_chart c;

	if (!p->lanes.n_spans || !p->lanes.end_ms)
		return;
	fill_chart(p, &c);
	draw_label(p, top + 14, "k", "compiles");
	draw_label(p, top + 27, "s", "at a time,");
	buf_printf(p->out,
		   "<text x=\"%d\" y=\"%u\" text-anchor=\"end\">at most "
		   "%" PRId64 "</text>\n",
		   LEFT - 8, top + 40, (c.most + 500) / 1000);
	buf_printf(p->out, "<g transform=\"translate(%d %u) scale(%.4f 1)\">\n",
		   LEFT, top, (double)PLOT / UNITS);
	draw_area(p, "al", &c, false);
	draw_area(p, "ar", &c, true);
	end_plot(p);
}

static void draw_overview(const struct report_page *p)
{
	unsigned top = 46, high = p->lanes.n_spans ? top + CHART_HIGH + 6 : 42;

	begin_svg(p, high, "Phases, and compiles at a time");
	draw_ticks(p, 4, high - 8, true);
	draw_phases(p);
	draw_chart(p, top);
	end_svg(p);
	list_phases(p);
}

/* ---------------------------------------------------------------- slots */

/* Draws horizontal lines of one kind in one row. */
struct pen {
	struct buf path;
	int64_t from, to; /* the line that is not drawn yet */
	int64_t at; /* where the last one ended */
	bool down;
};

static void pen_lift(struct pen *pen, unsigned y)
{
	if (!pen->down)
		return;
	if (pen->path.len) {
		buf_add_str(&pen->path, "m");
		buf_add_number(&pen->path, (uint64_t)(pen->from - pen->at));
		buf_add_str(&pen->path, " 0h");
	} else {
		buf_printf(&pen->path, "M%" PRId64 " %uh", pen->from, y);
	}
	buf_add_number(&pen->path, (uint64_t)(pen->to - pen->from));
	pen->at = pen->to;
	pen->down = false;
}

/* What begins within a tenth of a pixel is the same line. */
static void pen_draw(struct pen *pen, unsigned y, int64_t from, int64_t to)
{
	if (pen->down && from <= pen->to + 1) {
		if (to > pen->to)
			pen->to = to;
		return;
	}
	pen_lift(pen, y);
	pen->from = from < pen->at ? pen->at : from;
	pen->to = to > pen->from ? to : pen->from;
	pen->down = true;
}

static void pen_put(struct pen *pen, unsigned y, const struct report_page *p,
		    const char *class)
{
	pen_lift(pen, y);
	if (pen->path.len)
		buf_printf(p->out, "<path class=\"%s\" d=\"%s\" />\n", class,
			   buf_str(&pen->path));
	buf_release(&pen->path);
}

enum {
	EVEN,
	ODD,
	SENT,
	BACK,
	PENS, /* how many */
};

static unsigned row_high(const struct report_page *p)
{
	return p->lanes.slots > SLOTS_BIG ? ROW : ROW_BIG;
}

/* The units of one slot of a machine. */
static void draw_slot(const struct report_page *p,
		      const struct report_machine *m, unsigned slot, unsigned y)
{
	static const char *const remote[] = { "r0", "r1", "w", "v" },
				 *const local[] = { "l0", "l1", "w", "v" };
	struct pen pen[PENS] = { 0 };
	unsigned n = 0;

	for (size_t i = m->first; i < m->first + m->n; i++) {
		const struct report_span *s = &p->lanes.span[i];
		int64_t run = x_of(p, s->run_ms), back = x_of(p, s->receive_ms);
		int64_t begin = x_of(p, s->begin_ms), end = x_of(p, s->end_ms);

		if (s->slot != slot)
			continue;
		if (run > begin)
			pen_draw(&pen[SENT], y, begin, run);
		pen_draw(&pen[n++ % 2 ? ODD : EVEN], y, run,
			 back > run ? back : run + 1);
		if (end > back)
			pen_draw(&pen[BACK], y, back, end);
	}
	for (unsigned i = 0; i < PENS; i++)
		pen_put(&pen[i], y, p, m->local ? local[i] : remote[i]);
}

static int by_length(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

/* Units that were there that long say which they are. */
static int64_t title_least(const struct report_lanes *l)
{
	int64_t *v, least;

	if (l->n_spans <= TITLES_MAX)
		return 0;
	v = xcalloc(l->n_spans, sizeof(*v));
	for (size_t i = 0; i < l->n_spans; i++)
		v[i] = l->span[i].end_ms - l->span[i].begin_ms;
	qsort(v, l->n_spans, sizeof(*v), by_length);
	least = v[TITLES_MAX] + 1;
	free(v);
	return least;
}

static void draw_titles(const struct report_page *p,
			const struct report_machine *m, unsigned top,
			int64_t least)
{
	unsigned row = row_high(p);

	for (size_t i = m->first; i < m->first + m->n; i++) {
		const struct report_span *s = &p->lanes.span[i];
		int64_t x = x_of(p, s->begin_ms), wide = x_of(p, s->end_ms) - x;

		if (s->end_ms - s->begin_ms < least)
			continue;
		buf_printf(p->out,
			   "<rect class=\"t\" x=\"%" PRId64 "\" y=\"%u\" "
			   "width=\"%" PRId64 "\" height=\"%u\"><title>",
			   x, top + s->slot * row, wide > 0 ? wide : 1,
			   row - 1);
		report_escape(p->out, s->unit->object, NAME_BYTES);
		buf_add_str(p->out, ": ");
		report_data_put_span(p->out, (uint64_t)report_span_cost(s));
		buf_add_str(p->out, "</title></rect>\n");
	}
}

static unsigned machine_high(const struct report_page *p,
			     const struct report_machine *m)
{
	unsigned high = m->slots * row_high(p);

	return (high < 14 ? 14 : high) + 5;
}

static const char *shown_name(const struct report_machine *m)
{
	return m->local ? "build host" : m->name;
}

static void draw_slots(const struct report_page *p)
{
	const struct report_lanes *l = &p->lanes;
	int64_t least = title_least(l);
	unsigned high = 4, top = 4, row = row_high(p);

	for (size_t i = 0; i < l->n_machines; i++)
		high += l->machine[i].n ? machine_high(p, &l->machine[i]) : 0;
	begin_svg(p, high, "What each slot of each machine did");
	draw_ticks(p, 0, high, false);
	for (size_t i = 0; i < l->n_machines; i++) {
		const struct report_machine *m = &l->machine[i];

		if (!m->n)
			continue;
		draw_label(p, top + 10, "k", shown_name(m));
		begin_plot(p, row == ROW_BIG);
		for (unsigned slot = 0; slot < m->slots; slot++)
			draw_slot(p, m, slot, top + slot * row + row / 2);
		draw_titles(p, m, top, least);
		end_plot(p);
		top += machine_high(p, m);
	}
	end_svg(p);
}

/* --------------------------------------------------------------- strips */

static void draw_strip(const struct report_page *p,
		       const struct report_machine *m, unsigned top)
{
	int64_t busy[STRIP_PARTS] = { 0 };
	unsigned slots = m->node && m->node->slots > (int64_t)m->slots ?
				 (unsigned)m->node->slots :
				 m->slots;
	double most = (double)p->lanes.end_ms / STRIP_PARTS * slots;
	int was = 0;

	for (size_t i = m->first; i < m->first + m->n; i++) {
		const struct report_span *s = &p->lanes.span[i];

		report_lanes_spread(&p->lanes, busy, STRIP_PARTS, s->run_ms,
				    s->receive_ms);
	}
	draw_label(p, top + 10, "k", shown_name(m));
	begin_plot(p, false);
	buf_printf(p->out, "<path class=\"%s\" d=\"M0 %u",
		   m->local ? "al" : "ar", top + STRIP_HIGH);
	for (size_t i = 0; i <= STRIP_PARTS; i++) {
		int now = i < STRIP_PARTS && most > 0 ?
				  (int)(STRIP_HIGH * (double)busy[i] / most +
					0.5) :
				  0;

		if (now == was && i < STRIP_PARTS)
			continue;
		buf_printf(p->out, "H%zuv%d", i * UNITS / STRIP_PARTS,
			   was - now);
		was = now;
	}
	buf_add_str(p->out, "Z\" />\n");
	end_plot(p);
}

/* Machines [*at, ...), at most `most` of those with jobs. */
static size_t draw_strips(const struct report_page *p, size_t *at, size_t most)
{
	const struct report_lanes *l = &p->lanes;
	size_t n = 0, end = *at;
	unsigned top = 4;

	for (; end < l->n_machines && n < most; end++)
		n += l->machine[end].n > 0;
	begin_svg(p, 8 + (unsigned)n * STRIP, "How busy each machine was");
	draw_ticks(p, 0, 8 + (unsigned)n * STRIP, false);
	for (; *at < end; (*at)++) {
		if (!l->machine[*at].n)
			continue;
		draw_strip(p, &l->machine[*at], top);
		top += STRIP;
	}
	end_svg(p);
	return n;
}

static void draw_all_strips(const struct report_page *p)
{
	const struct report_lanes *l = &p->lanes;
	size_t n = 0, at = 0, shown;

	for (size_t i = 0; i < l->n_machines; i++)
		n += l->machine[i].n > 0;
	shown = draw_strips(p, &at, STRIPS_OPEN);
	if (n > shown) {
		buf_printf(p->out,
			   "<details><summary>%zu more "
			   "nodes</summary>\n",
			   (n > STRIPS_MAX ? STRIPS_MAX : n) - shown);
		shown += draw_strips(p, &at, STRIPS_MAX - STRIPS_OPEN);
		buf_add_str(p->out, "</details>\n");
	}
	report_page_more(p, n, shown, "nodes");
}

/* -------------------------------------------------------------- section */

static void draw_key(const struct report_page *p, bool slots)
{
	buf_add_str(p->out, "<p class=\"key\"><span><i class=\"kr\"></i>"
			    "compiles on a node</span><span><i class=\"kl\">"
			    "</i>on the build host</span>");
	if (slots)
		buf_add_str(p->out,
			    "<span><i class=\"kw\"></i>on its way to the node, "
			    "or waits there</span><span><i class=\"kb\"></i>"
			    "comes back, and is examined</span>");
	buf_add_str(p->out, "</p>\n<p class=\"more\">");
	buf_add_str(p->out,
		    slots ? "A row for each slot; a node shows more than it "
			    "has where units wait for one. A node says once a "
			    "second what runs, so a compile may have begun a "
			    "little earlier than is drawn." :
			    "A row for each machine: the share of its slots "
			    "that compiled. There are too many slots to show "
			    "each.");
	if (slots && p->lanes.n_spans > TITLES_MAX)
		buf_printf(p->out,
			   " The %d longest units say their names under the "
			   "pointer.",
			   TITLES_MAX);
	buf_add_str(p->out, "</p>\n");
}

void report_page_timeline(const struct report_page *p)
{
	bool slots = p->lanes.slots <= SLOTS_MAX;

	if (!p->lanes.n_spans && !p->d->with.n_phases &&
	    !report_data_lost_units(p->d))
		return;
	report_page_section(p, "timeline", "Timeline");
	draw_overview(p);
	if (p->lanes.n_spans) {
		if (slots)
			draw_slots(p);
		else
			draw_all_strips(p);
		draw_key(p, slots);
	} else if (report_data_lost_units(p->d)) {
		buf_printf(p->out,
			   "<p class=\"more\">The timeline of nodes and slots "
			   "is gone: the history keeps the units of the last "
			   "%d builds of a configuration, and of the last one "
			   "from scratch.</p>\n",
			   HISTORY_UNITS);
	}
	report_page_section_end(p);
}
