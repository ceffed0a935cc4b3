/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/format.h"

void ui_format_time(struct buf *out, uint64_t ms)
{
	unsigned long long s = ms / 1000;

	if (s >= 3600)
		buf_printf(out, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60,
			   s % 60);
	else
		buf_printf(out, "%llu:%02llu", s / 60, s % 60);
}

void ui_format_span(struct buf *out, uint64_t ms)
{
	unsigned long long s = ms / 1000;

	if (s < 100)
		buf_printf(out, "%llu.%llus", s,
			   (unsigned long long)ms / 100 % 10);
	else if (s < 1000)
		buf_printf(out, "%llus", s);
	else if (s < 100 * 60)
		buf_printf(out, "%llum", s / 60);
	else if (s < 100 * 3600)
		buf_printf(out, "%lluh", s / 3600);
	else
		buf_printf(out, "%llud", s / 86400 < 9999 ? s / 86400 : 9999);
}

void ui_format_bytes(struct buf *out, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	unsigned long long tenths;
	size_t unit = 0;

	if (bytes < 1000) {
		buf_printf(out, "%u", (unsigned)bytes);
		return;
	}
	for (tenths = bytes / 100; tenths >= 10000; tenths /= 1000)
		unit++;
	if (tenths < 100)
		buf_printf(out, "%llu.%llu%c", tenths / 10, tenths % 10,
			   units[unit]);
	else
		buf_printf(out, "%llu%c", tenths / 10, units[unit]);
}

void ui_format_milli(struct buf *out, uint64_t milli)
{
	buf_printf(out, "%llu.%llu", (unsigned long long)milli / 1000,
		   (unsigned long long)milli / 100 % 10);
}
