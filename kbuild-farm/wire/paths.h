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
#include "wire/intern.h"
#include "wire/limits.h"

/* Is it in normal form? */
bool wire_path_ok(const char *path);

/* The table of a connection, on either end; wire_intern_free() frees it. */
struct wire_intern *wire_paths_new(void);

/*
 * On the sending end: the number of a path; a new one is for the next
 * wire_paths_message().  0, -EINVAL where the path is not in normal form,
 * -ENOSPC where the table is full (such a job is not for this node).
 */
int wire_paths_number(struct wire_intern *t, const char *path,
		      uint32_t *number);
/*
 * Append the body of a PATHS with what has a number and was not sent yet, as
 * much as one body holds; call it until it returns false, there was nothing.
 * These messages go out before any that uses the numbers.
 */
bool wire_paths_message(struct wire_intern *t, struct buf *out);

/*
 * On the receiving end: take the body of a PATHS.  0, or -EPROTO where it is
 * none, has a gap before its first number, has a path that is not in normal
 * form, shares less with the one before than it could, or has a number
 * already, or is beyond the limits; the conversation is then over.
 */
int wire_paths_take(struct wire_intern *t, struct bytes body);
/* The path of a number, NULL: none has it.  Borrowed for the table's life. */
const char *wire_paths_get(const struct wire_intern *t, uint32_t number);

#endif
