/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/estimate.h"

#define TIME_MAX_MS 1e12 /* 30 years */
#define MOST_JOBS   1000000000
/*
 * a segment that takes longer than this multiple of its typical time contains
 * fixed time (ui/estimate.h)
 */
#define FIXED_RATIO 2
/*
 * share of the baseline's cost: a build that has completed this share and has
 * no unfinished jobs is assumed to have no further jobs
 */
#define END_COST_SHARE 0.90
#define END_IDLE_MS    3000
#define DECAY_MS       60000
/*
 * time for which the pace must be measured before the prediction ignores the
 * expected pace; a quarter of the baseline's paced time if that is shorter
 */
#define FULL_CONFIDENCE_MS 20000
#define COMPARE_AFTER_MS   15000
/* share of the baseline's cost after which the builds are compared */
#define COMPARE_COST_SHARE 0.05
#define DIVERGENCE_RATIO   10
#define JOBS_SCALE_MAX     64.0
#define NEW_JOBS_MIN       20
#define REMAINING_MAX_MS   (100 * 3600000.0)

static double clamp_double(double n, double least, double most)
{
	return n < least ? least : n > most ? most : n;
}

/* Limit a number from an event, because events are not trusted. */
static double bounded_ms(int64_t n)
{
	return clamp_double((double)n, 0, TIME_MAX_MS);
}

static double bounded_clock_ms(uint64_t at_ms)
{
	return clamp_double((double)at_ms, 0, 1000 * TIME_MAX_MS);
}

static int64_t bounded_jobs(int64_t n)
{
	return n < 0 ? 0 : n > MOST_JOBS ? MOST_JOBS : n;
}

/* ---- baseline ---- */

static const struct ui_estimate_point *last_point(const struct ui_estimate *e)
{
	return &e->points[e->n_points - 1];
}

static bool has_progress_curve(const struct ui_estimate *e)
{
	return !e->diverged && e->n_points > 1 && last_point(e)->n_jobs &&
	       last_point(e)->cost_ms >= 1 &&
	       last_point(e)->total_paced_ms >= 1;
}

struct curve_segment {
	double cost, ms_per_cost;
};

/*
 * Return the typical ratio of time to cost.  This is the median of the ratios
 * of all segments, in which each segment has the weight of its cost.
 */
static double median_ms_per_cost(const struct ui_estimate *e)
{
	struct curve_segment list[UI_ESTIMATE_POINTS];
	double cost = 0;
	unsigned n = 0;

	for (unsigned i = 1; i < e->n_points; i++) {
		const struct ui_estimate_point *a = &e->points[i - 1],
					       *b = a + 1;
		struct curve_segment new = { .cost = b->cost_ms - a->cost_ms };
		unsigned at = n;

		if (new.cost <= 0)
			continue;
		new.ms_per_cost = (b->at_ms - a->at_ms) / new.cost;
		for (; at && list[at - 1].ms_per_cost > new.ms_per_cost; at--)
			list[at] = list[at - 1];
		list[at] = new;
		n++;
	}
	for (unsigned i = 0; i < n; i++) {
		cost += list[i].cost;
		if (cost >= last_point(e)->cost_ms / 2)
			return list[i].ms_per_cost;
	}
	return 0;
}

void ui_estimate_add_point(struct ui_estimate *e, const struct events_event *ev,
			   int64_t make_jobs)
{
	struct ui_estimate_point p = { .cost_ms = bounded_ms(ev->cost_ms),
				       .at_ms = bounded_ms(ev->wall_ms),
				       .n_jobs = bounded_jobs(
					       ev->n_total_jobs) };
	double slowness;

	if (!e->n_points)
		e->n_points = e->next_point = 1;
	if (e->n_points == UI_ESTIMATE_POINTS ||
	    p.cost_ms < last_point(e)->cost_ms ||
	    p.at_ms < last_point(e)->at_ms)
		return;
	e->points[e->n_points++] = p;
	e->make_jobs = bounded_jobs(ev->make_jobs);
	e->expected_pace = make_jobs > 0 && e->make_jobs > 0 ?
				   clamp_double((double)make_jobs /
							(double)e->make_jobs,
						1 / JOBS_SCALE_MAX,
						JOBS_SCALE_MAX) :
				   1;

	/* Split the time of each segment into fixed and paced time. */
	slowness = median_ms_per_cost(e);
	for (unsigned i = 1; i < e->n_points; i++) {
		struct ui_estimate_point *a = &e->points[i - 1], *b = a + 1;
		double time = b->at_ms - a->at_ms;

		b->paced_ms = slowness * (b->cost_ms - a->cost_ms);
		if (b->paced_ms * FIXED_RATIO > time)
			b->paced_ms = time;
		b->fixed_ms = time - b->paced_ms;
		b->total_paced_ms = a->total_paced_ms + b->paced_ms;
		b->total_fixed_ms = a->total_fixed_ms + b->fixed_ms;
	}
}

