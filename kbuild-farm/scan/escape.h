/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/escape.h - what stands behind a backslash in C's literals.
 */
#ifndef SCAN_ESCAPE_H
#define SCAN_ESCAPE_H

#include <stdint.h>

/*
 * The number of the character that the escape at *s, behind its backslash,
 * stands for; -1: none that compilers know.  *s, which is not at `end`, moves
 * behind it.
 */
int64_t scan_escape(const char **s, const char *end);

#endif
