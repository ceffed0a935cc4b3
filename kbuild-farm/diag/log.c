/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/log.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES  (1u << 20)
#define SOURCE_LINE_MAX 400 /* a longer line is no copy of a source line */
/* maximum number of recorded objects */
#define MADE_OBJECTS_MAX (1u << 20)

void diag_log_init(struct diag_log *log, const struct diag_log_sink *sink)
{
	*log = (struct diag_log){ .sink = *sink };
}

/* ---- blocks ---- */

static void emit_block(struct diag_log *log)
{
	const struct diag_block b = { .text = buf_str(&log->block),
				      .has_new_error = log->block_has_error,
				      .n_new = log->n_block_new };

	if (log->block.len && log->block_new && log->sink.on_block)
		log->sink.on_block(log->sink.ctx, &b);
	log->n_block_new = 0;
	buf_reset(&log->block);
}

static void close_block(struct diag_log *log)
{
	emit_block(log);
	log->block_new = false;
	log->block_has_error = false;
	log->after_diagnostic = false;
	buf_reset(&log->pending_line);
}

static void add_to_block(struct diag_log *log, const char *line)
{
	if (log->block.len + strlen(line) > DIAG_BLOCK_MAX)
		emit_block(log);
	buf_add_str(&log->block, line);
	buf_add_str(&log->block, "\n");
}

/* ---- diagnostics ---- */

/* Store a diagnostic.  Returns true if it is new in this log. */
static bool count_found(struct diag_log *log, const char *line,
			const struct diag_line *at)
{
	const struct diag_target maker = { log->command, log->object };
	struct diag d;
	bool fresh;

	diag_parse(&d, line, at, &log->roots, &maker);
	if (diag_set_has(&log->found, &d)) {
		diag_set_add(&log->found, &d);
		return false;
	}
	fresh = log->baseline && !diag_baseline_match(log->baseline, &d);
	diag_set_add(&log->found, &d);
	log->n_block_new += fresh;
	log->block_new = true;
	return true;
}

static void count_diagnostic(struct diag_log *log, const char *line,
			     const struct diag_line *at)
{
	bool error = at->kind == DIAG_LINE_ERROR;

	if (error)
		log->error_found = true;
	if (!count_found(log, line, at))
		return;
	if (error)
		log->n_errors++;
	else
		log->n_warnings++;
	log->block_has_error |= error;
}

/*
 * make's line "Error 2" usually reports a sub-make in which a recipe failed, so
 * it counts only if no error was counted before.  Any other failed recipe
 * counts if no tool printed an error since make's last "***".
 */
static void count_make(struct diag_log *log, const char *line,
		       const struct diag_line *at)
{
	bool cascade = str_ends(line, "] Error 2");

	if (cascade ? !log->n_errors : !log->error_found) {
		log->n_errors++;
		count_found(log, line, at);
		if (log->other_line.len)
			add_to_block(log, buf_str(&log->other_line));
	}
	buf_reset(&log->other_line);
	if (!cascade)
		log->error_found = false;
	log->block_new = true;
	log->block_has_error = true;
}

/* ---- targets ---- */

static void add_made_object(struct diag_log *log, const char *object)
{
	uint64_t hash = map_hash(bytes_str(object));

	if (log->made_objects.n_entries < MADE_OBJECTS_MAX &&
	    !map_find(&log->made_objects, hash))
		map_add(&log->made_objects,
			xcalloc(1, sizeof(struct map_entry)), hash);
}

bool diag_log_has_object(const struct diag_log *log, const char *object,
			 size_t len)
{
	return log->made_objects.n_entries >= MADE_OBJECTS_MAX ||
	       map_find(&log->made_objects, map_hash(bytes_of(object, len)));
}

static void begin_object(struct diag_log *log, const char *line)
{
	const char *word = "", *object = "";

	buf_reset(&log->other_line);
	diag_line_parse_kbuild(line, &word, &object);
	free(log->command);
	free(log->object);
	log->command = xstrndup(word, strcspn(word, " \t"));
	log->object = diag_parse_shorten_path(&log->roots, object,
					      strcspn(object, " \t"));
	add_made_object(log, log->object);
}

