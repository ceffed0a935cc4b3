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
#include "wire/limits.h"
#include "wire/msg-job.h"

/* One option of a compile; the node looks `name` up in its own table. */
struct wire_flag {
	const char *name; /* as the table spells it, "-O"; never empty */
	const char *value; /* NULL for an option without one */
};

/* String name, u8 has_value, string value: how bodies and keys spell it. */
void wire_flag_put(struct buf *out, const struct wire_flag *flag);

/* The message.  A decoded one owns its strings. */
struct wire_flags {
	uint32_t first; /* the number of the first */
	uint32_t n;
	struct wire_flag *v;
};

void wire_flags_release(struct wire_flags *m);
void wire_flags_encode(struct buf *out, const struct wire_flags *m);
int wire_flags_decode(struct wire_flags *m, struct bytes in);

/* The sending end. */
struct wire_flags_sent;

struct wire_flags_sent *wire_flags_sent_new(void);
void wire_flags_sent_free(struct wire_flags_sent *t);
/*
 * The flags of a job as runs of numbers: sets `runs` (which it allocates; to
 * be freed by wire_job_release()) and `n_runs` of `job`.  New flags are for
 * the next wire_flags_sent_message().  0, -E2BIG where these are more flags
 * or bytes than a job may have, -ENOSPC where the table is full.
 */
int wire_flags_sent_runs(struct wire_flags_sent *t, struct wire_job *job,
			 const struct wire_flag *flags, size_t n);
/* As wire_paths_sent_message(): a FLAGS that goes out before the job. */
bool wire_flags_sent_message(struct wire_flags_sent *t, struct buf *out);

/* The receiving end. */
struct wire_flags_known;

struct wire_flags_known *wire_flags_known_new(void);
void wire_flags_known_free(struct wire_flags_known *t);
/*
 * Take the body of a FLAGS.  0, or -EPROTO where it is none, has a gap before
 * its first number, names a flag that has a number already, or is beyond the
 * limits; the conversation is then over.
 */
int wire_flags_known_take(struct wire_flags_known *t, struct bytes body);
/*
 * The flags that a job's runs stand for: an array of `*n` that the caller
 * frees, its strings borrowed for the table's life (NULL for none).  0, or
 * -EPROTO where a number is not known yet, or these are more flags or bytes
 * than a job may have.
 */
int wire_flags_known_runs(const struct wire_flags_known *t,
			  const struct wire_job *job, struct wire_flag **flags,
			  size_t *n);

#endif
