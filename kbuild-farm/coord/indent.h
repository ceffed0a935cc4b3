/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/indent.h - may gcc call the indentation of a source misleading?
 *
 * gcc is silent about it in a text with linemarkers, so a node has to parse
 * such a text twice (agent/indent.h).  Most files cannot warn: they are told
 * by their tokens, once per version.  The rules are those of gcc's
 * c-family/c-indentation.cc, taken generously: a yes costs a node time, a
 * wrong no would lose a warning.
 */
#ifndef COORD_INDENT_H
#define COORD_INDENT_H

#include <stdbool.h>
#include <stddef.h>

/* `text` is followed by a NUL. */
bool coord_indent_suspect(const char *text, size_t len);

#endif
