/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/checksums.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char name[] = "a.tar.xz";
	struct digest sum;
	struct err err;

	/* No valid line is shorter than this. */
	if (!fetch_checksums_find(bytes_of(data, size), name, &sum, &err) &&
	    size < 2 * DIGEST_SIZE + 2 + sizeof(name) - 1)
		abort();
	return 0;
}
