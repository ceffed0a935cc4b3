/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/log-pane.h - The build's log and its pane.
 *
 * The log holds at most UI_LOG_LINES lines with UI_LOG_BYTES bytes in total,
 * and drops the oldest lines first.  A line is cut after UI_LOG_LINE_MAX bytes
 * and then ends in "...".  Control characters are shown as "\xNN"
 * (base/printable.h), tabs as blanks.
 */
#ifndef UI_LOG_PANE_H
#define UI_LOG_PANE_H

#include "base/buf.h"
#include "ui/canvas.h"
#include "ui/scroll.h"

#define UI_LOG_LINES    10000
#define UI_LOG_BYTES    (4u << 20)
#define UI_LOG_LINE_MAX 2000

/* A zeroed struct is empty. */
struct ui_log {
	char **lines; /* line i is at i % UI_LOG_LINES */
	uint64_t first, end; /* range of stored lines */
	size_t total_bytes; /* of the stored lines */
	struct buf partial_line; /* raw line without a newline yet */
	bool truncated; /* the partial line exceeds UI_LOG_LINE_MAX */
};

/* Add a piece of the log file, which may begin and end within a line. */
void ui_log_add(struct ui_log *log, struct bytes piece);
/* Return a line by its number, or NULL if it is not stored. */
const char *ui_log_get_line(const struct ui_log *log, uint64_t number);
/* Remove all lines; numbers start at 0 again. */
void ui_log_release(struct ui_log *log);

/* A zeroed struct is valid; the caller sets scroll.following. */
struct ui_log_pane {
	bool open;
	char *search_text; /* or NULL */
	struct ui_log log;
	struct ui_scroll scroll;
};

void ui_log_pane_release(struct ui_log_pane *v);
void ui_log_pane_draw(struct ui_log_pane *v, const struct ui_area *a);
/* Handle a key.  Returns false if the pane does not use it. */
bool ui_log_pane_handle_key(struct ui_log_pane *v, uint32_t key);
/* Like ui_diags_search(). */
bool ui_log_pane_search(struct ui_log_pane *v, const char *text, bool inclusive,
			bool backwards);

#endif
