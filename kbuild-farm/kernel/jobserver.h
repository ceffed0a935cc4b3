/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/jobserver.h - Jobserver that issues make's tokens.
 *
 * A token is the right to run one recipe.  There is one token for each local
 * slot, and one for each recipe that waits for a node's result or for a local
 * slot: a waiting recipe does not load the build host, so another recipe can
 * run.  With 60 slots on nodes, 60 compiles thus stay in flight even while
 * other compiles wait for local slots.  make never starts 60 linkers, because a
 * linker does not wait.
 *
 * In GNU make's protocol ("POSIX Jobserver Interaction" in its manual), a make
 * owns one token from the start, reads a byte for each further recipe and
 * writes the byte back when the recipe has finished.  MAKEFLAGS names the two
 * descriptors, --jobserver-auth=R,W.  make 4.2 and later support this form, and
 * use it only without -j on the command line.  A process of kfarm, the broker,
 * issues the tokens:
 *
 *	make reads R <---- tokens issued ------------ broker
 *	make writes W ---- tokens returned ---------> broker
 *
 * There are two pipes.  From a single pipe make would at once read the token
 * that it has just returned.  The broker could then never withdraw a token, and
 * make could use all 60 tokens for linkers.  For the same reason make 4.4's
 * fifo:PATH, one pipe for both directions, is not used; kfarm's shell lets the
 * makes that depend on its name join (shell/make-env.h).  To withdraw a token,
 * the broker reads it back from the pipe R or, if make holds it, does not issue
 * it again after its return.  The broker never waits for a token.
 *
 * Because the broker is a separate process, it survives if kfarm is killed.
 * The broker then withdraws the tokens of waiting recipes, which then compile
 * locally.  The broker ends when no process has make's descriptors any more.
 * make holds both directions of both pipes, so without a broker make continues
 * with its one token, and neither hangs nor fails.
 */
#ifndef KERNEL_JOBSERVER_H
#define KERNEL_JOBSERVER_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct kernel_jobserver {
	pid_t broker_pid; /* 0 if no broker runs */
	unsigned n_slots; /* local slots */
	int wake_fd; /* a byte in this pipe makes the broker read n_waiting */
	int make_fds[3]; /* make's R and W, then -1, for spawn.passed_fds */
	atomic_uint *n_waiting; /* waiting recipes; shared with the broker */
};

/*
 * Reserve the numbers of make's descriptors for kernel_jobserver_start().  Call
 * this function before kfarm opens many descriptors: make waits with pselect(),
 * which only supports descriptors below 1024.  `j` must be zeroed.
 */
void kernel_jobserver_reserve(struct kernel_jobserver *j);
/*
 * Start the broker with `local` tokens, at least 1.  make owns one of these
 * tokens from the start.  `max_tokens` limits the number of all tokens,
 * including those for waiting recipes; 0 means no limit except the size of the
 * pipe.  Returns 0 or a negative errno with `err` set.
 */
int kernel_jobserver_start(struct kernel_jobserver *j, unsigned local,
			   unsigned max_tokens, struct err *err);
/*
 * Report the number of recipes that wait.  Never blocks; does nothing without
 * a broker.
 */
void kernel_jobserver_set_waiting(struct kernel_jobserver *j, unsigned n);
/*
 * Kill the broker and close the descriptors, even if kernel_jobserver_reserve()
 * has only reserved them.  Accepts a zeroed `j`.
 */
void kernel_jobserver_stop(struct kernel_jobserver *j);

/*
 * Return the value of MAKEFLAGS that announces the jobserver: `flags` (the
 * current value, may be NULL) without another jobserver, then -jN with the
 * number of local slots.  -j needs the number because Linux's
 * $(filter --j% -j,$(MAKEFLAGS)) would pass a bare -j to tools/, where it
 * means an unlimited number of jobs.  The caller frees the result.
 */
char *kernel_jobserver_makeflags(const struct kernel_jobserver *j,
				 const char *flags);
/*
 * Return true if `flags`, the value of MAKEFLAGS, names a jobserver whose
 * descriptors are open or whose fifo exists.
 */
bool kernel_jobserver_is_inherited(const char *flags);
/* releases of kernel_jobserver_make_release() */
#define KERNEL_JOBSERVER_FIFO_RELEASE 404 /* make prefers fifo:PATH */

/*
 * Return the release of the program `make`, such as 403 for GNU make 4.3, or 0
 * if it is not GNU make 4.2 or later.  To find out, this function runs the
 * program in the environment `env`.
 */
unsigned kernel_jobserver_make_release(const char *make, char *const *env);

#endif
