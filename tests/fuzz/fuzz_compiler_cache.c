/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "compiler/library.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);

	for (size_t n = 0;; n++) {
		const char *path = compiler_library_find_cached(in, "libc.so.6",
								n);

		if (!path)
			return 0;
		if ((const uint8_t *)path < data ||
		    (const uint8_t *)path + strlen(path) >= data + size)
			abort();
	}
}
