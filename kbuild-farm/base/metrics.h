/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/metrics.h - Metrics in the text format of Prometheus.
 *
 * The format is version 0.0.4 of the text format that Prometheus documents in
 * "Exposition formats".  node_exporter can read it from files.  An example:
 *
 *	# HELP kfarmd_slots Jobs that the node accepts at the same time.
 *	# TYPE kfarmd_slots gauge
 *	kfarmd_slots{listen="[::]:3634"} 6
 *
 * All samples of a metric must follow its two comments.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"

enum metrics_type {
	METRICS_GAUGE, /* a value that can rise and fall */
	METRICS_COUNTER, /* a sum that is 0 when the process starts */
};

/* Append the two comments that precede the samples of a metric. */
void metrics_add_head(struct buf *b, const char *name, enum metrics_type type,
		      const char *help);
/*
 * Append a sample.  `labels` is a NULL-terminated list in which each name is
 * followed by its value, or NULL for no labels.  A value can contain any byte;
 * each byte that does not belong to a valid UTF-8 character becomes U+FFFD.
 */
void metrics_add_sample(struct buf *b, const char *name,
			const char *const *labels, double value);

#endif
