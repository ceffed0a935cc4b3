/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"
#include "cli/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AGE_MAX 100000 /* of any unit */

/* Seconds of a unit's letter; 0: it is none. */
static int64_t unit_seconds(char letter)
{
	switch (letter) {
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 7 * 86400;
	}
	return 0;
}

static bool take_age(const char *text, int64_t now_s, int64_t *out)
{
	size_t n = strlen(text);
	int64_t unit = n ? unit_seconds(text[n - 1]) : 0;
	char *number = xstrndup(text, n ? n - 1 : 0);
	long count;
	bool is = unit && !str_number(number, 0, AGE_MAX, &count);

	if (is)
		*out = now_s - count * unit;
	free(number);
	return is;
}

static bool take_date(const char *text, const char *format, int64_t *out)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *end = strptime(text, format, &tm);
	time_t at;

	if (!end || *end)
		return false;
	at = mktime(&tm);
	*out = (int64_t)at;
	return at != (time_t)-1;
}

int history_since(const char *text, int64_t now_s, int64_t *out,
		  struct err *err)
{
	if (take_age(text, now_s, out) || take_date(text, "%Y-%m-%d", out) ||
	    take_date(text, "%Y-%m-%d %H:%M", out) ||
	    take_date(text, "%Y-%m-%dT%H:%M", out))
		return 0;
	return err_set(err, EINVAL,
		       "--since %s: as 12h, 7d, 2w, 2026-11-01 or "
		       "\"2026-11-01 02:30\"",
		       text);
}
