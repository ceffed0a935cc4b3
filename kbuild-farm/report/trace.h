/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/trace.h - a build as ui.perfetto.dev and chrome://tracing show it, in
 * the Trace Event Format ("Trace Event Format", Google, JSON object form).
 *
 * A process for the build, with its phases and, as a counter, how many jobs
 * wait and run; then one for each machine, with a thread for each slot
 * (report/lanes.h).  A job is a complete event (ph X) of its time there; in it
 * lie "send", "compile" and "receive".
 */
#ifndef REPORT_TRACE_H
#define REPORT_TRACE_H

#include "report/data.h"

void report_trace(struct buf *out, const struct report_data *d);

#endif
