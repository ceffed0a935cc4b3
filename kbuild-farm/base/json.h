/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/json.h - texts as JSON: a path or a peer's words may hold any byte, a
 * JSON string only UTF-8.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/str.h"

#include <jansson.h>

/*
 * A new reference to the string `s`; where that is not UTF-8, each byte above
 * 127 becomes U+FFFD.  NULL is null.
 */
json_t *json_text(const char *s);
/* A new reference to an array of them. */
json_t *json_texts(const struct strv *list);
/* Appends the string `s`, quoted, as json_text() makes one of it. */
void json_add_text(struct buf *out, const char *s);

#endif
