/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/page.h - what the parts of the page (report/html.h) share.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "report/data.h"
#include "report/lanes.h"

#define REPORT_NAME_BYTES 300 /* of a name */

struct report_page {
	struct buf *out;
	const struct report_data *d;
	struct report_lanes lanes;
};

/* Text of others, escaped; NULL: nothing. */
void report_page_text(const struct report_page *p, const char *text);
/* "<td>text</td>", of class `class` if that is not NULL. */
void report_page_cell(const struct report_page *p, const char *class,
		      const char *text);
/* A number by one of base/format.h, in a cell to the right; "-" below 0. */
void report_page_number(const struct report_page *p,
			void (*format)(struct buf *out, uint64_t n), int64_t n);
/* A share of a bar, 0 to 1000: a cell with the bar in it. */
void report_page_bar(const struct report_page *p, const char *class,
		     int64_t part, int64_t whole);
/* "... and 12 more units", where not all of `n` were shown. */
void report_page_more(const struct report_page *p, size_t n, size_t shown,
		      const char *of);
/* A section with a heading, and its end. */
void report_page_section(const struct report_page *p, const char *id,
			 const char *title);
void report_page_section_end(const struct report_page *p);
/* A scrolling table with these headings ("name|>jobs": to the right), and its
   end. */
void report_page_table(const struct report_page *p, const char *headings);
void report_page_table_end(const struct report_page *p);

/* The style sheet; report/html-style.c. */
extern const char report_page_style[];

/* ---- parts of the page: html-lists.c and html-timeline.c ---- */
void report_page_diags(const struct report_page *p);
void report_page_timeline(const struct report_page *p);
void report_page_nodes(const struct report_page *p);
void report_page_reasons(const struct report_page *p);
void report_page_slowest(const struct report_page *p);
void report_page_sizes(const struct report_page *p);

#endif
