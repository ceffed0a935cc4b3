/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/std.h"

#include "scan/lex.h"

#include <string.h>

#define ISO (SCAN_STRICT | SCAN_TRIGRAPHS)

bool scan_std_mode(const char *name, unsigned *mode)
{
	static const struct {
		const char *name;
		unsigned mode;
	} all[] = {
		{ "c11", ISO },
		{ "c17", ISO },
		{ "c18", ISO },
		{ "c1x", ISO },
		{ "c23", ISO | SCAN_SEPARATORS },
		{ "c2x", ISO | SCAN_SEPARATORS },
		{ "c2y", ISO | SCAN_SEPARATORS },
		{ "c89", ISO | SCAN_OLD },
		{ "c90", ISO | SCAN_OLD },
		{ "c99", ISO },
		{ "c9x", ISO },
		{ "gnu11", SCAN_RAW },
		{ "gnu17", SCAN_RAW },
		{ "gnu18", SCAN_RAW },
		{ "gnu1x", SCAN_RAW },
		{ "gnu23", SCAN_RAW | SCAN_SEPARATORS },
		{ "gnu2x", SCAN_RAW | SCAN_SEPARATORS },
		{ "gnu2y", SCAN_RAW | SCAN_SEPARATORS },
		{ "gnu89", 0 },
		{ "gnu90", 0 },
		{ "gnu99", SCAN_RAW },
		{ "gnu9x", SCAN_RAW },
		{ "iso9899:1990", ISO | SCAN_OLD },
		{ "iso9899:1999", ISO },
		{ "iso9899:199x", ISO },
		{ "iso9899:2011", ISO },
		{ "iso9899:2017", ISO },
		{ "iso9899:2018", ISO },
		{ "iso9899:2024", ISO | SCAN_SEPARATORS },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!strcmp(name, all[i].name)) {
			*mode = all[i].mode;
			return true;
		}
	}
	return false;
}

bool scan_std_trigraph(const uint8_t *text, size_t len)
{
	const uint8_t *p = text, *end = text + len;

	for (; (p = memmem(p, (size_t)(end - p), "??", 2)); p++) {
		if (p + 2 < end && memchr("=/'()!<>-", p[2], 9))
			return true;
	}
	return false;
}
