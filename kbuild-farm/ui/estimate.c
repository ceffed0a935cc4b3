/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/estimate.h"

#define MOST_MS     1e12 /* 30 years */
#define MOST_JOBS   1000000000
#define SLOW        2 /* times the typical time of a cost: more is fixed */
#define LATE        0.90 /* of the cost: it may be all, if no job comes */
#define LATE_MS     3000
#define MEMORY_MS   60000
#define SURE_MS     20000 /* then the pace is this build's own */
#define JUDGED_MS   15000
#define JUDGED      0.05 /* of the cost */
#define PARTED      10
#define SCALE_MOST  64.0
#define STRANGE_MIN 20
#define REST_MOST   (100 * 3600000.0)

static double clamped(double n, double least, double most)
{
	return n < least ? least : n > most ? most : n;
}

/* Numbers of events are as somebody wrote them. */
static double told_ms(int64_t n)
{
	return clamped((double)n, 0, MOST_MS);
}

static double clock_of(uint64_t at_ms)
{
	return clamped((double)at_ms, 0, 1000 * MOST_MS);
}

static int64_t told_jobs(int64_t n)
{
	return n < 0 ? 0 : n > MOST_JOBS ? MOST_JOBS : n;
}

/* ------------------------------------------------------- the other build */

static const struct ui_estimate_point *last_point(const struct ui_estimate *e)
{
	return &e->point[e->n - 1];
}

static bool has_course(const struct ui_estimate *e)
{
	return !e->parted && e->n > 1 && last_point(e)->jobs &&
	       last_point(e)->cost >= 1 && last_point(e)->all_paced >= 1;
}

struct stretch {
	double cost, slowness; /* time a cost */
};

static void insert_stretch(struct stretch *list, unsigned n, struct stretch new)
{
	for (; n && list[n - 1].slowness > new.slowness; n--)
		list[n] = list[n - 1];
	list[n] = new;
}

/* The slowness that half of the cost is done with, or less. */
static double typical_slowness(const struct ui_estimate *e)
{
	struct stretch list[UI_ESTIMATE_POINTS];
	double cost = 0;
	unsigned n = 0;

	for (unsigned i = 1; i < e->n; i++) {
		const struct ui_estimate_point *a = &e->point[i - 1],
					       *b = a + 1;
		double more = b->cost - a->cost;

		if (more > 0)
			insert_stretch(list, n++,
				       (struct stretch){ more, (b->at - a->at) /
								       more });
	}
	for (unsigned i = 0; i < n; i++) {
		cost += list[i].cost;
		if (cost >= last_point(e)->cost / 2)
			return list[i].slowness;
	}
	return 0;
}

static void divide_times(struct ui_estimate *e)
{
	double slowness = typical_slowness(e);

	for (unsigned i = 1; i < e->n; i++) {
		struct ui_estimate_point *a = &e->point[i - 1], *b = a + 1;
		double time = b->at - a->at;

		b->paced = slowness * (b->cost - a->cost);
		if (b->paced * SLOW > time)
			b->paced = time;
		b->fixed = time - b->paced;
		b->all_paced = a->all_paced + b->paced;
		b->all_fixed = a->all_fixed + b->fixed;
	}
}

/* Where more is done at once, it is done faster. */
static double by_jobs(int64_t now, int64_t then)
{
	if (now <= 0 || then <= 0)
		return 1;
	return clamped((double)now / (double)then, 1 / SCALE_MOST, SCALE_MOST);
}

void ui_estimate_add_point(struct ui_estimate *e, const struct events_event *ev,
			   int64_t make_jobs)
{
	struct ui_estimate_point p = { .cost = told_ms(ev->cost_ms),
				       .at = told_ms(ev->wall_ms),
				       .jobs = told_jobs(ev->total) };

	if (!e->n)
		e->n = e->next = 1;
	if (e->n == UI_ESTIMATE_POINTS || p.cost < last_point(e)->cost ||
	    p.at < last_point(e)->at)
		return;
	e->point[e->n++] = p;
	e->make_jobs = told_jobs(ev->jobs);
	e->guess = by_jobs(make_jobs, e->make_jobs);
	divide_times(e);
}

