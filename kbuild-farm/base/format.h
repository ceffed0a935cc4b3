/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/format.h - Numbers in human-readable form, appended to `out`. */
#ifndef BASE_FORMAT_H
#define BASE_FORMAT_H

#include "base/buf.h"

/* Append a duration like "1:23" or "1:02:03", rounded down to the second. */
void format_time(struct buf *out, uint64_t ms);
/* Append a duration like format_time(), rounded to the nearest second. */
void format_duration(struct buf *out, uint64_t ms);
/*
 * Append a duration in one unit, rounded down, in at most five columns: "0.4s",
 * "12.3s", "123s", "17m", "28h", "1000d".
 */
void format_duration_short(struct buf *out, uint64_t ms);
/*
 * Append a number of bytes in at most four columns, rounded down.  The units
 * are powers of 1,000: "0", "999", "1.2K", "12M", "123G".
 */
void format_bytes(struct buf *out, uint64_t bytes);
/* Append thousandths with one decimal: "35.9" for 35912. */
void format_milli(struct buf *out, uint64_t milli);

/* Return the ending of a regular plural: "s", or "" if `n` is 1. */
const char *format_plural(uint64_t n);

#endif
