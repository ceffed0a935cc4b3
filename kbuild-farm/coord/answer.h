/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/answer.h - is what a node sent the object that was asked for?
 */
#ifndef COORD_ANSWER_H
#define COORD_ANSWER_H

#include "coord/state.h"

/*
 * Is `object` of the same format as `reference`: both relocatable ELF of one
 * class, byte order and machine with all its sections inside the file, or
 * both of one other kind (bitcode)?  0 or -EBADMSG.
 */
int coord_answer_format(struct bytes object, struct bytes reference,
			struct err *err);
/* Is it ELF or bitcode, so that an answer can be compared with it? */
bool coord_answer_is_known(struct bytes reference);
/* Write an output to `tmp`, a path of the job's, which must not exist. */
int coord_answer_write(const struct coord_job *job, const char *tmp,
		       struct bytes content, struct err *err);

#endif
