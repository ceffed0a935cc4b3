/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/manifest-id.h - where links among entries lead.
 */
#ifndef COMPILER_MANIFEST_ID_H
#define COMPILER_MANIFEST_ID_H

#include "compiler/manifest.h"

/*
 * Where an absolute path leads to through the links among the entries, in any
 * order; what is no entry is a directory or a file.  "": to nowhere.  The
 * caller frees it.
 */
char *compiler_manifest_resolve(const struct compiler_entry *v, size_t n,
				const char *path);

#endif
