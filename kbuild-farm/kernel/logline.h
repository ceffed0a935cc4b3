/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/logline.h - what one line of a build's log is.
 */
#ifndef KERNEL_LOGLINE_H
#define KERNEL_LOGLINE_H

#include <stddef.h>

enum kernel_logline {
	KERNEL_LINE_OTHER, /* kbuild's "  CC      x.o", commands, chatter */
	KERNEL_LINE_WARNING,
	KERNEL_LINE_ERROR,
	KERNEL_LINE_MAKE, /* make's "*** [x.o] Error 1": a recipe failed */
	KERNEL_LINE_NOTE, /* belongs to a diagnostic, counts as none */
	KERNEL_LINE_INDENTED, /* context, if a diagnostic came before */
	KERNEL_LINE_CARET, /* spaces, '^' and '~' alone */
};

/* `line` without its newline and without control characters. */
enum kernel_logline kernel_logline_kind(const char *line);

/*
 * Remove control characters but the tab, and escape sequences whole, from
 * `len` bytes in place; whatever else may not be shown (base/printable.h)
 * becomes a question mark.  Returns how many are left.
 */
size_t kernel_logline_clean(char *text, size_t len);

#endif
