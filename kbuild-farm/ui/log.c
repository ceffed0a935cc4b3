/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/log.h"

#include "base/printable.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define TAB 8

static char **slot_of_line(const struct ui_log *log, uint64_t number)
{
	return &log->line[number % UI_LOG_LINES];
}

static void drop_oldest(struct ui_log *log)
{
	char **line = slot_of_line(log, log->first++);

	log->bytes -= strlen(*line) + 1;
	free(*line);
	*line = NULL;
}

static void keep_line(struct ui_log *log, char *text)
{
	if (!log->line)
		log->line = xcalloc(UI_LOG_LINES, sizeof(*log->line));
	if (log->end - log->first == UI_LOG_LINES)
		drop_oldest(log);
	log->bytes += strlen(text) + 1;
	*slot_of_line(log, log->end++) = text;
	while (log->bytes > UI_LOG_BYTES)
		drop_oldest(log);
}

/* Tabs stop where they would in the file, before "\\xNN" takes more room. */
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

static void end_open_line(struct ui_log *log)
{
	struct bytes raw = buf_bytes(&log->open);
	struct buf flat = { 0 }, clean = { 0 };

	while (raw.len && raw.data[raw.len - 1] == '\r')
		raw.len--;
	expand_tabs(&flat, raw);
	printable_add(&clean, buf_bytes(&flat), 0);
	if (log->cut)
		buf_add_str(&clean, "...");
	keep_line(log, clean.len ? buf_steal(&clean) : xstrdup(""));
	buf_release(&flat);
	buf_reset(&log->open);
	log->cut = false;
}

static void add_to_open(struct ui_log *log, struct bytes part)
{
	size_t room = UI_LOG_LINE_MAX - log->open.len;

	log->cut |= part.len > room;
	buf_add(&log->open, part.data, part.len < room ? part.len : room);
}

void ui_log_add(struct ui_log *log, struct bytes piece)
{
	while (piece.len) {
		const uint8_t *end = memchr(piece.data, '\n', piece.len);
		size_t n = end ? (size_t)(end - piece.data) : piece.len;

		add_to_open(log, bytes_of(piece.data, n));
		if (end)
			end_open_line(log);
		n += end != NULL;
		piece = bytes_of(piece.data + n, piece.len - n);
	}
}

const char *ui_log_line(const struct ui_log *log, uint64_t number)
{
	if (number < log->first || number >= log->end)
		return NULL;
	return *slot_of_line(log, number);
}

void ui_log_release(struct ui_log *log)
{
	while (log->first < log->end)
		drop_oldest(log);
	free(log->line);
	buf_release(&log->open);
	*log = (struct ui_log){ 0 };
}
