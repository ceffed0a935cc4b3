/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/answer.h - is what a node sent the object that was asked for?
 */
#ifndef COORD_ANSWER_H
#define COORD_ANSWER_H

#include "coord/state.h"

/* Write an output to `tmp`, a path of the job's, which must not exist. */
int coord_answer_write(const struct coord_job *job, const char *tmp,
		       struct bytes content, struct err *err);

#endif
