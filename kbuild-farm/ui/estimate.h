/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/estimate.h - how far a build is and when it will end, where the last one
 * of the same key is known (EVENTS_ESTIMATE).
 *
 * That one's course is a line of points: after such a time jobs of such a cost
 * were done.  Between two of them cost is what counts; it is done as fast as in
 * the last minute of this build, and at the beginning, when that says little,
 * as fast as then, by make's -j now and then.  But what is more than twice as
 * slow as its typical stretch is that because something else goes on, on the
 * build host and one thing at a time: configuring, linking, packing.  That
 * takes as long as it took then.
 *
 * A job that the other build had not counts as one more of the total.  Nothing
 * is said any more once the two have little to do with each other:
 *  - more than a tenth of the jobs, and 20, are such ones; or
 *  - after 15 s and 5 % of the cost compiles take ten times or a tenth of their
 *    CPU time then, or cost is done ten times or a tenth as fast: an object
 *    cache (so does ninja, in src/status_printer.cc).
 *
 * Whatever events say, no number here overflows, and none is divided by 0.
 */
#ifndef UI_ESTIMATE_H
#define UI_ESTIMATE_H

#include "events/event.h"

#define UI_ESTIMATE_POINTS 64 /* what is told beyond them is not heard */

/* Times are in ms, of the other build. */
struct ui_estimate_point {
	double cost, at;
	int64_t jobs;
	/* From the one before: what takes its time, what goes by cost; and
	   both since the beginning. */
	double fixed, paced, all_fixed, all_paced;
};

/* A zeroed one knows nothing.  Times are in ms of this build. */
struct ui_estimate {
	/* The other build: points[0] is its beginning, the last its end. */
	struct ui_estimate_point point[UI_ESTIMATE_POINTS];
	unsigned n;
	int64_t make_jobs;
	double guess; /* how fast this one is, by -j; 1: as fast */
	bool parted; /* nothing is said any more */
	/* This one: */
	unsigned next; /* point */
	double since; /* when it came behind the one before that */
	int64_t strange; /* jobs that the other had not */
	double done; /* cost of the jobs that are done */
	double last; /* when a job ended */
	/* Behind point 1: its time, and fixed and paced then. */
	double first, first_fixed, first_paced;
	/* Fading, of the last minute: what was done of paced, in what time. */
	double recent, recent_ms, recent_at, recent_fixed;
	double expected, taken; /* CPU time of compiles: then; now */
};

/* EVENTS_ESTIMATE; `make_jobs` is this build's -j. */
void ui_estimate_add_point(struct ui_estimate *e, const struct events_event *ev,
			   int64_t make_jobs);
/* Such an event again, of point `i` of e->n. */
void ui_estimate_tell(const struct ui_estimate *e, unsigned i,
		      struct events_event *ev);
/* A job came: EVENTS_QUEUED.  `open` are others that are not done. */
void ui_estimate_begin_job(struct ui_estimate *e, const struct events_event *ev,
			   unsigned open);
/* One of that cost is done (EVENTS_UNKNOWN: it is not known). */
void ui_estimate_end_job(struct ui_estimate *e, const struct events_event *ev,
			 int64_t cost_ms);
/* EVENTS_COUNTS, of a build that goes on already. */
void ui_estimate_resume(struct ui_estimate *e, const struct events_event *ev);

struct ui_outlook {
	uint64_t total; /* jobs */
	unsigned percent; /* of the other build's time; 0 to 99 */
	bool has_rest; /* it does not take longer than it should already */
	uint64_t rest_ms; /* until its end */
};

/*
 * What is to be expected at `now`; `done` and `open` are jobs.  False: nothing
 * is known.  `percent` never goes back.
 */
bool ui_estimate_look(const struct ui_estimate *e, uint64_t now, uint64_t done,
		      unsigned open, struct ui_outlook *out);

#endif