void ui_estimate_fill_event(const struct ui_estimate *e, unsigned i,
			    struct events_event *ev)
{
	ev->n_total_jobs = e->points[i].n_jobs +
			   (i == e->n_points - 1 ? e->n_new_jobs : 0);
	ev->cost_ms = (int64_t)e->points[i].cost_ms;
	ev->wall_ms = (int64_t)e->points[i].at_ms;
	ev->make_jobs = e->make_jobs;
}

/* ---- progress of this build ---- */

/*
 * Return how much of the baseline's fixed time (serial work) this build has
 * completed.
 */
static double completed_fixed_ms(const struct ui_estimate *e, double now)
{
	return e->points[e->next_point - 1].total_fixed_ms +
	       clamp_double(now - e->point_passed_ms, 0,
			    e->points[e->next_point].fixed_ms);
}

static double completed_paced_ms(const struct ui_estimate *e)
{
	const struct ui_estimate_point *a = &e->points[e->next_point - 1],
				       *b = a + 1;
	double share = b->cost_ms > a->cost_ms ?
			       (e->done_cost_ms - a->cost_ms) /
				       (b->cost_ms - a->cost_ms) :
			       1;

	return a->total_paced_ms + clamp_double(share, 0, 1) * b->paced_ms;
}

static bool differs_tenfold(double a, double b)
{
	return a >= b * DIVERGENCE_RATIO || b >= a * DIVERGENCE_RATIO;
}

/* Return true if this build is not comparable with its baseline. */
static bool has_diverged(const struct ui_estimate *e, double now)
{
	/* the time since this build passed point 1, without serial work */
	double time = now - e->first_point_ms -
		      (completed_fixed_ms(e, now) - e->first_fixed_ms);
	double pace;

	if (e->n_new_jobs > NEW_JOBS_MIN &&
	    e->n_new_jobs > last_point(e)->n_jobs / 10)
		return true;
	if (e->next_point < 2 || time < COMPARE_AFTER_MS ||
	    e->done_cost_ms < COMPARE_COST_SHARE * last_point(e)->cost_ms)
		return false;
	pace = (completed_paced_ms(e) - e->first_paced_ms) / time;
	return (e->expected_cpu_ms >= 1 &&
		differs_tenfold(e->actual_cpu_ms, e->expected_cpu_ms)) ||
	       (e->next_point < e->n_points - 1 &&
		differs_tenfold(pace, e->expected_pace));
}

static void decay_recent(struct ui_estimate *e, double now)
{
	double fixed = completed_fixed_ms(e, now),
	       time = now - e->recent_updated_ms, share;

	if (e->next_point < 2 || time <= 0)
		return;
	share = DECAY_MS / (DECAY_MS + time);
	time = clamp_double(time - (fixed - e->recent_fixed_ms), 0, time);
	e->recent_ms = (e->recent_ms + time) * share;
	e->recent_paced_ms *= share;
	e->recent_updated_ms = now;
	e->recent_fixed_ms = fixed;
}

/*
 * Add `cost` to the completed cost, and pass the points of the curve that the
 * completed cost reaches.
 */
static void add_done(struct ui_estimate *e, double now, double cost)
{
	bool began = e->next_point >= 2;
	double before;

	decay_recent(e, now);
	before = completed_paced_ms(e);
	e->done_cost_ms = clamp_double(e->done_cost_ms + cost, 0, TIME_MAX_MS);
	e->last_done_ms = now;
	while (e->next_point < e->n_points - 1 &&
	       e->done_cost_ms >= e->points[e->next_point].cost_ms) {
		e->next_point++;
		e->point_passed_ms = now;
	}
	e->recent_fixed_ms = completed_fixed_ms(e, now);
	if (began) {
		e->recent_paced_ms += completed_paced_ms(e) - before;
	} else if (e->next_point >= 2) {
		e->first_point_ms = e->recent_updated_ms = now;
		e->first_fixed_ms = e->recent_fixed_ms;
		e->first_paced_ms = completed_paced_ms(e);
	}
}

/*
 * A build with fewer jobs than the baseline may never reach the cost of the
 * second-to-last point.  The expected time of this point is the end of the last
 * job plus the fixed time that remained before the point.  If a build has
 * completed END_COST_SHARE of the baseline's cost, let it pass the point
 * END_IDLE_MS after the expected time.  The caller checks that no job is
 * unfinished.
 */
