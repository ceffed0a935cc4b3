/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/glob.h - the names of files that match a pattern.
 */
#ifndef SHELL_GLOB_H
#define SHELL_GLOB_H

#include "base/arena.h"

#include <stddef.h>

/*
 * The names that match, sorted by their bytes, in `a`: *v has as many as is
 * returned.  None where nothing in the pattern is special.
 */
size_t shell_glob(struct arena *a, const char *pattern, char ***v);

#endif
