/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/match.h - patterns, in the way of dash: bytes, no locale.
 */
#ifndef SHELL_MATCH_H
#define SHELL_MATCH_H

#include <stdbool.h>

/*
 * Does all of `text` match?  * ? [...] [!...] are special; a backslash in front
 * of any byte takes its meaning.
 */
bool shell_match(const char *pattern, const char *text);

#endif
