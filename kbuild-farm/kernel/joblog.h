/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/joblog.h - finds the diagnostics in what make wrote.
 *
 * make runs with -Otarget, so what one job printed stands together.  A block
 * is such a run of lines of compilers, assemblers, linkers, make, Kconfig,
 * modpost and their context (source lines, carets, "In file included from").
 * Each warning and error counts once, however many files include the header
 * that it is in; make's "Error 1" counts only where no tool said why.
 *
 * It owns no descriptor: feed it what the log gained.
 */
#ifndef KERNEL_JOBLOG_H
#define KERNEL_JOBLOG_H

#include "base/buf.h"
#include "base/map.h"

#include <stdbool.h>

/* Blocks longer than this come in pieces. */
#define KERNEL_BLOCK_MAX (1u << 20)

struct kernel_joblog_sink {
	/* A block that says something new, with its newlines. */
	void (*block)(void *ctx, const char *text, bool error);
	/* A line says that a disk is full: is it?  Then what follows is not
	   looked at.  May be NULL. */
	bool (*full)(void *ctx);
	/* Every line, without its newline; may be NULL. */
	void (*line)(void *ctx, const char *text);
	void *ctx;
};

struct kernel_joblog {
	struct kernel_joblog_sink sink;
	struct buf part; /* a line without its end */
	struct buf block;
	bool block_error, block_new;
	bool after_diagnostic; /* the last line of the block is one */
	struct buf held; /* perhaps clang's copy of a source line */
	bool failed; /* an error was counted since make's last "***" */
	struct map seen; /* hashes of diagnostics */
	unsigned warnings, errors;
	bool muted;
};

void kernel_joblog_init(struct kernel_joblog *j,
			const struct kernel_joblog_sink *sink);
/* Control characters (escape sequences whole) are dropped. */
void kernel_joblog_feed(struct kernel_joblog *j, struct bytes in);
/* No more will come: ends the last line and the last block. */
void kernel_joblog_end(struct kernel_joblog *j);
/*
 * The build was told to end.  What has come counts; what the ending programs
 * write is no diagnostic: a GNU make that is interrupted while it waits for a
 * child may say "wait: No child processes" (its handler waits for all that are
 * left, and one of them is gone).
 */
void kernel_joblog_mute(struct kernel_joblog *j);
void kernel_joblog_release(struct kernel_joblog *j);

#endif
