/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/slot-timeline.h - Assignment of units to machines and slots over time.
 *
 * The history records times but no slots, so each unit gets the first slot of
 * its machine that is free when the unit starts.  A unit occupies its slot even
 * while its input is being sent, so a timeline can show a few more slots than
 * the node has.
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
	int64_t start_ms; /* the unit was sent, or its local compile started */
	int64_t run_ms; /* the compiler started */
	int64_t received_ms; /* the transfer of the result started */
	int64_t end_ms; /* the job finished */
};

#define REPORT_BUILD_HOST_NAME "build host"

/* The build host, whose name is REPORT_BUILD_HOST_NAME, or a node. */
struct report_machine {
	const char *name; /* borrowed */
	bool local;
	const struct history_node *node; /* NULL for the build host */
	unsigned n_slots; /* maximum number of concurrent units */
	size_t first_span, n_spans; /* range in report_slot_timeline.spans */
};

struct report_slot_timeline {
	/* the build host first, then the nodes in the order of the history */
	struct report_machine *machines;
	size_t n_machines;
	/* sorted by machine, then by start */
	struct report_span *spans;
	size_t n_spans;
	unsigned n_slots; /* sum of the slots of all machines */
	/* end of the build, or of the last span if that is later */
	int64_t end_ms;
};

/* Limit on times in ms (34 years), because the history file can be damaged. */
#define REPORT_MS_MAX (INT64_C(1) << 40)

/*
 * Assign the finished units of `d` to slots, except those whose results came
 * from the result cache, because no compiler ran for them.  `d` must outlive
 * *out.
 */
void report_slot_timeline_init(struct report_slot_timeline *out,
			       const struct report_data *d);
/* Free the arrays and zero *timeline. */
void report_slot_timeline_release(struct report_slot_timeline *timeline);

/*
 * Divide [0, end_ms) into `n` equal parts, and add to out[i] how many ms of
 * [from_ms, to_ms) are in part `i`.
 */
void report_slot_timeline_add_load(const struct report_slot_timeline *timeline,
				   int64_t *out, size_t n, int64_t from_ms,
				   int64_t to_ms);

/* Return `ms` limited to the duration of the build. */
int64_t report_slot_timeline_clamp_ms(
	const struct report_slot_timeline *timeline, int64_t ms);

/*
 * Find the `max` units with the longest compiles, in descending order.  Returns
 * the number of units found, which is less than `max` if there are fewer units.
 * The caller frees *out.
 */
size_t report_slot_timeline_find_slowest(
	const struct report_slot_timeline *timeline,
	const struct report_span ***out, size_t max);
/*
 * Return the elapsed time of the compile in ms.  Reports compare elapsed times,
 * because the CPU times of compiles on the build host are unknown.
 */
int64_t report_slot_timeline_span_ms(const struct report_span *s);
/* Return the sum of the elapsed times of all compiles. */
int64_t report_slot_timeline_compile_ms(
	const struct report_slot_timeline *timeline);

#endif
