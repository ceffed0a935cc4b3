/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/key.h - what binds an answer to its question.
 *
 * Both ends make the key of a job; the node puts it into the digest that goes
 * with its result, so that an answer to another job, from another toolchain,
 * or one that was cut or changed is seen.
 */
#ifndef WIRE_KEY_H
#define WIRE_KEY_H

#include "wire/flags.h"
#include "wire/msg-job.h"

/*
 * SHA-256 over the body of its STEP with the number 0 (`step` is NULL: none),
 * the body of JOB with the number 0 and its flags (name, value; `n` of them,
 * those that its runs stand for) in place of the runs, and the toolchain's
 * identity.
 */
void wire_job_key(const struct wire_step *step, const struct wire_job *m,
		  const struct wire_flag *flags, size_t n,
		  const struct digest *toolchain, struct digest *key);

/*
 * SHA-256 over the key and each of the streams, in the order of enum
 * wire_output: its length as u32, and its bytes.
 */
void wire_answer_digest(const struct digest *key,
			const struct bytes streams[static WIRE_STREAMS],
			struct digest *out);

#endif
