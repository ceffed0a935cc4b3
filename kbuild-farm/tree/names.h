/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/names.h - what revisions of a repository are called.
 */
#ifndef TREE_NAMES_H
#define TREE_NAMES_H

#include "base/str.h"

#include <stddef.h>

/*
 * Append the tags and branches of the repository at `path`, as --rev takes them
 * ("v6.1", "origin/master", "main"), that begin with `prefix`: at most `most`,
 * some perhaps twice.  What cannot be read has none.
 */
void tree_names_list(const char *path, const char *prefix, size_t most,
		     struct strv *out);

#endif