void ui_estimate_tell(const struct ui_estimate *e, unsigned i,
		      struct events_event *ev)
{
	ev->total = e->point[i].jobs + (i == e->n - 1 ? e->strange : 0);
	ev->cost_ms = (int64_t)e->point[i].cost;
	ev->wall_ms = (int64_t)e->point[i].at;
	ev->jobs = e->make_jobs;
}

/* ---------------------------------------------------- how far this one is */

/* Fixed time of the other build that this one is over with. */
static double fixed_done(const struct ui_estimate *e, double now)
{
	return e->point[e->next - 1].all_fixed +
	       clamped(now - e->since, 0, e->point[e->next].fixed);
}

static double paced_done(const struct ui_estimate *e)
{
	const struct ui_estimate_point *a = &e->point[e->next - 1], *b = a + 1;
	double share = b->cost > a->cost ?
			       (e->done - a->cost) / (b->cost - a->cost) :
			       1;

	return a->all_paced + clamped(share, 0, 1) * b->paced;
}

/* How much faster it is than the other since point 1; -1: nobody knows yet. */
static double pace_so_far(const struct ui_estimate *e, double now)
{
	double time = now - e->first - (fixed_done(e, now) - e->first_fixed);

	if (e->next < 2 || time < JUDGED_MS)
		return -1;
	return (paced_done(e) - e->first_paced) / time;
}

static bool differ(double a, double b)
{
	return a >= b * PARTED || b >= a * PARTED;
}

/* Have this build and the other little to do with each other? */
static bool have_parted(const struct ui_estimate *e, double now)
{
	double pace = pace_so_far(e, now);

	if (e->strange > STRANGE_MIN && e->strange > last_point(e)->jobs / 10)
		return true;
	if (pace < 0 || e->done < JUDGED * last_point(e)->cost)
		return false;
	return (e->expected >= 1 && differ(e->taken, e->expected)) ||
	       (e->next < e->n - 1 && differ(pace, e->guess));
}

static void fade(struct ui_estimate *e, double now)
{
	double fixed = fixed_done(e, now), time = now - e->recent_at, share;

	if (e->next < 2 || time <= 0)
		return;
	share = MEMORY_MS / (MEMORY_MS + time);
	time = clamped(time - (fixed - e->recent_fixed), 0, time);
	e->recent_ms = (e->recent_ms + time) * share;
	e->recent *= share;
	e->recent_at = now;
	e->recent_fixed = fixed;
}

static void pass_points(struct ui_estimate *e, double now)
{
	bool began = e->next < 2;

	while (e->next < e->n - 1 && e->done >= e->point[e->next].cost) {
		e->next++;
		e->since = now;
	}
	e->recent_fixed = fixed_done(e, now);
	if (!began || e->next < 2)
		return;
	e->first = e->recent_at = now;
	e->first_fixed = e->recent_fixed;
	e->first_paced = paced_done(e);
}

static void add_done(struct ui_estimate *e, double now, double cost)
{
	double before;

	fade(e, now);
	before = paced_done(e);
	e->done = clamped(e->done + cost, 0, MOST_MS);
	e->last = now;
	if (e->next >= 2) {
		pass_points(e, now);
		e->recent += paced_done(e) - before;
	} else {
		pass_points(e, now);
	}
}

/*
 * Where this one has fewer jobs the last point but one is never reached: it is
 * when none came for longer than all that is fixed before it takes.
 */
static double end_without_jobs(const struct ui_estimate *e)
{
	double fixed = e->point[e->n - 2].all_fixed - fixed_done(e, e->last);

	if (e->next == e->n - 1 || e->done < LATE * last_point(e)->cost)
		return MOST_MS;
	return e->last + fixed;
}

