/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/question.h - what a probe asks, whole: all that its answer depends on.
 */
#ifndef CC_QUESTION_H
#define CC_QUESTION_H

#include "base/buf.h"
#include "options/probe.h"

struct cc_question {
	const char *dir; /* where answers are */
	const char *compiler; /* an absolute path */
	char **argv;
	char *const *env;
	struct options_probe words; /* what those of argv say */
	bool joined; /* stdout and stderr are the same file */
	bool english; /* what is said can be understood */
	bool no_probe; /* by its input, which the compiler is to have yet */
	bool too_long; /* that goes on behind `input` */
	struct buf input; /* what was read of standard input, from a pipe */
	struct buf text; /* two that are equal are the same question */
};

/*
 * Fill in the rest of what has the first five.  False: it is none that may be
 * remembered, and nothing was read of standard input; where the compiler's list
 * is missing, that is noted (options/probe-list.h).
 */
bool cc_question_make(struct cc_question *q);
/* Are the compiler's files as they were? */
bool cc_question_stands(const struct cc_question *q);
void cc_question_release(struct cc_question *q);

#endif
