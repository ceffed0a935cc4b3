/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/manifest-id.h - the identity of a manifest, for its maker, and
 * where links among entries lead.
 */
#ifndef TOOLCHAIN_MANIFEST_ID_H
#define TOOLCHAIN_MANIFEST_ID_H

#include "toolchain/manifest.h"

/* As toolchain_manifest_id(); *prefix is for the caller to free. */
int toolchain_manifest_identify(const struct toolchain_entry *v, size_t n,
				const char *driver, bool is_clang,
				struct digest *id, char **prefix);

/*
 * Where an absolute path leads to through the links among the entries, in any
 * order; what is no entry is a directory or a file.  "": to nowhere.  The
 * caller frees it.
 */
char *toolchain_manifest_resolve(const struct toolchain_entry *v, size_t n,
				 const char *path);

#endif
