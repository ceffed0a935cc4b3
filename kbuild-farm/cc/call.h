/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/call.h - One compiler call by make, from its arguments to its status.
 *
 * The real compiler is found by the name under which kfarm-cc is called:
 *
 *	gcc -c a.c                  link in PATH: the next gcc in PATH
 *	DATA/links/KEY/bin/gcc -c   link by its path: the gcc it stands for
 *	kfarm-cc gcc -c a.c         launcher: the first gcc in PATH
 *	kfarm-cc /opt/bin/gcc -c    launcher: that file
 */
#ifndef CC_CALL_H
#define CC_CALL_H

#include "cc/job.h"
#include "cc/probe.h"

#include <stdbool.h>

/*
 * Return true if `word` is kfarm-cc, used as a launcher of the following words.
 */
bool cc_compiler_is_launcher(const char *word);

/*
 * Find the real compiler for argv[0].  `launched` is set if kfarm-cc is the
 * launcher, so that a path can be the compiler itself.  `links` is the
 * masquerade directory, or NULL; `path` is the value of PATH.  If *argv0 does
 * not name a wrapper, it is replaced by the compiler's path.
 *
 * Returns a path, absolute unless the working directory is unknown, which the
 * caller frees; NULL after printing an error.
 */
char *cc_compiler_find(char **argv0, bool launched, const char *links,
		       const char *path);

struct cc_call {
	char *compiler; /* path of the real compiler, owned by the call */
	char **argv; /* arguments; argv[0] changes */
	char **env; /* environment of the compiler */
	/* directory of the local slots, or NULL if no slot is needed */
	const char *slot_dir;
	bool is_offered; /* the call was offered to the coordinator */
	bool has_step; /* the request contains the tool step */
	struct cc_probe *probe; /* probe whose result is cached, or NULL */
	/* must stay open until the compiler has ended; -1 if unused */
	int coord_fd;
};

/*
 * Find the compiler, after kfarm-cc as a launcher, and let the coordinator
 * decide where the call runs.  KFARM_SOCKET and similar variables are removed
 * from `env` in place (cc/real-compiler.h).
 *
 * Returns CC_JOB_DONE with *status if the call has ended: the compiler ran, a
 * cached probe result was replayed, or no compiler was found, which has been
 * printed.  After CC_JOB_LOCAL and CC_JOB_UNAVAILABLE the caller calls
 * cc_call_exec(), possibly in a child.  cc/job.h describes the other results.
 * A `step` that does not fit the call is dropped: a compile is then requested
 * without it, and a call with -E is not requested.
 */
enum cc_job_outcome cc_call_begin(struct cc_call *c, char **argv, char **env,
				  const struct cc_tool_step *step, int *status);
/*
 * Replace this process by the compiler, or run it as a child if it is a probe
 * whose result is cached.  Returns the exit status; if the compiler cannot be
 * executed, after printing an error.
 */
int cc_call_exec(const struct cc_call *c);
/*
 * Take the slot that cc_call_exec() would take, which then takes none.  Returns
 * a descriptor that the caller closes after everything that runs together with
 * the compile, or -1.
 */
int cc_call_take_slot(struct cc_call *c);
/* Release the call in a process that does not become the compiler. */
void cc_call_release(struct cc_call *c);

#endif
