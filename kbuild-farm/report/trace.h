/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/trace.h - A build in the Trace Event Format.
 *
 * ui.perfetto.dev and chrome://tracing display this format ("Trace Event
 * Format", Google, JSON object form).  One process represents the build, with
 * its phases and a counter of waiting and running jobs.  Each machine is a
 * further process with a thread per slot (report/slot-timeline.h).  A job is an
 * event with a duration (type X) that contains three further events of type X:
 * "send", "compile" and "receive".
 */
#ifndef REPORT_TRACE_H
#define REPORT_TRACE_H

#include "report/data.h"

/* Append the trace of a build. */
void report_trace(struct buf *out, const struct report_data *d);

#endif
