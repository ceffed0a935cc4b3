/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/json.h - JSON strings from arbitrary bytes.
 *
 * A path or text from a peer may contain any byte, but a JSON string must be
 * valid UTF-8.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/str.h"

#include <jansson.h>

/*
 * Return a new reference to the string `s`.  If `s` is not valid UTF-8, each
 * byte above 127 becomes U+FFFD.  NULL becomes null.
 */
json_t *json_text(const char *s);
/* Return a new reference to an array of strings, converted like json_text(). */
json_t *json_texts(const struct strv *list);
/* Append `s` quoted, with the same conversion as json_text(). */
void json_add_text(struct buf *out, const char *s);

#endif
