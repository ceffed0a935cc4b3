/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/page.h - Elements that the sections of the HTML page share.
 *
 * Names and messages come from other programs (a warning quotes the source, a
 * node names itself), so they are escaped and limited in length.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "base/buf.h"
#include "report/data.h"
#include "report/slot-timeline.h"

/*
 * Append `text`, which can be NULL, escaped for an element or attribute of HTML
 * and XML.  Bytes that must not be displayed (base/printable.h), and U+FFFE and
 * U+FFFF, which XML excludes, become "\xNN"; & < > " ' become references.  If
 * `text` has more than `max` bytes, it is cut and "..." is appended.
 */
void report_escape_html(struct buf *out, const char *text, size_t max);
/*
 * Append `text` for a terminal: like report_escape_html(), but escape only
 * bytes that must not be displayed.  The characters & < > " ' and U+FFFE and
 * U+FFFF stay unchanged.
 */
void report_escape_plain(struct buf *out, const char *text, size_t max);

#define REPORT_NAME_BYTES_MAX 300 /* longer names are cut */

struct report_page {
	struct buf *out;
	const struct report_data *data;
	struct report_slot_timeline timeline;
	bool standalone; /* the timeline is a separate SVG file */
};

/*
 * Append `text`, which can be NULL, as report_escape_html() does with a `max`
 * of REPORT_NAME_BYTES_MAX.
 */
void report_page_add_text(const struct report_page *p, const char *text);
/*
 * If `shown` is less than `n`, append a paragraph with the number of omitted
 * rows.  `noun` names the rows, such as "units".
 */
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
