/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/metrics.h - Metrics of nightly results, for Prometheus.
 *
 * kfarm-nightly(1) describes the metrics.  The textfile collector of
 * node_exporter, which runs as another user, reads the file.
 */
#ifndef NIGHTLY_METRICS_H
#define NIGHTLY_METRICS_H

#include "nightly/conf.h"

/*
 * Replace the file jobs->metrics_path atomically.  The file has mode 0644 and
 * describes the newest result of each build of all jobs.  A value that neither
 * the result nor the history contains is omitted.  Returns 0, also if no file
 * is configured, or a negative errno with `err` naming the file and a remedy.
 */
int nightly_metrics_write(const struct nightly_jobs *jobs, struct err *err);
/*
 * Check that the user can create files in the directory of jobs->metrics_path.
 * Returns the same values as nightly_metrics_write().
 */
int nightly_metrics_check(const struct nightly_jobs *jobs, struct err *err);

#endif
