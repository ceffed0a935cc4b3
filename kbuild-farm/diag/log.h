/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/log.h - Detection of diagnostics in the output of make.
 *
 * make runs with -Otarget, so the output of a job is contiguous and follows
 * kbuild's line with the target.  A block is a sequence of lines of compilers,
 * assemblers, linkers, make, Kconfig or modpost with their context (source
 * lines, carets, "In file included from").  Each warning and error counts once,
 * however many units include the header in which it occurs.
 *
 * make's "Error 1" counts only if no tool has printed an error since the last
 * "***" of make.  If "Error 1" counts, its block also contains the last line of
 * the target that is not a diagnostic, such as "cp: cannot stat 'a'".  This
 * line can name the cause.
 *
 * The parser does not read the log itself.  The caller passes each new part of
 * the log to diag_log_feed().
 *
 * Formats: gcc's and clang's "FILE:LINE:COLUMN: SEVERITY: TEXT [-WFLAG]"; gas's
 * "FILE:LINE: Warning: TEXT" and "FILE:LINE: Error: TEXT"; GNU ld and lld;
 * scripts/mod/modpost.c; objtool's warn.h; dtc's srcpos.c and checks.c
 * ("FILE:LINE.COL-LINE.COL: Warning (CHECK): TEXT"); scripts/kconfig;
 * scripts/kernel-doc; GNU make.
 */
#ifndef DIAG_LOG_H
#define DIAG_LOG_H

#include "diag/compare.h"
#include "diag/line.h"

#define DIAG_CONFIG_OBJECT ".config" /* object of Kconfig's diagnostics */

/*
 * Absolute directories; names of files in them become relative.  Each may be
 * NULL.
 */
struct diag_roots {
	const char *tree, *build_dir; /* source tree; build directory */
};

/* make's current target, from kbuild's last line; fields may be NULL. */
struct diag_target {
	const char *command; /* "CC", "MODPOST" */
	const char *object;
};

/*
 * Parse a line without control characters.  `at` is the result of
 * diag_line_classify(): a warning, an error or DIAG_LINE_MAKE.  The caller
 * passes `out` to diag_release().
 */
void diag_parse(struct diag *out, const char *line, const struct diag_line *at,
		const struct diag_roots *roots,
		const struct diag_target *target);

/* longer blocks are split */
#define DIAG_BLOCK_MAX (1u << 20)

struct diag_block {
	const char *text; /* with its newlines */
	bool has_new_error; /* contains an error not printed before */
	/* diagnostics that the baseline lacks; 0 without a baseline */
	unsigned n_new;
};

struct diag_log_sink {
	/*
	 * Called with a block that contains a line of the kind DIAG_LINE_MAKE
	 * or a diagnostic that did not occur earlier in the log.
	 */
	void (*on_block)(void *ctx, const struct diag_block *b);
	/*
	 * Called if a line reports a full disk.  If the callback returns true,
	 * neither the line nor any further line is searched for diagnostics.
	 * May be NULL.
	 */
	bool (*is_disk_full)(void *ctx);
	/* Called with every line, without its newline; may be NULL. */
	void (*on_line)(void *ctx, const char *text);
	void *ctx;
};

struct diag_log {
	struct diag_log_sink sink;
	/* the names are borrowed; the caller can set `roots` at any time */
	struct diag_roots roots;
	struct diag_baseline *baseline; /* borrowed, or NULL */
	/* start of a line whose newline was not received yet */
	struct buf partial_line;
	struct buf block; /* lines of the current block */
	/*
	 * block_has_error: the block contains a new error.  block_new: the
	 * block contains a new error or warning.  A line of the kind
	 * DIAG_LINE_MAKE sets both.
	 */
	bool block_has_error, block_new;
	/* diagnostics of the block that the baseline lacks */
	unsigned n_block_new;
	bool after_diagnostic; /* the block ends in a diagnostic */
	struct buf pending_line; /* possibly clang's copy of a source line */
	/*
	 * the last line that is not a diagnostic, since kbuild's last line with
	 * a target; this line possibly names the cause of a failed recipe
	 */
	struct buf other_line;
	/* a tool has printed an error since make's last "***" */
	bool error_found;
	char *command, *object; /* from kbuild's last line, or NULL */
	/* hashes of the names of all objects built so far */
	struct map made_objects;
	struct diag_set found;
	unsigned n_warnings, n_errors;
	bool muted; /* do not search further lines for diagnostics */
};

void diag_log_init(struct diag_log *log, const struct diag_log_sink *sink);
/*
 * Parse the next piece of the log.  Control characters and escape sequences are
 * dropped.
 */
void diag_log_feed(struct diag_log *log, struct bytes in);
/* End the last line and the last block. */
void diag_log_end(struct diag_log *log);
/*
 * End the last block, and find no further diagnostics, because the build is
 * being interrupted.  A GNU make that is interrupted while it waits for a child
 * can print "wait: No child processes", because its signal handler has waited
 * for all children.  This message is not an error of the build.
 */
void diag_log_mute(struct diag_log *log);
/*
 * Return true if the object was built while the log was written, or if too many
 * objects were built to record all of them.
 */
bool diag_log_has_object(const struct diag_log *log, const char *object,
			 size_t len);
void diag_log_release(struct diag_log *log);

#endif
