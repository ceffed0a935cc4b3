/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/curl.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is a header value as libcurl passes it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fetch_response a = { .length_bytes = -1 };
	char *value = xstrndup((const char *)data, size);

	fetch_curl_parse_range(&a, value);
	if (a.has_range && a.range_total <= a.range_from)
		abort();
	if (fetch_curl_is_validator(value) &&
	    strlen(value) > FETCH_VALIDATOR_LEN_MAX)
		abort();
	free(value);
	return 0;
}