/* Detect the end of Kconfig, a change of make's directory, and source lines. */
static void handle_other(struct diag_log *log, const char *line)
{
	if (!strcmp(line, "# configuration written to .config") ||
	    !strcmp(line, "# No change to .config")) {
		add_made_object(log, DIAG_CONFIG_OBJECT);
	} else if (str_starts(line, "make") && strstr(line, "ing directory ")) {
		free(log->command);
		free(log->object);
		log->command = log->object = NULL;
	} else if (line[0]) {
		/* A longer line is a command that V=1 shows. */
		buf_reset(&log->other_line);
		if (strlen(line) <= SOURCE_LINE_MAX)
			buf_add_str(&log->other_line, line);
	}
	/*
	 * After a diagnostic, clang prints the source line unchanged and a
	 * caret line below it, so almost any line can be a source line.
	 */
	if (log->after_diagnostic && line[0] && line[0] != ' ' &&
	    strlen(line) <= SOURCE_LINE_MAX && !log->pending_line.len)
		buf_add_str(&log->pending_line, line);
	else
		close_block(log);
}

/* ---- lines ---- */

static void handle_line(struct diag_log *log, const char *line)
{
	struct diag_line at = diag_line_classify(line);

	/* The pending line is a source line if a caret line follows it. */
	if (log->pending_line.len && at.kind == DIAG_LINE_CARET) {
		add_to_block(log, buf_str(&log->pending_line));
		buf_reset(&log->pending_line);
	} else if (log->pending_line.len) {
		close_block(log);
	}
	switch (at.kind) {
	case DIAG_LINE_WARNING:
	case DIAG_LINE_ERROR:
		count_diagnostic(log, line, &at);
		add_to_block(log, line);
		break;
	case DIAG_LINE_MAKE:
		count_make(log, line, &at);
		add_to_block(log, line);
		break;
	case DIAG_LINE_NOTE:
		add_to_block(log, line);
		break;
	case DIAG_LINE_INDENTED:
	case DIAG_LINE_CARET:
		if (log->block.len || log->block_new)
			add_to_block(log, line);
		break;
	case DIAG_LINE_KBUILD:
		close_block(log);
		begin_object(log, line);
		return;
	case DIAG_LINE_OTHER:
		handle_other(log, line);
		return;
	}
	log->after_diagnostic = at.kind == DIAG_LINE_WARNING ||
				at.kind == DIAG_LINE_ERROR ||
				at.kind == DIAG_LINE_NOTE;
}

static void end_line(struct diag_log *log)
{
	log->partial_line.len = diag_line_strip_controls(
		(char *)log->partial_line.data, log->partial_line.len);
	if (log->partial_line.data)
		log->partial_line.data[log->partial_line.len] = '\0';
	if (!log->muted && log->sink.is_disk_full &&
	    diag_line_is_disk_full(buf_str(&log->partial_line)) &&
	    log->sink.is_disk_full(log->sink.ctx)) {
		close_block(log);
		log->muted = true;
	}
	if (!log->muted)
		handle_line(log, buf_str(&log->partial_line));
	if (log->sink.on_line)
		log->sink.on_line(log->sink.ctx, buf_str(&log->partial_line));
	buf_reset(&log->partial_line);
}

void diag_log_feed(struct diag_log *log, struct bytes in)
{
	while (in.len) {
		const uint8_t *end = memchr(in.data, '\n', in.len);
		size_t n = end ? (size_t)(end - in.data) : in.len;

		if (log->partial_line.len + n <= LINE_MAX_BYTES)
			buf_add(&log->partial_line, in.data, n);
		if (!end)
			return;
		end_line(log);
		in.data += n + 1;
		in.len -= n + 1;
	}
}

void diag_log_end(struct diag_log *log)
{
	if (log->partial_line.len)
		end_line(log);
	close_block(log);
}

void diag_log_mute(struct diag_log *log)
{
	diag_log_end(log);
	log->muted = true;
}

void diag_log_release(struct diag_log *log)
{
	buf_release(&log->partial_line);
	buf_release(&log->block);
	buf_release(&log->pending_line);
	buf_release(&log->other_line);
	free(log->command);
	free(log->object);
	map_release_entries(&log->made_objects, NULL);
	diag_set_release(&log->found);
	*log = (struct diag_log){ 0 };
}
