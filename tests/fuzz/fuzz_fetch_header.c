/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/curl.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is a value, as libcurl cuts it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fetch_answer a = { .length = -1 };
	char *value = xstrndup((const char *)data, size);

	fetch_header_range(&a, value);
	if (a.has_range && a.range_total <= a.range_from)
		abort();
	if (fetch_header_is_stamp(value) && strlen(value) > FETCH_STAMP_MAX)
		abort();
	free(value);
	return 0;
}
