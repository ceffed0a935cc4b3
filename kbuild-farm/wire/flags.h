/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/flags.h - numbers for flags: the message FLAGS, and the table of a
 * connection on both of its ends.
 *
 * A job has some hundred flags, of which all but three or four are those of
 * the job before, in the same order.  So a flag goes over the wire once, and
 * a job says runs of numbers.  The numbers are 0, 1, 2, ... in the order of
 * sending, in all FLAGS together.
 */
#ifndef WIRE_FLAGS_H
#define WIRE_FLAGS_H

#include "base/buf.h"
#include "wire/intern.h"
#include "wire/limits.h"
#include "wire/msg-job.h"

/* One option of a compile; the node looks `name` up in its own table. */
struct wire_flag {
	const char *name; /* as the table spells it, "-O"; never empty */
	const char *value; /* NULL for an option without one */
};

/* String name, u8 has_value, string value: how bodies and keys spell it. */
void wire_flag_put(struct buf *out, const struct wire_flag *flag);

/* The table of a connection, on either end; wire_intern_free() frees it. */
struct wire_intern *wire_flags_new(void);

/*
 * On the sending end: the flags of a job as runs of numbers.  Sets `runs`
 * (which it allocates; to be freed by wire_job_release()) and `n_runs` of
 * `job`.  New flags are for the next wire_flags_message().  0, -E2BIG where
 * these are more flags or bytes than a job may have, -ENOSPC where the table
 * is full.
 */
int wire_flags_runs(struct wire_intern *t, struct wire_job *job,
		    const struct wire_flag *flags, size_t n);
/* As wire_paths_message(): a FLAGS that goes out before the job. */
bool wire_flags_message(struct wire_intern *t, struct buf *out);

/*
 * On the receiving end: take the body of a FLAGS.  0, or -EPROTO where it is
 * none, has a gap before its first number, names a flag that has a number
 * already, or is beyond the limits; the conversation is then over.
 */
int wire_flags_take(struct wire_intern *t, struct bytes body);
/*
 * The flags that a job's runs stand for: an array of `*n` that the caller
 * frees, its strings borrowed for the table's life (NULL for none).  0, or
 * -EPROTO where a number is not known yet, or these are more flags or bytes
 * than a job may have.
 */
int wire_flags_of_runs(const struct wire_intern *t, const struct wire_job *job,
		       struct wire_flag **flags, size_t *n);

#endif
