/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/header.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *s, size_t most)
{
	if (!s)
		return;
	if (!*s || strlen(s) > most)
		abort();
	for (; *s; s++) {
		if (*s < ' ' || *s > '~')
			abort();
	}
}

/* The input is lines, as libcurl cuts them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fetch_answer a = { .length = -1 };

	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t n = end ? (size_t)(end - data) + 1 : size;

		fetch_header_line(&a, bytes_of(data, n));
		data += n;
		size -= n;
	}
	check(a.etag, FETCH_STAMP_MAX);
	check(a.modified, FETCH_STAMP_MAX);
	check(a.location, FETCH_LOCATION_MAX);
	if (a.has_range && a.range_total <= a.range_from)
		abort();
	fetch_answer_release(&a);
	return 0;
}
