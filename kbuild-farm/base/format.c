/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/format.h"

void format_time(struct buf *out, uint64_t ms)
{
	unsigned long long s = ms / 1000;

	if (s >= 3600)
		buf_printf(out, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60,
			   s % 60);
	else
		buf_printf(out, "%llu:%02llu", s / 60, s % 60);
}

void format_duration(struct buf *out, uint64_t ms)
{
	format_time(out, ms + 500);
}

/* `unit` is 0 for no unit. */
static void put_whole(struct buf *out, uint64_t n, char unit)
{
	buf_add_number(out, n);
	if (unit)
		buf_add(out, &unit, 1);
}

static void put_tenths(struct buf *out, uint64_t tenths, char unit)
{
	buf_add_number(out, tenths / 10);
	buf_add_str(out, ".");
	put_whole(out, tenths % 10, unit);
}

void format_duration_short(struct buf *out, uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s < 100)
		put_tenths(out, ms / 100, 's');
	else if (s < 1000)
		put_whole(out, s, 's');
	else if (s < 100 * 60)
		put_whole(out, s / 60, 'm');
	else if (s < 100 * 3600)
		put_whole(out, s / 3600, 'h');
	else
		put_whole(out, s / 86400 < 9999 ? s / 86400 : 9999, 'd');
}

void format_bytes(struct buf *out, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	uint64_t tenths;
	size_t unit = 0;

	if (bytes < 1000) {
		put_whole(out, bytes, 0);
		return;
	}
	for (tenths = bytes / 100; tenths >= 10000; tenths /= 1000)
		unit++;
	if (tenths < 100)
		put_tenths(out, tenths, units[unit]);
	else
		put_whole(out, tenths / 10, units[unit]);
}

void format_milli(struct buf *out, uint64_t milli)
{
	put_tenths(out, milli / 100, 0);
}

const char *format_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}
