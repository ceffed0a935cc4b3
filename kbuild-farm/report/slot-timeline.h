/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/slot-timeline.h - Assignment of units to machines and slots over time.
 *
 * The history records times but no slots, so each unit gets the first slot of
 * its machine that is free when the unit arrives.  Units are in transit to a
 * node while others run on it, so a node can show a few slots more than it has.
 */
#ifndef REPORT_SLOT_TIMELINE_H
#define REPORT_SLOT_TIMELINE_H

#include "report/data.h"

/*
 * A unit on a machine.  start <= run <= received <= end, in ms since the start
 * of the build.
 */
struct report_span {
	const struct history_unit *unit;
	unsigned machine, slot;
	int64_t start_ms; /* sent, or started locally */
	int64_t run_ms; /* start of its compiler */
	int64_t received_ms; /* start of the result's transfer */
	int64_t end_ms;
};

struct report_machine {
	const char *name; /* borrowed; EVENTS_LOCAL for the build host */
	bool local;
	const struct history_node *node; /* NULL for the build host */
	unsigned n_slots; /* rows that its units need */
	size_t first_span, n_spans; /* range in the spans */
	int64_t busy_ms; /* sum over its slots */
};

struct report_slot_timeline {
	/* the build host first, then the nodes in the order of the history */
	struct report_machine *machines;
	size_t n_machines;
	/* by machine, then by start */
	struct report_span *spans;
	size_t n_spans;
	unsigned n_slots; /* of all machines */
	int64_t end_ms; /* end of the last span, or of the build */
};

/* Limit of 34 years, in ms, for times of a manipulated file. */
#define REPORT_MS_MAX (INT64_C(1) << 40)

/* Assign the units of `d`, which must outlive *out. */
void report_slot_timeline_init(struct report_slot_timeline *out,
			       const struct report_data *d);
/* Free the lists of `lanes`. */
void report_slot_timeline_release(struct report_slot_timeline *lanes);

/*
 * Add to out[i], for each of `n` equal parts of [0, end_ms), the ms of
 * [from_ms, to_ms) in it.
 */
void report_slot_timeline_add_load(const struct report_slot_timeline *lanes,
				   int64_t *out, size_t n, int64_t from_ms,
				   int64_t to_ms);

/* Return `ms` limited to the duration of the build. */
int64_t report_slot_timeline_clamp_ms(const struct report_slot_timeline *lanes,
				      int64_t ms);

/*
 * Find the longest units, at most `max`.  Returns their number; the caller
 * frees *out.
 */
size_t report_slot_timeline_find_slowest(
	const struct report_slot_timeline *lanes,
	const struct report_span ***out, size_t max);
/* Return the CPU time of a unit if its node reported it, else its run time. */
int64_t report_slot_timeline_span_cost(const struct report_span *s);

#endif
