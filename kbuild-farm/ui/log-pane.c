/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/log-pane.h"

#include "base/printable.h"
#include "base/str.h"
#include "ui/width.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAB 8

static char **slot_of_line(const struct ui_log *log, uint64_t number)
{
	return &log->lines[number % UI_LOG_LINES];
}

static void drop_oldest(struct ui_log *log)
{
	char **line = slot_of_line(log, log->first++);

	log->total_bytes -= strlen(*line) + 1;
	free(*line);
	*line = NULL;
}

/*
 * Replace tabs by blanks.  Call this before "\xNN" escapes change the columns.
 */
static void expand_tabs(struct buf *out, struct bytes line)
{
	for (size_t at = 0; at < line.len; at++) {
		const uint8_t *tab = memchr(line.data + at, '\t',
					    line.len - at);
		size_t end = tab ? (size_t)(tab - line.data) : line.len;

		buf_add(out, line.data + at, end - at);
		for (size_t n = tab ? TAB - out->len % TAB : 0; n; n--)
			buf_add_str(out, " ");
		at = end;
	}
}

static void finish_partial_line(struct ui_log *log)
{
	struct bytes raw = buf_bytes(&log->partial_line);
	struct buf flat = { 0 }, clean = { 0 };

	while (raw.len && raw.data[raw.len - 1] == '\r')
		raw.len--;
	expand_tabs(&flat, raw);
	printable_add_escaped(&clean, buf_bytes(&flat), 0);
	if (log->truncated)
		buf_add_str(&clean, "...");
	if (!log->lines)
		log->lines = xcalloc(UI_LOG_LINES, sizeof(*log->lines));
	if (log->end - log->first == UI_LOG_LINES)
		drop_oldest(log);
	log->total_bytes += clean.len + 1;
	*slot_of_line(log, log->end++) = clean.len ? buf_steal(&clean) :
						     xstrdup("");
	while (log->total_bytes > UI_LOG_BYTES)
		drop_oldest(log);
	buf_release(&flat);
	buf_reset(&log->partial_line);
	log->truncated = false;
}

void ui_log_add(struct ui_log *log, struct bytes piece)
{
	while (piece.len) {
		const uint8_t *end = memchr(piece.data, '\n', piece.len);
		size_t n = end ? (size_t)(end - piece.data) : piece.len;
		size_t room = UI_LOG_LINE_MAX - log->partial_line.len;

		log->truncated |= n > room;
		buf_add(&log->partial_line, piece.data, n < room ? n : room);
		if (end)
			finish_partial_line(log);
		n += end != NULL;
		piece = bytes_of(piece.data + n, piece.len - n);
	}
}

const char *ui_log_get_line(const struct ui_log *log, uint64_t number)
{
	if (number < log->first || number >= log->end)
		return NULL;
	return *slot_of_line(log, number);
}

void ui_log_release(struct ui_log *log)
{
	while (log->first < log->end)
		drop_oldest(log);
	free(log->lines);
	buf_release(&log->partial_line);
	*log = (struct ui_log){ 0 };
}

void ui_log_pane_release(struct ui_log_pane *v)
{
	ui_log_release(&v->log);
	free(v->search_text);
	*v = (struct ui_log_pane){ 0 };
}

bool ui_log_pane_handle_key(struct ui_log_pane *v, uint32_t key)
{
	if (key == 'f') {
		v->scroll.following = !v->scroll.following;
		return true;
	}
	return ui_scroll_handle_key(&v->scroll, v->log.first, v->log.end, key);
}

static bool matches_search(const struct ui_log_pane *v, uint64_t line)
{
	const char *text = ui_log_get_line(&v->log, line);

	return text && v->search_text && strcasestr(text, v->search_text);
}

bool ui_log_pane_search(struct ui_log_pane *v, const char *text, bool inclusive,
			bool backwards)
{
	struct ui_search seek = ui_search_begin(&v->scroll, inclusive,
						backwards);

	if (text) {
		free(v->search_text);
		v->search_text = xstrdup(text);
	}
	for (uint64_t line = v->log.first; line < v->log.end; line++) {
		if (matches_search(v, line))
			ui_search_add_match(&seek, line);
	}
	return ui_search_finish(&seek, &v->scroll);
}

void ui_log_pane_draw(struct ui_log_pane *v, const struct ui_area *a)
{
	char title[120];

	snprintf(title, sizeof(title), "Log, %llu lines%s",
		 (unsigned long long)v->log.end,
		 v->scroll.following ? ", following" : "");
	ui_area_put_title(a, 0, title);
	ui_scroll_set_range(&v->scroll, v->log.first, v->log.end,
			    a->rows > 1 ? a->rows - 1 : 0);
	for (unsigned row = 1; row < a->rows; row++) {
		uint64_t line = v->scroll.first_shown + row - 1;
		const char *text = ui_log_get_line(&v->log, line);

		if (!text)
			break;
		if (matches_search(v, line))
			ui_area_put(a, row, 0, 1, UI_STYLE_BOLD, ">");
		ui_area_put(a, row, 2, 0,
			    matches_search(v, line) ? UI_STYLE_SELECTED :
						      UI_STYLE_NORMAL,
			    text + ui_width_fitting_bytes(
					   text, v->scroll.hidden_columns));
	}
	if (v->log.first == v->log.end)
		ui_area_put(a, 1, 2, 0, UI_STYLE_DIM, "nothing yet");
}
