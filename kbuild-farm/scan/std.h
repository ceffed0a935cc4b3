/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/std.h - the names of -std=, and how sources are read with them.
 */
#ifndef SCAN_STD_H
#define SCAN_STD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The bits of enum scan_mode that this standard of C stands for.  False: it is
 * none, none that gcc 12 to 16 or clang 14 to 21 know, or the one of 1994,
 * which has digraphs but no line comments.
 */
bool scan_std_mode(const char *name, unsigned *mode);

/* Has the text one of the nine trigraphs?  "what??" is none. */
bool scan_std_trigraph(const uint8_t *text, size_t len);

#endif
