/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/line.h - what one line of a build's log is.
 */
#ifndef DIAG_LINE_H
#define DIAG_LINE_H

#include "diag/diag.h"

enum diag_line_kind {
	DIAG_LINE_OTHER, /* commands, chatter */
	DIAG_LINE_KBUILD, /* "  CC      x.o": what is made now */
	DIAG_LINE_WARNING,
	DIAG_LINE_ERROR,
	DIAG_LINE_MAKE, /* make's "*** [x.o] Error 1": a recipe failed */
	DIAG_LINE_NOTE, /* belongs to a diagnostic, counts as none */
	DIAG_LINE_INDENTED, /* context, if a diagnostic came before */
	DIAG_LINE_CARET, /* spaces, '^' and '~' alone */
};

struct diag_line {
	enum diag_line_kind kind;
	/* Of a warning, an error, and make's: */
	size_t place; /* so many bytes say where: "a.c:3:4" */
	size_t text; /* here the words begin */
	enum diag_tool tool; /* whose words these are, else DIAG_TOOLS */
};

/* `line` without its newline and without control characters. */
struct diag_line diag_line_read(const char *line);

/*
 * What a line of kbuild says is made: "fs/a.o" of "  CC [M]  fs/a.o", and the
 * word, "CC"; of a command that V=1 shows what is behind -o, and "".  Both end
 * in a blank, a tab or NUL.  False: it is no such line.
 */
bool diag_line_made(const char *line, const char **word, const char **object);

/* Does it say that a disk is full?  (In English; that it is in a source that is
   shown cannot be told.) */
bool diag_line_says_full(const char *line);

/*
 * Remove control characters but the tab, and escape sequences whole, from
 * `len` bytes in place; whatever else may not be shown (base/printable.h)
 * becomes a question mark.  Returns how many are left.
 */
size_t diag_line_clean(char *text, size_t len);

#endif
