/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/manifest-id.h - the identity of a manifest, for its maker.
 */
#ifndef TOOLCHAIN_MANIFEST_ID_H
#define TOOLCHAIN_MANIFEST_ID_H

#include "toolchain/manifest.h"

/* As toolchain_manifest_id(); *prefix is for the caller to free. */
int toolchain_manifest_identify(const struct toolchain_entry *v, size_t n,
				const char *driver, bool is_clang,
				struct digest *id, char **prefix);

#endif
