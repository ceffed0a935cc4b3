/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/url.h - URLs as people write them (RFC 3986).
 */
#ifndef BASE_URL_H
#define BASE_URL_H

#include <stdbool.h>

/* Does it begin as SCHEME:// does? */
bool url_is(const char *text);
/*
 * `text` to be shown, the caller frees it: a URL without its password.  With
 * http and https whoever it names goes as well: that may be a token.
 */
char *url_shown(const char *text);
/*
 * Resolve %XX, in place.  False for a percent sign that is none, or stands for
 * a NUL; then `s` is of no use.
 */
bool url_unescape(char *s);

#endif
