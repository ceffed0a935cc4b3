/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/diagnostics.h"

#include "base/str.h"
#include "wire/limits.h"

#include <string.h>

bool agent_diagnostics_signal(struct bytes text)
{
	static const char lost[] = " signal terminated program ";

	return text.len && memmem(text.data, text.len, lost, strlen(lost));
}

/* What stands between `before` and `after`, which ends the text; or NULL. */
static char *between(const char *at, size_t len, const char *before,
		     const char *after)
{
	size_t m = strlen(before), n = strlen(after);

	if (len <= m + n || len > WIRE_REASON_MAX || memcmp(at, before, m) ||
	    memcmp(at + len - n, after, n))
		return NULL;
	return xstrndup(at + m, len - m - n);
}

char *agent_diagnostics_missing(struct bytes text)
{
	static const char mark[] = ": fatal error: ";
	const char *at, *end = (const char *)text.data + text.len, *nl;
	char *name;

	if (!text.len)
		return NULL;
	at = memmem(text.data, text.len, mark, strlen(mark));
	if (!at)
		return NULL;
	at += strlen(mark);
	nl = memchr(at, '\n', (size_t)(end - at));
	if (nl)
		end = nl;
	name = between(at, (size_t)(end - at), "",
		       ": No such file or directory");
	return name ? name :
		      between(at, (size_t)(end - at), "'", "' file not found");
}
