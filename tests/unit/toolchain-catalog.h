/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/toolchain-catalog.h - The text of a catalog's cache file.
 */
#ifndef TOOLCHAIN_CATALOG_TEST_H
#define TOOLCHAIN_CATALOG_TEST_H

#include "toolchain/catalog.h"

static inline void add_catalog_strings(struct buf *out, const char *name,
				       char *const *words)
{
	buf_printf(out, ",\n\"%s\": [", name);
	for (size_t i = 0; words[i]; i++)
		buf_printf(out, "%s\"%s\"", i ? ", " : "", words[i]);
	buf_add_str(out, "]");
}

/* Return the text of a catalog; the lists end in NULL. */
static inline char *catalog_text(int64_t fetched_s, char *const *mirrors,
				 char *const *failed, char *const *archives)
{
	struct buf text = { 0 };

	buf_printf(&text, "{\"format\": 1, \"fetched\": %lld",
		   (long long)fetched_s);
	add_catalog_strings(&text, "mirrors", mirrors);
	add_catalog_strings(&text, "failed", failed);
	add_catalog_strings(&text, "archives", archives);
	buf_add_str(&text, "}\n");
	return buf_steal(&text);
}

#endif
