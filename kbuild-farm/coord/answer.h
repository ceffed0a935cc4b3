/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/answer.h - is what a node sent the object that was asked for?
 */
#ifndef COORD_ANSWER_H
#define COORD_ANSWER_H

#include "coord/state.h"

/*
 * Check a RESULT against its job and job->answer.  Returns 0 when the object
 * may be used; -EAGAIN when the compiler failed or had something to say (to
 * be repeated here); -EBADMSG, with `err` saying how, when the answer is
 * wrong: lengths, digest, toolchain, or another kind of object file than
 * the reference.
 */
int coord_answer_check(const struct coord_job *job, const struct wire_result *r,
		       struct err *err);
/*
 * Is `object` of the same format as `reference`: both relocatable ELF of one
 * class, byte order and machine with all its sections inside the file, or
 * both of one other kind (bitcode)?  0 or -EBADMSG.
 */
int coord_answer_format(struct bytes object, struct bytes reference,
			struct err *err);
/* Write the object to job->object_tmp, which must not exist. */
int coord_answer_write(const struct coord_job *job, struct bytes object,
		       struct err *err);

#endif
