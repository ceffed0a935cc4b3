/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/log.h - finds the diagnostics in what make wrote.
 *
 * make runs with -Otarget, so what one job printed stands together, behind
 * kbuild's line that says what is made.  A block is such a run of lines of
 * compilers, assemblers, linkers, make, Kconfig, modpost and their context
 * (source lines, carets, "In file included from").  Each warning and error
 * counts once, however many files include the header that it is in; make's
 * "Error 1" counts only where no tool said why.
 *
 * It owns no descriptor: feed it what the log gained.
 */
#ifndef DIAG_LOG_H
#define DIAG_LOG_H

#include "diag/compare.h"
#include "diag/parse.h"

/* Blocks longer than this come in pieces. */
#define DIAG_BLOCK_MAX (1u << 20)

struct diag_block {
	const char *text; /* with its newlines */
	bool error; /* has one that was not there before */
	/* So many of it the earlier build had not; 0 where none is known. */
	unsigned fresh;
};

struct diag_log_sink {
	/* A block that says something not said before in this log. */
	void (*block)(void *ctx, const struct diag_block *b);
	/* A line says that a disk is full: is it?  Then what follows is not
	   looked at.  May be NULL. */
	bool (*full)(void *ctx);
	/* Every line, without its newline; may be NULL. */
	void (*line)(void *ctx, const char *text);
	void *ctx;
};

struct diag_log {
	struct diag_log_sink sink;
	struct diag_roots roots; /* borrowed names; may be set at any time */
	struct diag_known *known; /* of an earlier build; NULL: not known */
	struct buf part; /* a line without its end */
	struct buf block;
	bool block_error, block_new;
	unsigned block_fresh;
	bool after_diagnostic; /* the last line of the block is one */
	struct buf held; /* perhaps clang's copy of a source line */
	bool failed; /* an error was counted since make's last "***" */
	char *word, *object; /* of kbuild's last line; or NULL */
	struct map made; /* the hashes of such objects */
	struct diag_set found;
	unsigned warnings, errors;
	bool muted;
};

void diag_log_init(struct diag_log *log, const struct diag_log_sink *sink);
/* Control characters (escape sequences whole) are dropped. */
void diag_log_feed(struct diag_log *log, struct bytes in);
/* No more will come: ends the last line and the last block. */
void diag_log_end(struct diag_log *log);
/*
 * The build was told to end.  What has come counts; what the ending programs
 * write is no diagnostic: a GNU make that is interrupted while it waits for a
 * child may say "wait: No child processes" (its handler waits for all that are
 * left, and one of them is gone).
 */
void diag_log_mute(struct diag_log *log);
/*
 * Was that object made while the log was written?  (Where they are too many to
 * tell: yes.)
 */
bool diag_log_made(const struct diag_log *log, const char *object, size_t len);
void diag_log_release(struct diag_log *log);

#endif