static void advance_without_jobs(struct ui_estimate *e, double now)
{
	double fixed = e->points[e->n_points - 2].total_fixed_ms -
		       completed_fixed_ms(e, e->last_done_ms);
	double since = e->last_done_ms + fixed;

	if (e->next_point == e->n_points - 1 ||
	    e->done_cost_ms < END_COST_SHARE * last_point(e)->cost_ms)
		since = TIME_MAX_MS;
	if (now < since + END_IDLE_MS)
		return;
	e->next_point = e->n_points - 1;
	e->point_passed_ms = since;
}

void ui_estimate_begin_job(struct ui_estimate *e, const struct events_event *ev,
			   unsigned n_open)
{
	double now = bounded_clock_ms(ev->at_ms);

	if (!has_progress_curve(e))
		return;
	if (!n_open)
		advance_without_jobs(e, now);
	e->n_new_jobs += ev->cost_ms == EVENTS_UNKNOWN;
	e->diverged = has_diverged(e, now);
}

void ui_estimate_end_job(struct ui_estimate *e, const struct events_event *ev,
			 int64_t cost_ms)
{
	double now = bounded_clock_ms(ev->at_ms), cost = bounded_ms(cost_ms);

	if (!has_progress_curve(e))
		return;
	if (cost >= 1 && ev->cpu_ms != EVENTS_UNKNOWN) {
		e->expected_cpu_ms = clamp_double(e->expected_cpu_ms + cost, 0,
						  TIME_MAX_MS);
		e->actual_cpu_ms = clamp_double(e->actual_cpu_ms +
							bounded_ms(ev->cpu_ms),
						0, TIME_MAX_MS);
	}
	add_done(e, now, cost);
	e->diverged = has_diverged(e, now);
}

void ui_estimate_resume(struct ui_estimate *e, const struct events_event *ev)
{
	double now = bounded_clock_ms(ev->at_ms), time, more;

	if (!has_progress_curve(e) || ev->cost_ms == EVENTS_UNKNOWN)
		return;
	more = bounded_ms(ev->cost_ms) - e->done_cost_ms;
	add_done(e, now, clamp_double(more, 0, TIME_MAX_MS));
	e->recent_paced_ms = e->recent_ms = 0;
	time = now - e->points[e->next_point - 1].total_fixed_ms;
	if (e->next_point > 2 && time >= 1)
		e->expected_pace = e->points[e->next_point - 1].total_paced_ms /
				   time;
}

/* ---- prediction ---- */

static double time_at_pace(double paced, double pace)
{
	return pace > 0 ? clamp_double(paced / pace, 0, TIME_MAX_MS) :
			  TIME_MAX_MS;
}

/*
 * Return the time left, or -1 if the build has already been in the last segment
 * for longer than predicted.  The caller must have called decay_recent() for
 * `now`.
 */
static double remaining_at_pace(const struct ui_estimate *e, double now)
{
	const struct ui_estimate_point *last = last_point(e);
	double fixed = last->total_fixed_ms - completed_fixed_ms(e, now);
	double paced = last->total_paced_ms - completed_paced_ms(e);
	double full = clamp_double(last->total_paced_ms / 4, 1,
				   FULL_CONFIDENCE_MS);
	double trust = clamp_double(e->recent_ms / full, 0, 1);
	double recent = e->recent_ms >= 1 ? e->recent_paced_ms / e->recent_ms :
					    0;
	double pace = trust * recent + (1 - trust) * e->expected_pace;

	if (e->next_point == e->n_points - 1 && fixed <= 0 &&
	    now - e->point_passed_ms >
		    last->fixed_ms + time_at_pace(last->paced_ms, pace))
		return -1;
	return clamp_double(fixed, 0, TIME_MAX_MS) + time_at_pace(paced, pace);
}

bool ui_estimate_predict(const struct ui_estimate *e, uint64_t at_ms,
			 uint64_t n_done, unsigned n_open,
			 struct ui_prediction *out)
{
	double now_ms = bounded_clock_ms(at_ms), rest;
	struct ui_estimate then;

	*out = (struct ui_prediction){ 0 };
	if (!has_progress_curve(e))
		return false;
	then = *e;
	if (!n_open)
		advance_without_jobs(&then, now_ms);
	decay_recent(&then, now_ms);
	rest = remaining_at_pace(&then, now_ms);
	out->n_total = (uint64_t)(last_point(e)->n_jobs + e->n_new_jobs);
	if (out->n_total < n_done + n_open)
		out->n_total = n_done + n_open;
	out->percent = (unsigned)clamp_double(
		100 *
			(completed_fixed_ms(&then, now_ms) +
			 completed_paced_ms(&then)) /
			last_point(e)->at_ms,
		0, 99);
	out->has_remaining = rest >= 0 && rest <= REMAINING_MAX_MS;
	out->remaining_ms = out->has_remaining ? (uint64_t)rest : 0;
	return true;
}
