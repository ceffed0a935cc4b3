/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/path-leak.h"

#include "cell/cell.h"

#include <ctype.h>
#include <string.h>

/* Could this byte stand in a path before ours?  Then it is another's. */
static bool goes_on(uint8_t c)
{
	return isalnum(c) || (c && strchr("/._-+~", c)) || c >= 0x80;
}

static bool names(struct bytes in, const char *dir)
{
	const uint8_t *p = in.data, *end = p + in.len;

	while (p < end &&
	       (p = memmem(p, (size_t)(end - p), dir, strlen(dir)))) {
		if (p == in.data || !goes_on(p[-1]))
			return true;
		p++;
	}
	return false;
}

bool agent_path_leaks(struct bytes in)
{
	return names(in, CELL_OUT) || names(in, CELL_TMP);
}
