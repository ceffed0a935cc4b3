/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/lex.h"

const char *scan_odd_why(enum scan_odd odd)
{
	static const char *const why[] = {
		[SCAN_ODD_DIRECTIVE] = "unknown directive",
		[SCAN_ODD_ERROR] = "#error or a directive in error",
		[SCAN_ODD_EMBED] = "#embed",
		[SCAN_ODD_NAME] = "odd name of a macro",
		[SCAN_ODD_PRAGMA] = "pragma that we do not follow",
		[SCAN_ODD_OPTIONS] = ("pragma that changes the compiler's "
				      "options"),
		[SCAN_ODD_INCBIN] = ".incbin or .include, name not plain",
		[SCAN_ODD_WORD] = "word across two lines",
		[SCAN_ODD_BYTES] = "trigraph, carriage return or raw string",
		[SCAN_ODD_ASSERT] = "#assert",
		[SCAN_ODD_LARGE] = "file of too many directives",
		[SCAN_ODD_ORIGIN] = "#line with a name that is not plain",
		[SCAN_ODD_PARTS] = ".incbin, perhaps, in pieces",
	};

	return why[odd];
}
