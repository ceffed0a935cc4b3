/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/page.h - Elements that the sections of the HTML page share.
 *
 * Names and texts come from other programs (a warning quotes the source, a node
 * names itself), so they are escaped and limited in length.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "base/buf.h"
#include "report/data.h"
#include "report/slot-timeline.h"

/*
 * Append `text` (NULL: nothing) for an element or attribute of HTML and XML.
 * Bytes that must not be displayed (base/printable.h), and the two characters
 * that XML lacks, become "\xNN"; & < > " ' become references.  Beyond `max`
 * bytes the text is cut and "..."  appended.
 */
void report_escape_html(struct buf *out, const char *text, size_t max);
/* The same without references, for a terminal. */
void report_escape_plain(struct buf *out, const char *text, size_t max);

#define REPORT_NAME_BYTES_MAX 300 /* limit on a name */

struct report_page {
	struct buf *out;
	const struct report_data *data;
	struct report_slot_timeline timeline;
};

/* Append escaped text; NULL: nothing. */
void report_page_add_text(const struct report_page *p, const char *text);
/* Append "... and 12 more units" if fewer than `n` were shown. */
void report_page_add_omitted(const struct report_page *p, size_t n,
			     size_t shown, const char *noun);
/* Begin and end a section with a heading. */
void report_page_begin_section(const struct report_page *p, const char *id,
			       const char *title);
void report_page_end_section(const struct report_page *p);
/* the style sheet of the page */
extern const char report_page_style[];

/* Append the section with the timeline (report/html-timeline.c). */
void report_page_add_timeline(const struct report_page *p);

#endif
