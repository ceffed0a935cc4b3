/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/pragma-options.h - #pragma GCC target, optimize and their like: what
 * they change in gcc's predefined macros.
 *
 * gcc changes them when it compiles; before release 13 its -E does not.  So it
 * is a compile that is asked: with -gdwarf-2 -g3 it lists each definition,
 * with its line, in .debug_macinfo.
 */
#ifndef SCAN_PRAGMA_OPTIONS_H
#define SCAN_PRAGMA_OPTIONS_H

#include "base/buf.h"
#include "base/str.h"

/*
 * Pragmas in their order, as "GCC target(\"avx2\")"; a zeroed list is where a
 * unit begins.
 */

/*
 * Behind a pop_options all is as it was before its push_options: forget what
 * stands between, so that the list remains what is in force.
 */
void scan_options_settle(struct strv *pragmas);

/* All of them in one line: a key. */
char *scan_options_key(const struct strv *pragmas);

/* What the compiler is to read. */
void scan_options_source(struct buf *source, const struct strv *pragmas);

/*
 * Of its assembler output: what the last of them changes, as #define and
 * #undef.  0; -EPROTO: that is no output of the kind.
 */
int scan_options_read(const char *said, struct buf *changes);

#endif
