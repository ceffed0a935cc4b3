/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/parse.h - Parser of a line that is a diagnostic.
 *
 * Formats: gcc's and clang's "FILE:LINE:COLUMN: SEVERITY: TEXT [-WFLAG]"; gas's
 * "FILE:LINE: Warning: TEXT" and "FILE:LINE: Error: TEXT"; GNU ld and lld;
 * scripts/mod/modpost.c; objtool's warn.h; dtc's srcpos.c and checks.c
 * ("FILE:LINE.COL-LINE.COL: Warning (CHECK): TEXT"); scripts/kconfig;
 * scripts/kernel-doc; GNU make.
 */
#ifndef DIAG_PARSE_H
#define DIAG_PARSE_H

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

/*
 * Return a file name of `len` bytes relative to the tree or the build
 * directory; unchanged if it is in neither.  The caller frees it.
 */
char *diag_parse_shorten_path(const struct diag_roots *roots, const char *name,
			      size_t len);

#endif
