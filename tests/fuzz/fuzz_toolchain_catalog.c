/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/catalog.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A catalog cache file that is valid survives writing and reading. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toolchain_catalog c = { 0 }, again = { 0 };
	struct strv mirrors = { 0 };
	struct err err = { 0 };
	char *text;

	if (toolchain_catalog_decode(&c, bytes_of(data, size), &mirrors,
				     &err)) {
		if (!err.text[0] || c.n_archives)
			abort();
		strv_release(&mirrors);
		return 0;
	}
	for (size_t i = 0; i < c.n_archives; i++) {
		if (strstr(c.archives[i].mirror_path, ".."))
			abort();
	}
	text = toolchain_catalog_encode(&c, &mirrors);
	if (toolchain_catalog_decode(&again, bytes_str(text), NULL, &err) ||
	    again.n_archives != c.n_archives || again.fetched_s != c.fetched_s)
		abort();
	free(text);
	toolchain_catalog_release(&again);
	toolchain_catalog_release(&c);
	strv_release(&mirrors);
	return 0;
}
