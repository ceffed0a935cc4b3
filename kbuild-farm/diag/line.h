/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/line.h - Classification of one line of a build log.
 */
#ifndef DIAG_LINE_H
#define DIAG_LINE_H

#include "diag/diag.h"

enum diag_line_kind {
	DIAG_LINE_OTHER, /* commands and other output */
	DIAG_LINE_KBUILD, /* "  CC      x.o": the current target */
	DIAG_LINE_WARNING,
	DIAG_LINE_ERROR,
	DIAG_LINE_MAKE, /* make's "*** [x.o] Error 1": a recipe failed */
	DIAG_LINE_NOTE, /* belongs to a diagnostic, but is not counted */
	DIAG_LINE_INDENTED, /* context of a preceding diagnostic, if any */
	DIAG_LINE_CARET, /* only spaces, '^' and '~' */
};

struct diag_line {
	enum diag_line_kind kind;
	/*
	 * location_len and text_offset are set for warnings, errors and
	 * DIAG_LINE_MAKE.
	 */
	size_t location_len; /* length of the location "a.c:3:4" */
	size_t text_offset; /* start of the message */
	enum diag_tool tool; /* DIAG_N_TOOLS if the line does not show it */
};

/* Classify a line without its newline and without control characters. */
struct diag_line diag_line_classify(const char *line);

/*
 * Parse a line that kbuild prints for a target.  For "  CC [M]  fs/a.o", *word
 * begins at "CC" and *object at "fs/a.o".  For a command that V=1 shows, *word
 * is "" and *object begins at the argument of -o.  Both are borrowed from
 * `line` and end at a blank, a tab or the NUL.  Returns false for any other
 * line.
 */
bool diag_line_parse_kbuild(const char *line, const char **word,
			    const char **object);

/* Return true if the line contains the English message for a full disk. */
bool diag_line_is_disk_full(const char *line);

/*
 * In the `len` bytes of `text`, remove escape sequences and all control
 * characters except tabs, and replace other unsafe characters
 * (base/printable.h) by question marks.  Returns the new length.
 */
size_t diag_line_strip_controls(char *text, size_t len);

#endif
