/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/paths.h - numbers for paths: the message PATHS, and the table of a
 * connection on both of its ends.
 *
 * A job's closure is some hundred paths, nearly all of which other jobs had
 * before; so each goes over the wire once, and is a number from then on.  The
 * numbers are 0, 1, 2, ... in the order of sending, in all PATHS together.
 *
 * A path is in normal form: absolute, without "//", "." and ".." components
 * or a '/' at its end, 2 to WIRE_PATH_MAX bytes; so one file has one spelling
 * (but for symbolic links), and "/" has none.
 */
#ifndef WIRE_PATHS_H
#define WIRE_PATHS_H

#include "base/buf.h"
#include "base/str.h"
#include "wire/limits.h"

/* Is it in normal form? */
bool wire_path_ok(const char *path);

/* The message. */
struct wire_paths {
	uint32_t first; /* the number of the first */
	struct strv list;
};

void wire_paths_release(struct wire_paths *m);
void wire_paths_encode(struct buf *out, const struct wire_paths *m);
/*
 * -EPROTO too where a path is not in normal form, shares less with the one
 * before than it could, or has a number beyond WIRE_PATHS_KNOWN.
 */
int wire_paths_decode(struct wire_paths *m, struct bytes in);

/* The sending end. */
struct wire_paths_sent;

struct wire_paths_sent *wire_paths_sent_new(void);
void wire_paths_sent_free(struct wire_paths_sent *t);
/*
 * The number of a path; a new one is for the next wire_paths_sent_message().
 * 0, -EINVAL where the path is not in normal form, -ENOSPC where the table is
 * full (such a job is not for this node).
 */
int wire_paths_sent_number(struct wire_paths_sent *t, const char *path,
			   uint32_t *number);
/*
 * Append the body of a PATHS with what has a number and was not sent yet, as
 * much as one body holds; call it until it returns false, there was nothing.
 * These messages go out before any that uses the numbers.
 */
bool wire_paths_sent_message(struct wire_paths_sent *t, struct buf *out);

/* The receiving end. */
struct wire_paths_known;

struct wire_paths_known *wire_paths_known_new(void);
void wire_paths_known_free(struct wire_paths_known *t);
/*
 * Take the body of a PATHS.  0, or -EPROTO where it is none, has a gap before
 * its first number, names a path that has a number already, or is beyond the
 * limits; the conversation is then over.
 */
int wire_paths_known_take(struct wire_paths_known *t, struct bytes body);
/* The path of a number, NULL: none has it.  Borrowed for the table's life. */
const char *wire_paths_known_get(const struct wire_paths_known *t,
				 uint32_t number);
/* How many there are: numbers are below. */
uint32_t wire_paths_known_count(const struct wire_paths_known *t);

#endif
