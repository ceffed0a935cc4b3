/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/url.h"

#include "base/str.h"

#include <string.h>
#include <strings.h>

#define SCHEME                       \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."

/* Return the start of the authority, or NULL if the text is not a URL. */
static const char *find_authority(const char *text)
{
	size_t n = strspn(text, SCHEME);

	return n && str_starts(text + n, "://") ? text + n + 3 : NULL;
}

bool url_has_scheme(const char *text)
{
	return find_authority(text) != NULL;
}

char *url_redact(const char *text)
{
	const char *host = find_authority(text), *at, *from;

	at = host ? memrchr(host, '@', strcspn(host, "/?#")) : NULL;
	if (!at)
		return xstrdup(text);
	if (!strncasecmp(text, "http", 4))
		return xasprintf("%.*s%s", (int)(host - text), text, at + 1);
	from = memchr(host, ':', (size_t)(at - host));
	return xasprintf("%.*s%s", (int)((from ? from : at) - text), text, at);
}

bool url_unescape(char *s)
{
	char *to = s;
	int high, low;

	for (; *s; s++) {
		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		high = str_hex_digit(s[1]);
		low = high < 0 ? -1 : str_hex_digit(s[2]);
		if (low < 0 || (!high && !low))
			return false;
		*to++ = (char)(high << 4 | low);
		s += 2;
	}
	*to = '\0';
	return true;
}
