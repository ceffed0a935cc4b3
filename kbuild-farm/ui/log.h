/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/log.h - the last lines of a log, such that they may be shown.
 *
 * At most UI_LOG_LINES lines of together UI_LOG_BYTES are kept, the oldest
 * go first; a line is cut after UI_LOG_LINE_MAX bytes, with "..." behind.
 * What may not be shown is spelled as "\xNN" (base/printable.h), tabs are
 * blanks.
 */
#ifndef UI_LOG_H
#define UI_LOG_H

#include "base/buf.h"

#define UI_LOG_LINES    10000
#define UI_LOG_BYTES    (4u << 20)
#define UI_LOG_LINE_MAX 2000

/* A zeroed one is empty. */
struct ui_log {
	char **line; /* number i is at i % UI_LOG_LINES */
	uint64_t first, end; /* numbers of the lines that are there */
	size_t bytes; /* of these */
	struct buf open; /* what has no newline yet, raw */
	bool cut; /* more of that than is kept */
};

/* Add a piece of the file, which may begin and end within a line. */
void ui_log_add(struct ui_log *log, struct bytes piece);
/* A line by its number, or NULL: it is gone, or not there yet. */
const char *ui_log_line(const struct ui_log *log, uint64_t number);
/* Forget all; numbers begin anew. */
void ui_log_release(struct ui_log *log);

#endif
