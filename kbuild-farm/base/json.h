/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/json.h - JSON files, and JSON strings from arbitrary bytes.
 *
 * A path or text from a peer may contain any byte, but a JSON string must be
 * valid UTF-8.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/state-file.h"
#include "base/str.h"

#include <jansson.h>

/*
 * Return a new reference to the string `s`.  Each byte that does not belong to
 * a valid UTF-8 character becomes U+FFFD.  NULL becomes null.
 */
json_t *json_text(const char *s);
/* Return a new reference to an array of strings, converted like json_text(). */
json_t *json_texts(const struct strv *list);
/* Append `s` quoted, with the same conversion as json_text(). */
void json_add_text(struct buf *out, const char *s);

/* A state file that contains a JSON value. */
struct json_file {
	struct state_file file;
	size_t dump_flags; /* flags for json_dumps() */
	bool ends_line; /* a newline ends the file */
};

/*
 * Parse a text.  Returns 0 with a new reference in *out; or -EINVAL with *out
 * NULL and a message that names the line.
 */
int json_parse(json_t **out, struct bytes text, struct err *err);
/*
 * Read a file.  Returns 0, or the errors of state_file_read() and json_parse()
 * with a message that names the file.  *out is NULL after an error.
 */
int json_file_read(const struct json_file *f, const char *path, json_t **out,
		   struct err *err);
/* Return the text of a file that contains `o`.  The caller frees it. */
char *json_file_format(const struct json_file *f, const json_t *o);
int json_file_write(const struct json_file *f, const char *path,
		    const json_t *o, struct err *err);

#endif
