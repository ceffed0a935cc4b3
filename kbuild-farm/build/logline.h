/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/logline.h - what one line of a build's log is.
 */
#ifndef BUILD_LOGLINE_H
#define BUILD_LOGLINE_H

#include <stddef.h>

enum build_logline {
	BUILD_LINE_OTHER, /* kbuild's "  CC      x.o", commands, chatter */
	BUILD_LINE_WARNING,
	BUILD_LINE_ERROR,
	BUILD_LINE_MAKE, /* make's "*** [x.o] Error 1": a recipe failed */
	BUILD_LINE_NOTE, /* belongs to a diagnostic, counts as none */
	BUILD_LINE_INDENTED, /* context, if a diagnostic came before */
	BUILD_LINE_CARET, /* spaces, '^' and '~' alone */
};

/* `line` without its newline and without control characters. */
enum build_logline build_logline_kind(const char *line);

/*
 * Remove control characters but the tab, and escape sequences whole, from
 * `len` bytes in place.  Returns how many are left.
 */
size_t build_logline_clean(char *text, size_t len);

#endif
