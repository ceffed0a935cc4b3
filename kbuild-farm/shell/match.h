/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/match.h - Shell patterns as in dash: bytes, independent of the locale.
 */
#ifndef SHELL_MATCH_H
#define SHELL_MATCH_H

#include <stdbool.h>

/*
 * Return true if all of `text` matches.  Special are * ? [...] and [!...]; a
 * backslash makes the next byte literal.
 */
bool shell_match_pattern(const char *pattern, const char *text);

#endif
