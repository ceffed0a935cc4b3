/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/header.h"

#include <stdlib.h>
#include <strings.h>

void fetch_answer_release(struct fetch_answer *a)
{
	free(a->etag);
	free(a->modified);
	free(a->url);
	*a = (struct fetch_answer){ .length = -1 };
}

bool fetch_header_is_stamp(const char *s)
{
	size_t n = 0;

	while (s[n] >= ' ' && s[n] <= '~')
		n++;
	return n && !s[n] && n <= FETCH_STAMP_MAX;
}

/* Digits; false: there are none, or too many. */
static bool take_number(const char **p, uint64_t *out)
{
	*out = 0;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		if (*out > (INT64_MAX - 9) / 10)
			return false;
		*out = *out * 10 + (uint64_t)(**p - '0');
	}
	return true;
}

void fetch_header_range(struct fetch_answer *a, const char *value)
{
	bool is_bytes = !strncasecmp(value, "bytes ", 6);
	const char *p = is_bytes ? value + 6 : value;
	uint64_t from, to, total;

	a->has_range = is_bytes && take_number(&p, &from) && *p++ == '-' &&
		       take_number(&p, &to) && *p++ == '/' &&
		       take_number(&p, &total) && !*p && from <= to &&
		       to + 1 == total;
	a->range_from = a->has_range ? from : 0;
	a->range_total = a->has_range ? total : 0;
}
