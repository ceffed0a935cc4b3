/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/lanes.h - which machine did which unit when, and in which of its
 * slots: what a timeline shows.
 *
 * The history has times, no slots; so each unit gets the first slot of its
 * machine that is free when it comes there.  As units are on their way to a
 * node while others run there, a node may show a few slots more than it has.
 */
#ifndef REPORT_LANES_H
#define REPORT_LANES_H

#include "report/data.h"

/* A unit on a machine.  begin <= run <= receive <= end, in ms of the build. */
struct report_span {
	const struct history_unit *unit;
	unsigned machine, slot;
	int64_t begin_ms; /* it was sent, or began here */
	int64_t run_ms; /* its compiler ran */
	int64_t receive_ms; /* the result was on its way back */
	int64_t end_ms;
};

struct report_machine {
	const char *name; /* borrowed; EVENTS_LOCAL's for the build host */
	bool local;
	const struct history_node *node; /* NULL: of the build host */
	unsigned slots; /* rows that its units need */
	size_t first, n; /* of the spans */
	int64_t busy_ms; /* of all its slots */
};

struct report_lanes {
	/* The build host first, then the nodes in the history's order. */
	struct report_machine *machine;
	size_t n_machines;
	/* By machine, then by begin. */
	struct report_span *span;
	size_t n_spans;
	unsigned slots; /* of all machines */
	int64_t end_ms; /* of the last span, or of the build */
};

/* What a file that somebody edited may hold is cut to 34 years: in ms. */
#define REPORT_MS_MAX (INT64_C(1) << 40)

/* `d` must stay. */
void report_lanes_init(struct report_lanes *out, const struct report_data *d);
void report_lanes_release(struct report_lanes *lanes);

/*
 * Add to `out`, for each of `n` equal parts of [0, end_ms), how many ms of
 * [from_ms, to_ms) lie in it.
 */
void report_lanes_spread(const struct report_lanes *lanes, int64_t *out,
			 size_t n, int64_t from_ms, int64_t to_ms);

/* The time, or the beginning or the end of the build where it lies outside. */
int64_t report_lanes_within(const struct report_lanes *lanes, int64_t ms);

/* The units that took longest, at most `max`, in *out, which the caller frees;
   returns how many. */
size_t report_lanes_slowest(const struct report_lanes *lanes,
			    const struct report_span ***out, size_t max);
/* What a unit cost: CPU where its node told it, else the time it ran. */
int64_t report_span_cost(const struct report_span *s);

#endif
