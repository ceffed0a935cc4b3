/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/url.h - URLs as users write them (RFC 3986). */
#ifndef BASE_URL_H
#define BASE_URL_H

#include <stdbool.h>

/* Return true if the text begins with SCHEME://. */
bool url_has_scheme(const char *text);
/*
 * Return a URL without its password, for display.  For http and https the user
 * name is removed as well, because it may be a token.  Returns a copy of any
 * other text.  The caller frees it.
 */
char *url_redact(const char *text);
/*
 * Decode %XX in place.  Returns false, with `s` undefined, if a percent sign is
 * malformed or encodes a NUL.
 */
bool url_unescape(char *s);

#endif
