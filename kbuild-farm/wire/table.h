/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/table.h - Numbers for paths and flags, assigned by PATHS and FLAGS.
 *
 * The closure of a job (the files that it may read) has several hundred paths.
 * Nearly all of them belong to earlier closures as well.  A job has several
 * hundred flags.  Except for three or four, they are the flags of the previous
 * job in the same order.  Each path and each flag is therefore sent only once
 * per connection.  Jobs refer to a path by its number, and to flags by ranges
 * of numbers.  Paths and flags are numbered separately, from 0 in the order in
 * which the connection sends them.
 *
 * A valid path is in normal form: absolute, with no "//", no component "." or
 * "..", no trailing '/', and 2 to WIRE_PATH_MAX bytes.  Apart from links and
 * bind mounts, a file thus has only one valid path.  The path "/" is not valid.
 */
#ifndef WIRE_TABLE_H
#define WIRE_TABLE_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/map.h"
#include "base/str.h"
#include "wire/limits.h"

struct wire_intern_entry;
struct wire_job;

struct wire_intern {
	/*
	 * number of entries that wire_paths_put_new() or wire_flags_put_new()
	 * has encoded for the peer
	 */
	uint32_t n_sent;
	/* The remaining fields are private. */
	uint32_t n_entries, max_entries;
	size_t free_bytes; /* bytes that can still be added */
	struct map by_bytes;
	struct wire_intern_entry **entries; /* indexed by number */
};

void wire_intern_free(struct wire_intern *t); /* accepts NULL */

/* Return true if the path is in normal form. */
bool wire_path_is_valid(const char *path);

/*
 * Create the path table of a connection, for either end.  The caller frees it
 * with wire_intern_free().
 */
struct wire_intern *wire_paths_new(void);

/*
 * Sender: look up or assign the number of a path.  wire_paths_put_new() later
 * encodes a new path.  Returns 0; -EINVAL if the path is not in normal form; or
 * -ENOSPC if the table is full.  After -ENOSPC, no message on this connection
 * can refer to the path.
 */
int wire_paths_add(struct wire_intern *t, const char *path, uint32_t *number);
/*
 * Sender: append the body of a PATHS with as many unsent paths as fit.  Returns
 * false if all paths have been sent.  Before a message that uses the numbers,
 * call this function and send each PATHS until it returns false.
 */
bool wire_paths_put_new(struct wire_intern *t, struct buf *out);

/*
 * Receiver: add the paths of a PATHS body.  Returns 0.  Returns -EPROTO if the
 * body is malformed, has no path, does not start at the next number, or exceeds
 * the limits.  Also returns -EPROTO if a path is not in normal form, is already
 * in the table, or is encoded with a shorter prefix than it shares with the
 * previous path.  After an error, the caller ends the session.
 */
int wire_paths_receive(struct wire_intern *t, struct bytes body);
/*
 * Return the path of a number, or NULL if the number is not assigned.  The path
 * is borrowed for the life of the table.
 */
const char *wire_paths_get(const struct wire_intern *t, uint32_t number);

/* A compiler option. The node looks up `name` in its option table. */
struct wire_flag {
	/* as in the option table, such as "-O"; never empty */
	const char *name;
	const char *value; /* NULL for an option without value */
};

/*
 * Append a flag as bodies and digests encode it: string name, u8 has_value and,
 * only if has_value is 1, string value.
 */
void wire_flags_put(struct buf *out, const struct wire_flag *flag);

/*
 * Create the flag table of a connection, for either end.  The caller frees it
 * with wire_intern_free().
 */
struct wire_intern *wire_flags_new(void);

/*
 * Sender: convert the flags of a job to ranges of numbers.  Sets `flag_ranges`,
 * which wire_job_release() frees, and `n_flag_ranges` of `job`.
 * wire_flags_put_new() later encodes new flags.  Returns 0; -E2BIG if the flags
 * exceed the limits of a job in number or bytes; -ENOSPC if the table is full.
 */
int wire_flags_encode_job(struct wire_intern *t, struct wire_job *job,
			  const struct wire_flag *flags, size_t n);
/* Sender: like wire_paths_put_new(), for the FLAGS that precede the JOB. */
bool wire_flags_put_new(struct wire_intern *t, struct buf *out);

/*
 * Receiver: add the flags of a FLAGS body.  Returns 0, or -EPROTO if the body
 * is malformed or has no flag, does not start at the next number, has a flag
 * that is already in the table, or exceeds the limits.  After an error, the
 * caller ends the session.
 */
int wire_flags_receive(struct wire_intern *t, struct bytes body);
/*
 * Receiver: look up the flags of a job's ranges.  Returns 0 with an array of *n
 * flags in *flags, which the caller frees; its strings are borrowed for the
 * life of the table.  Returns -EPROTO if a number is not assigned or the flags
 * exceed the limits of a job.
 */
int wire_flags_decode_job(const struct wire_intern *t,
			  const struct wire_job *job, struct wire_flag **flags,
			  size_t *n);

#endif
