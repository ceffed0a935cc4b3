/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/manifest-id.h - the identity of a manifest, for its maker, and
 * where links among entries lead.
 */
#ifndef COMPILER_MANIFEST_ID_H
#define COMPILER_MANIFEST_ID_H

#include "compiler/manifest.h"

/* As compiler_manifest_id(); *prefix is for the caller to free. */
int compiler_manifest_identify(const struct compiler_entry *v, size_t n,
			       const char *driver, bool is_clang,
			       struct digest *id, char **prefix);

/*
 * Where an absolute path leads to through the links among the entries, in any
 * order; what is no entry is a directory or a file.  "": to nowhere.  The
 * caller frees it.
 */
char *compiler_manifest_resolve(const struct compiler_entry *v, size_t n,
				const char *path);

#endif
