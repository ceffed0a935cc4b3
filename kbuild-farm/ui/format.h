/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/format.h - numbers as the views show them; each appends to `out`.
 */
#ifndef UI_FORMAT_H
#define UI_FORMAT_H

#include "base/buf.h"

/* "1:23", "1:02:03" */
void ui_format_time(struct buf *out, uint64_t ms);
/* In at most five columns: "0.4s", "12.3s", "123s", "17m", "28h", "1000d". */
void ui_format_span(struct buf *out, uint64_t ms);
/* In at most four columns, by thousands: "0", "999", "1.2K", "12M", "123G". */
void ui_format_bytes(struct buf *out, uint64_t bytes);
/* Thousandths with one decimal: "35.9" of 35912. */
void ui_format_milli(struct buf *out, uint64_t milli);

#endif
