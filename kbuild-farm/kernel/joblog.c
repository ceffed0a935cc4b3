/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/joblog.h"

#include "base/str.h"
#include "kernel/logline.h"
#include "kernel/space.h"

#include <string.h>

#define LINE_MAX_BYTES (1u << 20)
#define SOURCE_MAX     400 /* a longer line is no copy of a source line */

void kernel_joblog_init(struct kernel_joblog *j,
			const struct kernel_joblog_sink *sink)
{
	*j = (struct kernel_joblog){ .sink = *sink };
}

static bool is_new(struct kernel_joblog *j, const char *line)
{
	uint64_t hash = map_hash(bytes_str(line));

	if (map_find(&j->seen, hash))
		return false;
	map_add(&j->seen, xcalloc(1, sizeof(struct map_node)), hash);
	return true;
}

static void emit_block(struct kernel_joblog *j)
{
	if (j->block.len && j->block_new && j->sink.block)
		j->sink.block(j->sink.ctx, buf_str(&j->block), j->block_error);
	buf_reset(&j->block);
}

static void close_block(struct kernel_joblog *j)
{
	emit_block(j);
	j->block_new = false;
	j->block_error = false;
	j->after_diagnostic = false;
	buf_reset(&j->held);
}

static void add_to_block(struct kernel_joblog *j, const char *line)
{
	if (j->block.len + strlen(line) > KERNEL_BLOCK_MAX)
		emit_block(j);
	buf_add_str(&j->block, line);
	buf_add_str(&j->block, "\n");
}

static void count_diagnostic(struct kernel_joblog *j, const char *line,
			     bool error)
{
	if (error)
		j->failed = true;
	if (!is_new(j, line))
		return;
	if (error)
		j->errors++;
	else
		j->warnings++;
	j->block_new = true;
	j->block_error |= error;
}

/*
 * A sub-make ends with 2 because something in it failed and was counted
 * there; any other recipe counts if it failed without a word.
 */
static void count_make(struct kernel_joblog *j, const char *line)
{
	bool cascade = str_ends(line, "] Error 2");

	if (cascade ? !j->errors : !j->failed)
		j->errors++;
	if (!cascade)
		j->failed = false;
	j->block_new = true;
	j->block_error = true;
}

/* clang shows the source line as it is, and a caret below it. */
static bool may_be_source(const struct kernel_joblog *j, const char *line)
{
	return j->after_diagnostic && line[0] && line[0] != ' ' &&
	       strlen(line) <= SOURCE_MAX;
}

static void handle_other(struct kernel_joblog *j, const char *line)
{
	if (may_be_source(j, line) && !j->held.len)
		buf_add_str(&j->held, line);
	else
		close_block(j);
}

static void handle_context(struct kernel_joblog *j, const char *line)
{
	if (j->block.len || j->block_new)
		add_to_block(j, line);
}

static void handle_line(struct kernel_joblog *j, const char *line)
{
	enum kernel_logline kind = kernel_logline_kind(line);

	if (j->held.len) {
		if (kind == KERNEL_LINE_CARET) {
			add_to_block(j, buf_str(&j->held));
			buf_reset(&j->held);
		} else {
			close_block(j);
		}
	}
	switch (kind) {
	case KERNEL_LINE_WARNING:
	case KERNEL_LINE_ERROR:
		count_diagnostic(j, line, kind == KERNEL_LINE_ERROR);
		add_to_block(j, line);
		break;
	case KERNEL_LINE_MAKE:
		count_make(j, line);
		add_to_block(j, line);
		break;
	case KERNEL_LINE_NOTE:
		add_to_block(j, line);
		break;
	case KERNEL_LINE_INDENTED:
	case KERNEL_LINE_CARET:
		handle_context(j, line);
		break;
	case KERNEL_LINE_OTHER:
		handle_other(j, line);
		return;
	}
	j->after_diagnostic = kind == KERNEL_LINE_WARNING ||
			      kind == KERNEL_LINE_ERROR ||
			      kind == KERNEL_LINE_NOTE;
}

static void end_line(struct kernel_joblog *j)
{
	j->part.len = kernel_logline_clean((char *)j->part.data, j->part.len);
	if (j->part.data)
		j->part.data[j->part.len] = '\0';
	if (!j->muted && j->sink.full &&
	    kernel_space_is_said(buf_str(&j->part)) &&
	    j->sink.full(j->sink.ctx)) {
		close_block(j);
		j->muted = true;
	}
	if (!j->muted)
		handle_line(j, buf_str(&j->part));
	if (j->sink.line)
		j->sink.line(j->sink.ctx, buf_str(&j->part));
	buf_reset(&j->part);
}

void kernel_joblog_feed(struct kernel_joblog *j, struct bytes in)
{
	while (in.len) {
		const uint8_t *end = memchr(in.data, '\n', in.len);
		size_t n = end ? (size_t)(end - in.data) : in.len;

		if (j->part.len + n <= LINE_MAX_BYTES)
			buf_add(&j->part, in.data, n);
		if (!end)
			return;
		end_line(j);
		in.data += n + 1;
		in.len -= n + 1;
	}
}

void kernel_joblog_end(struct kernel_joblog *j)
{
	if (j->part.len)
		end_line(j);
	close_block(j);
}

void kernel_joblog_mute(struct kernel_joblog *j)
{
	kernel_joblog_end(j);
	j->muted = true;
}

void kernel_joblog_release(struct kernel_joblog *j)
{
	buf_release(&j->part);
	buf_release(&j->block);
	buf_release(&j->held);
	map_release_all(&j->seen, NULL);
	*j = (struct kernel_joblog){ 0 };
}
