/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/log.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES (1u << 20)
#define SOURCE_MAX     400 /* a longer line is no copy of a source line */
#define MADE_MAX       (1u << 20) /* objects that are known by their names */

void diag_log_init(struct diag_log *log, const struct diag_log_sink *sink)
{
	*log = (struct diag_log){ .sink = *sink };
}

/* ---------------------------------------------------------------- blocks */

static void emit_block(struct diag_log *log)
{
	const struct diag_block b = { .text = buf_str(&log->block),
				      .error = log->block_error,
				      .fresh = log->block_fresh };

	if (log->block.len && log->block_new && log->sink.block)
		log->sink.block(log->sink.ctx, &b);
	log->block_fresh = 0;
	buf_reset(&log->block);
}

static void close_block(struct diag_log *log)
{
	emit_block(log);
	log->block_new = false;
	log->block_error = false;
	log->after_diagnostic = false;
	buf_reset(&log->held);
}

static void add_to_block(struct diag_log *log, const char *line)
{
	if (log->block.len + strlen(line) > DIAG_BLOCK_MAX)
		emit_block(log);
	buf_add_str(&log->block, line);
	buf_add_str(&log->block, "\n");
}

/* ----------------------------------------------------------- diagnostics */

/* Keep it: was it not there before?  Then it is one of this block. */
static bool keep_found(struct diag_log *log, const char *line,
		       const struct diag_line *at)
{
	const struct diag_maker maker = { log->word, log->object };
	struct diag d;
	bool fresh;

	diag_parse(&d, line, at, &log->roots, &maker);
	if (diag_set_has(&log->found, &d)) {
		diag_set_add(&log->found, &d);
		return false;
	}
	fresh = log->known && !diag_known_take(log->known, &d);
	diag_set_add(&log->found, &d);
	log->block_fresh += fresh;
	log->block_new = true;
	return true;
}

static void count_diagnostic(struct diag_log *log, const char *line,
			     const struct diag_line *at)
{
	bool error = at->kind == DIAG_LINE_ERROR;

	if (error)
		log->failed = true;
	if (!keep_found(log, line, at))
		return;
	if (error)
		log->errors++;
	else
		log->warnings++;
	log->block_error |= error;
}

/*
 * A sub-make ends with 2 because something in it failed and was counted
 * there; any other recipe counts if it failed without a word.
 */
static void count_make(struct diag_log *log, const char *line,
		       const struct diag_line *at)
{
	bool cascade = str_ends(line, "] Error 2");

	if (cascade ? !log->errors : !log->failed) {
		log->errors++;
		keep_found(log, line, at);
	}
	if (!cascade)
		log->failed = false;
	log->block_new = true;
	log->block_error = true;
}

/* -------------------------------------------------------------- what is made
 */

static void note_made(struct diag_log *log, const char *object)
{
	uint64_t hash = map_hash(bytes_str(object));

	if (log->made.n < MADE_MAX && !map_find(&log->made, hash))
		map_add(&log->made, xcalloc(1, sizeof(struct map_node)), hash);
}

bool diag_log_made(const struct diag_log *log, const char *object, size_t len)
{
	return log->made.n >= MADE_MAX ||
	       map_find(&log->made, map_hash(bytes_of(object, len)));
}

static void begin_object(struct diag_log *log, const char *line)
{
	const char *word = "", *object = "";

	diag_line_made(line, &word, &object);
	free(log->word);
	free(log->object);
	log->word = xstrndup(word, strcspn(word, " \t"));
	log->object = diag_parse_path(&log->roots, object,
				      strcspn(object, " \t"));
	note_made(log, log->object);
}

/* make is in another directory, and Kconfig says when it has written. */
static void note_other(struct diag_log *log, const char *line)
{
	if (!strcmp(line, "# configuration written to .config") ||
	    !strcmp(line, "# No change to .config")) {
		note_made(log, DIAG_CONFIG);
	} else if (str_starts(line, "make") && strstr(line, "ing directory ")) {
		free(log->word);
		free(log->object);
		log->word = log->object = NULL;
	}
}

/* ----------------------------------------------------------------- lines */

/* clang shows the source line as it is, and a caret below it. */
static bool may_be_source(const struct diag_log *log, const char *line)
{
	return log->after_diagnostic && line[0] && line[0] != ' ' &&
	       strlen(line) <= SOURCE_MAX;
}

static void handle_other(struct diag_log *log, const char *line)
{
	note_other(log, line);
	if (may_be_source(log, line) && !log->held.len)
		buf_add_str(&log->held, line);
	else
		close_block(log);
}

static void handle_context(struct diag_log *log, const char *line)
{
	if (log->block.len || log->block_new)
		add_to_block(log, line);
}

/* What the line before, perhaps a source line, was shows by this one. */
static void settle_held(struct diag_log *log, enum diag_line_kind kind)
{
	if (!log->held.len)
		return;
	if (kind == DIAG_LINE_CARET) {
		add_to_block(log, buf_str(&log->held));
		buf_reset(&log->held);
	} else {
		close_block(log);
	}
}

static void handle_line(struct diag_log *log, const char *line)
{
	struct diag_line at = diag_line_read(line);

	settle_held(log, at.kind);
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
		handle_context(log, line);
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
	log->part.len = diag_line_clean((char *)log->part.data, log->part.len);
	if (log->part.data)
		log->part.data[log->part.len] = '\0';
	if (!log->muted && log->sink.full &&
	    diag_line_says_full(buf_str(&log->part)) &&
	    log->sink.full(log->sink.ctx)) {
		close_block(log);
		log->muted = true;
	}
	if (!log->muted)
		handle_line(log, buf_str(&log->part));
	if (log->sink.line)
		log->sink.line(log->sink.ctx, buf_str(&log->part));
	buf_reset(&log->part);
}

void diag_log_feed(struct diag_log *log, struct bytes in)
{
	while (in.len) {
		const uint8_t *end = memchr(in.data, '\n', in.len);
		size_t n = end ? (size_t)(end - in.data) : in.len;

		if (log->part.len + n <= LINE_MAX_BYTES)
			buf_add(&log->part, in.data, n);
		if (!end)
			return;
		end_line(log);
		in.data += n + 1;
		in.len -= n + 1;
	}
}

void diag_log_end(struct diag_log *log)
{
	if (log->part.len)
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
	buf_release(&log->part);
	buf_release(&log->block);
	buf_release(&log->held);
	free(log->word);
	free(log->object);
	map_release_all(&log->made, NULL);
	diag_set_release(&log->found);
	*log = (struct diag_log){ 0 };
}
