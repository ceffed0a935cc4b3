/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/html.h - a report as one page, for any browser, for a mail, for a
 * printer: HTML that is well-formed XML too, SVG and a style sheet in it.
 *
 * It runs no script and asks for nothing, neither from this machine nor from
 * another, and says so in a content security policy.  Its size is bounded,
 * whatever was built: some 3 MB (a build of 30,000 units on 500 nodes has less
 * than 2); lists that were cut say how much is left out.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "report/data.h"

void report_html(struct buf *out, const struct report_data *d);

/*
 * The page of build `number`, written to `path` in one step: 0, or a negative
 * errno with `err` set: -EINPROGRESS when it has not ended.
 */
int report_html_write(struct history *h, int64_t number, const char *path,
		      struct err *err);

#endif
