/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/dir-listing.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *name)
{
	if (!*name || strlen(name) > 255 || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		abort();
	for (; *name; name++) {
		if (*name < ' ' || *name > '~' || *name == '/' || *name == '\\')
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strv names = { 0 };
	struct err err = { 0 };

	if (fetch_dir_listing_parse(bytes_of(data, size), &names, &err))
		abort();
	for (size_t i = 0; i < names.n; i++) {
		check(names.v[i]);
		if (i && strcmp(names.v[i - 1], names.v[i]) >= 0)
			abort();
	}
	strv_release(&names);
	return 0;
}
