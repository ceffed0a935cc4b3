/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/sums.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define HEX (2 * DIGEST_SIZE)

static bool hex_digest(const uint8_t *text, struct digest *out)
{
	for (size_t i = 0; i < HEX; i++) {
		int c = tolower(text[i]);

		if (!isxdigit(c))
			return false;
		c = c <= '9' ? c - '0' : c - 'a' + 10;
		out->b[i / 2] = (uint8_t)(i % 2 ? out->b[i / 2] | c : c << 4);
	}
	return true;
}

/* Is it "SUM  NAME"?  Then the sum. */
static bool is_for(struct bytes line, const char *name, struct digest *sum)
{
	size_t len = strlen(name);

	return line.len == HEX + 2 + len && line.data[HEX] == ' ' &&
	       (line.data[HEX + 1] == ' ' || line.data[HEX + 1] == '*') &&
	       !memcmp(line.data + HEX + 2, name, len) &&
	       hex_digest(line.data, sum);
}

int fetch_sums_find(struct bytes list, const char *name, struct digest *out,
		    struct err *err)
{
	struct digest found, sum;
	unsigned n = 0;

	while (list.len) {
		if (is_for(bytes_line(&list), name, &sum)) {
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
