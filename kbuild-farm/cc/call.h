/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/call.h - one call of a compiler by make, from its words to its end.
 */
#ifndef CC_CALL_H
#define CC_CALL_H

#include "cc/job.h"
#include "cc/probe.h"

#include <stdbool.h>

struct cc_call {
	char *compiler; /* the real one; the call's own */
	char **argv; /* its words; argv[0] changes */
	char **env; /* what it gets */
	const char *slots; /* of which it takes one; NULL: of none */
	bool offered; /* to the coordinator */
	bool stepped; /* with the step that was to be asked beside it */
	struct cc_probe *probe; /* a question to be remembered, or NULL */
	int kept; /* to stay open until the compiler has ended; -1: nothing */
};

/*
 * Find out what is called, behind kfarm-cc itself as a launcher, and ask the
 * coordinator where that is to be done.  `env` has KFARM_SOCKET and its like,
 * which are taken out, in place (cc/local.h).
 *
 * CC_ANSWER_DONE: it has ended with *status, also where no compiler was found,
 * which was said, and where the answer to a probe was remembered.  With a
 * `step` that does not fit the call nothing is asked of its kind: a compile is
 * asked without, and -E is not.  CC_ANSWER_LOCAL and NONE: cc_call_exec() is to
 * be called, here or in a child; see cc/job.h for the rest.
 */
enum cc_answer cc_call_begin(struct cc_call *c, char **argv, char **env,
			     const struct cc_step *step, int *status);
/*
 * Become the compiler, or run it where what it answers is to be remembered:
 * returns its status, or one where it cannot be run, having said so.
 */
int cc_call_exec(const struct cc_call *c);
/*
 * Take the slot that cc_call_exec() would take, once, for what is run beside
 * the compiler, too: its descriptor, to be closed behind all of that, or -1.
 */
int cc_call_hold_slot(struct cc_call *c);
/* Where somebody else becomes it. */
void cc_call_release(struct cc_call *c);

#endif
