/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/checksums.h"

#include <errno.h>
#include <string.h>

#define HEX (2 * DIGEST_SIZE)

/*
 * Parse a line "SUM  NAME" whose NAME is `name`.  Returns false for any other
 * line.
 */
static bool is_checksum_of(struct bytes line, const char *name,
			   struct digest *sum)
{
	size_t len = strlen(name);
	char hex[HEX + 1] = "";

	if (line.len < HEX)
		return false;
	memcpy(hex, line.data, HEX);
	return line.len == HEX + 2 + len && line.data[HEX] == ' ' &&
	       (line.data[HEX + 1] == ' ' || line.data[HEX + 1] == '*') &&
	       !memcmp(line.data + HEX + 2, name, len) &&
	       digest_parse(sum, hex);
}

int fetch_checksums_find(struct bytes list, const char *name,
			 struct digest *out, struct err *err)
{
	struct digest found, sum;
	unsigned n = 0;

	while (list.len) {
		if (is_checksum_of(bytes_take_line(&list), name, &sum)) {
			found = sum;
			n++;
		}
	}
	if (!n)
		return err_set(err, ENOENT, "%s is not listed", name);
	if (n > 1)
		return err_set(err, EINVAL, "%s is listed %u times", name, n);
	*out = found;
	return 0;
}
