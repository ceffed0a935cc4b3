/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/estimate.h - Progress and ETA of a build.
 *
 * The progress curve of the baseline (EVENTS_KIND_ESTIMATE) is a series of
 * points.  Each point states a time, and the cost (CPU time) of the jobs that
 * had finished by this time.  A segment is the part between two consecutive
 * points.  Within a segment, progress is measured by cost.  A segment that
 * takes more than twice the typical time for its cost contains serial work of
 * the build host: configuring, linking or packing.  The excess over the typical
 * time is fixed time, which is assumed to be the same in this build.  All other
 * time is paced time, which this build completes faster or slower than the
 * baseline.  The pace of the last minute predicts the rest.  At the beginning,
 * the expected pace is the ratio of the -j of both builds.
 *
 * Each job that the baseline lacks adds one to the predicted number of jobs.
 * The prediction ends when the two builds are not comparable:
 *  - this build has more than 20 jobs that the baseline lacks, and they are
 *    more than a tenth of the number of jobs in the baseline; or
 *  - after 15 s and 5 % of the cost, the pace or the CPU time of the compiles
 *    differs from the expected value by a factor of ten, for example because
 *    one build used an object cache.  (ninja applies a similar limit in
 *    src/status_printer.cc.)
 *
 * Events are not trusted: all numbers are bounded, and no divisor is 0.
 */
#ifndef UI_ESTIMATE_H
#define UI_ESTIMATE_H

#include "events/event.h"

#define UI_ESTIMATE_POINTS 64 /* further points are ignored */

/* A point of the baseline's progress curve. */
struct ui_estimate_point {
	double cost_ms, at_ms;
	int64_t n_jobs;
	double fixed_ms, paced_ms; /* of the segment that ends at this point */
	double total_fixed_ms, total_paced_ms; /* since the beginning */
};

/*
 * A zeroed struct has no baseline.  A point in time is in ms since this build
 * began; in `points`, it is in ms since the baseline began.
 */
struct ui_estimate {
	/* The baseline: points[0] is its beginning, the last point its end. */
	struct ui_estimate_point points[UI_ESTIMATE_POINTS];
	unsigned n_points;
	int64_t make_jobs;
	/*
	 * pace relative to the baseline: the ratio of the -j of both builds or,
	 * after ui_estimate_resume(), the pace of this build up to that call
	 */
	double expected_pace;
	bool diverged; /* the builds are not comparable */
	/* This build. */
	unsigned next_point; /* first point that this build has not reached */
	/* time at which this build passed the previous point */
	double point_passed_ms;
	int64_t n_new_jobs; /* jobs that the baseline lacks */
	double done_cost_ms; /* cost of the finished jobs */
	double last_done_ms; /* time at which a job last finished */
	/*
	 * The time at which this build passed point 1, and the fixed and the
	 * paced time that it had completed by then.
	 */
	double first_point_ms, first_fixed_ms, first_paced_ms;
	/*
	 * recent_paced_ms is the paced time that this build completed recently.
	 * recent_ms is the time in which the build completed it, without serial
	 * work.  Both sums decay over about a minute.  recent_updated_ms is the
	 * time of their last update, recent_fixed_ms the fixed time completed
	 * by then.
	 */
	double recent_paced_ms, recent_ms, recent_updated_ms, recent_fixed_ms;
	/*
	 * CPU time of the finished compiles that both builds have: in the
	 * baseline, and in this build
	 */
	double expected_cpu_ms, actual_cpu_ms;
};

/*
 * Add the point of the progress curve that the EVENTS_KIND_ESTIMATE `ev`
 * describes.  `make_jobs` is this build's -j.
 */
void ui_estimate_add_point(struct ui_estimate *e, const struct events_event *ev,
			   int64_t make_jobs);
/*
 * Set the members of *ev that describe point `i`, which is from 1 to
 * n_points - 1.
 */
void ui_estimate_fill_event(const struct ui_estimate *e, unsigned i,
			    struct events_event *ev);
/*
 * Count a queued job (EVENTS_JOB_QUEUED).  `n_open` is the number of other jobs
 * that are unfinished.
 */
void ui_estimate_begin_job(struct ui_estimate *e, const struct events_event *ev,
			   unsigned n_open);
/*
 * Count a finished job.  `cost_ms` is its cost in the baseline, or
 * EVENTS_UNKNOWN.
 */
void ui_estimate_end_job(struct ui_estimate *e, const struct events_event *ev,
			 int64_t cost_ms);
/*
 * Continue from the completed cost and the finished jobs in `ev`, the
 * EVENTS_KIND_COUNTS of a snapshot.
 */
void ui_estimate_resume(struct ui_estimate *e, const struct events_event *ev);

struct ui_prediction {
	uint64_t n_total; /* expected number of jobs */
	unsigned percent; /* completed share of the baseline's time, 0 to 99 */
	/* false if the time left is unknown or over 100 h */
	bool has_remaining;
	uint64_t remaining_ms;
};

/*
 * Predict the rest of the build at `now_ms`, with `n_done` finished and
 * `n_open` unfinished jobs.  Returns false without a comparable baseline.
 * out->percent never decreases, except when the builds turn out not to be
 * comparable.
 */
bool ui_estimate_predict(const struct ui_estimate *e, uint64_t now_ms,
			 uint64_t n_done, unsigned n_open,
			 struct ui_prediction *out);

#endif
