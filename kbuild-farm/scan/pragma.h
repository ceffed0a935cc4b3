/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/pragma.h - what a pragma, cleaned, says that matters to macros and
 * files.
 */
#ifndef SCAN_PRAGMA_H
#define SCAN_PRAGMA_H

#include <stdbool.h>
#include <stddef.h>

enum scan_pragma {
	SCAN_PRAGMA_OTHER, /* nothing that matters */
	SCAN_PRAGMA_ONCE,
	SCAN_PRAGMA_PUSH_MACRO,
	SCAN_PRAGMA_POP_MACRO,
	SCAN_PRAGMA_SYSTEM_HEADER,
	SCAN_PRAGMA_OPTIONS, /* it may change what the compiler predefines */
	SCAN_PRAGMA_UNKNOWN, /* it matters, and we do not follow it */
};

enum scan_pragma scan_pragma(const char *s, size_t len);

/*
 * push_macro("X"), pop_macro("X"): X, of *name_len bytes, which is part of
 * `s`.  NULL: it is not of this form.
 */
const char *scan_pragma_macro(const char *s, size_t len, size_t *name_len);

#endif
