/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/escape.h - names and words of others in a page: a warning quotes the
 * source, a node names itself, a file is called as somebody liked.
 */
#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include "base/buf.h"

/*
 * Append `text` (NULL: nothing) as it may stand in an element or an attribute
 * of HTML and XML: what may not be shown (base/printable.h), and the two
 * characters that XML has not, as "\xNN"; & < > " ' as references.  Of more
 * than `max` bytes the rest is left out, with "..." behind.
 */
void report_escape(struct buf *out, const char *text, size_t max);
/* The same without references, for a terminal. */
void report_escape_plain(struct buf *out, const char *text, size_t max);

#endif
