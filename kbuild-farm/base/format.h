/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/format.h - numbers as people read them; each appends to `out`.
 */
#ifndef BASE_FORMAT_H
#define BASE_FORMAT_H

#include "base/buf.h"

/* "1:23", "1:02:03" */
void format_time(struct buf *out, uint64_t ms);
/* How long something took: rounded to the second, where that is cut off. */
void format_duration(struct buf *out, uint64_t ms);
/* In at most five columns: "0.4s", "12.3s", "123s", "17m", "28h", "1000d". */
void format_span(struct buf *out, uint64_t ms);
/* In at most four columns, by thousands: "0", "999", "1.2K", "12M", "123G". */
void format_bytes(struct buf *out, uint64_t bytes);
/* Thousandths with one decimal: "35.9" of 35912. */
void format_milli(struct buf *out, uint64_t milli);

#endif
