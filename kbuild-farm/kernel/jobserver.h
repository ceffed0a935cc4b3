/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/jobserver.h - the jobserver that make gets its tokens from.
 *
 * A token is the right to run one recipe.  There are as many as this machine
 * has slots, and one more for each recipe that waits: for a node, or for its
 * turn to compile here.  It costs this machine nothing, so another may run.  So
 * a farm of 60 slots keeps 60 compiles going, also behind a few that are slow
 * here, and never starts 60 linkers.
 *
 * GNU make's protocol (its manual, "POSIX Jobserver Interaction"): a make owns
 * one token from the start, reads a byte for each further recipe and writes
 * it back when that has ended.  Two descriptors named in MAKEFLAGS,
 * --jobserver-auth=R,W, are known to make 4.2 and later, and taken only by a
 * make without -j on its command line.
 *
 *	make reads R <---- tokens handed out -------- broker
 *	make writes W ---- tokens returned ---------> broker
 *
 * These are two pipes, not one.  From a single pipe make would at once take
 * the token that it has just returned, and the broker could never withdraw
 * one: all 60 would become linkers.  That is also why make 4.4's fifo:PATH,
 * one pipe for both directions, is not used.  To withdraw a token the broker
 * does not hand it out again; nobody waits for it.
 *
 * The broker is a separate process.  When kfarm is killed it goes on without
 * the tokens of those that wait (they are compiled here then), and ends with
 * the last process that has make's descriptors.  Make holds both directions of
 * both pipes, so without a broker it goes on with its one token, and neither
 * hangs nor fails.
 */
#ifndef KERNEL_JOBSERVER_H
#define KERNEL_JOBSERVER_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct kernel_jobserver {
	pid_t broker; /* 0: there is none */
	unsigned slots; /* of this machine */
	int wake; /* a byte to the broker: look at `waiting` */
	int fd[3]; /* make's R and W, then -1, for struct spawn's `pass` */
	atomic_uint *waiting; /* shared with the broker */
};

/*
 * Start the broker with `local` tokens, at least 1, of which make owns one;
 * with those of recipes that wait never more than `most` (0: no limit).
 */
int kernel_jobserver_start(struct kernel_jobserver *j, unsigned local,
			   unsigned most, struct err *err);
/*
 * The number of recipes that wait now.  Never blocks; nothing without a broker.
 */
void kernel_jobserver_set_waiting(struct kernel_jobserver *j, unsigned n);
/* The tokens that are out are void.  Also for a zeroed one. */
void kernel_jobserver_stop(struct kernel_jobserver *j);

/*
 * The value of MAKEFLAGS that offers it: `flags` (what MAKEFLAGS is, may be
 * NULL) without another jobserver, and the -j of a plain make here.  A bare
 * -j would be kept by Linux's $(filter --j% -j,$(MAKEFLAGS)) for tools/, where
 * it means to run any number of jobs at once.  The caller frees it.
 */
char *kernel_jobserver_flags(const struct kernel_jobserver *j,
			     const char *flags);
/* Does MAKEFLAGS name a jobserver whose descriptors, or fifo, are there? */
bool kernel_jobserver_offered(const char *flags);
/*
 * Is the file `make` a GNU make that takes one?  `env` is what it is run with.
 * A process is started for the answer.
 */
bool kernel_jobserver_fits(const char *make, char *const *env);

#endif
