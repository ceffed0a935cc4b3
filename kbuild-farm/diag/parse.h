/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/parse.h - the parts of a line that is a diagnostic.
 *
 * Formats: gcc's and clang's "FILE:LINE:COLUMN: SEVERITY: TEXT [-WFLAG]"; gas
 * (capitals, no column); GNU ld and lld; scripts/mod/modpost.c; objtool's
 * warn.h; dtc's srcpos.c and checks.c ("FILE:LINE.COL-LINE.COL: Warning
 * (CHECK): TEXT"); scripts/kconfig; scripts/kernel-doc; GNU make.
 */
#ifndef DIAG_PARSE_H
#define DIAG_PARSE_H

#include "diag/line.h"

#define DIAG_CONFIG ".config" /* the object of what Kconfig says */

/* The directories that names are seen from, absolute; either may be NULL. */
struct diag_roots {
	const char *tree, *dir; /* sources; where make runs */
};

/* What make was at when it was said: of the last line of kbuild, or NULL. */
struct diag_maker {
	const char *word; /* "CC", "MODPOST" */
	const char *object;
};

/*
 * `line` is a warning, an error or make's, as `at` of diag_line_read() says,
 * and clean.  The caller releases `out`.
 */
void diag_parse(struct diag *out, const char *line, const struct diag_line *at,
		const struct diag_roots *roots, const struct diag_maker *maker);

/*
 * A file's name of `len` bytes as seen from the tree, or from the build
 * directory for what is there; as it is where it is in neither.  The caller
 * frees it.
 */
char *diag_parse_path(const struct diag_roots *roots, const char *name,
		      size_t len);

#endif
