/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/source.h - what a source file holds that its text does not show.
 *
 * gcc -E -fdirectives-only acts on some pragmas and drops them, or leaves
 * others to the compile although #if directives depend on them.  So the
 * files that a text names in its linemarkers are searched themselves, each
 * version of a file once per build.
 */
#ifndef COORD_SOURCE_H
#define COORD_SOURCE_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct coord_sources;

struct coord_sources *coord_sources_new(void);
void coord_sources_free(struct coord_sources *all);

/*
 * Why a unit whose text has these lines must be compiled here, a literal, or
 * NULL.  `unit` is a number of the unit's own, so that a file it names often
 * is looked at once; `cwd` is where relative names begin.  `text` ends at the
 * end of a line, or its last line is passed over.  `*suspect` becomes true
 * when a file's indentation may be misleading (coord/indent.h).
 */
const char *coord_sources_check(struct coord_sources *all, uint32_t unit,
				const char *cwd, struct bytes text,
				bool *suspect);
/* The same for the content of one file; `text` is followed by a NUL. */
const char *coord_source_forbidden(const char *text, size_t len);

#endif