static void pass_without_jobs(struct ui_estimate *e, double now)
{
	double since = end_without_jobs(e);

	if (now < since + LATE_MS)
		return;
	e->next = e->n - 1;
	e->since = since;
}

void ui_estimate_begin_job(struct ui_estimate *e, const struct events_event *ev,
			   unsigned open)
{
	double now = clock_of(ev->at_ms);

	if (!has_course(e))
		return;
	if (!open)
		pass_without_jobs(e, now);
	e->strange += ev->cost_ms == EVENTS_UNKNOWN;
	e->parted = have_parted(e, now);
}

void ui_estimate_end_job(struct ui_estimate *e, const struct events_event *ev,
			 int64_t cost_ms)
{
	double now = clock_of(ev->at_ms), cost = told_ms(cost_ms);

	if (!has_course(e))
		return;
	if (cost >= 1 && ev->cpu_ms != EVENTS_UNKNOWN) {
		e->expected = clamped(e->expected + cost, 0, MOST_MS);
		e->taken = clamped(e->taken + told_ms(ev->cpu_ms), 0, MOST_MS);
	}
	add_done(e, now, cost);
	e->parted = have_parted(e, now);
}

void ui_estimate_resume(struct ui_estimate *e, const struct events_event *ev)
{
	double now = clock_of(ev->at_ms), time, more;

	if (!has_course(e) || ev->cost_ms == EVENTS_UNKNOWN)
		return;
	more = told_ms(ev->cost_ms) - e->done;
	add_done(e, now, clamped(more, 0, MOST_MS));
	e->recent = e->recent_ms = 0;
	time = now - e->point[e->next - 1].all_fixed;
	if (e->next > 2 && time >= 1)
		e->guess = e->point[e->next - 1].all_paced / time;
}

/* ------------------------------------------------------- what is to come */

/* How much faster it is than the other; `e` is of now. */
static double pace_of(const struct ui_estimate *e)
{
	double sure = clamped(last_point(e)->all_paced / 4, 1, SURE_MS);
	double trust = clamped(e->recent_ms / sure, 0, 1);
	double own = e->recent_ms >= 1 ? e->recent / e->recent_ms : 0;

	return trust * own + (1 - trust) * e->guess;
}

static double time_at_pace(double paced, double pace)
{
	return pace > 0 ? clamped(paced / pace, 0, MOST_MS) : MOST_MS;
}

/* -1: it takes longer than it should already. */
static double rest_of(const struct ui_estimate *e, double now)
{
	double fixed = last_point(e)->all_fixed - fixed_done(e, now);
	double paced = last_point(e)->all_paced - paced_done(e);
	double pace = pace_of(e);

	if (e->next == e->n - 1 && fixed <= 0 &&
	    now - e->since > last_point(e)->fixed +
				     time_at_pace(last_point(e)->paced, pace))
		return -1;
	return clamped(fixed, 0, MOST_MS) + time_at_pace(paced, pace);
}

bool ui_estimate_look(const struct ui_estimate *e, uint64_t at_ms,
		      uint64_t done, unsigned open, struct ui_outlook *out)
{
	double now = clock_of(at_ms), rest;
	struct ui_estimate then;

	*out = (struct ui_outlook){ 0 };
	if (!has_course(e))
		return false;
	then = *e;
	if (!open)
		pass_without_jobs(&then, now);
	fade(&then, now);
	rest = rest_of(&then, now);
	out->total = (uint64_t)(last_point(e)->jobs + e->strange);
	if (out->total < done + open)
		out->total = done + open;
	out->percent = (unsigned)clamped(
		100 * (fixed_done(&then, now) + paced_done(&then)) /
			last_point(e)->at,
		0, 99);
	out->has_rest = rest >= 0 && rest <= REST_MOST;
	out->rest_ms = out->has_rest ? (uint64_t)rest : 0;
	return true;
}
