/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/html.h - A report as a single HTML page.
 *
 * The page is well-formed XML with embedded SVG and style sheet, for browsers,
 * mail and printers.  It runs no script and loads no resource, which its
 * content security policy enforces.  Limits on its lists keep its size below
 * about 3 MB (less than 2 MB for a build of 30,000 units on 500 nodes).  A
 * shortened list states the number of omitted rows.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "report/data.h"

/* Append the page of a build. */
void report_html(struct buf *out, const struct report_data *d);

/*
 * Append an SVG file with the timeline of the slots, or, if there are more than
 * 240 slots, of the machines.  Reads only wall_ms, the nodes and the units of
 * `d`.
 */
void report_timeline_svg(struct buf *out, const struct report_data *d);
/*
 * Write the page of build `number` to `path` atomically.  Returns 0, or a
 * negative errno with `err` set: -EINPROGRESS if the build is still running.
 */
int report_html_write(struct history *h, int64_t number, const char *path,
		      struct err *err);

#endif
