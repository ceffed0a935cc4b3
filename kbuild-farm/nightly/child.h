/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nightly/child.h - Execution of one `kfarm build` with a time limit. */
#ifndef NIGHTLY_CHILD_H
#define NIGHTLY_CHILD_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct nightly_child {
	/* arguments of /proc/self/exe: "kfarm", "build", ... */
	char *const *argv;
	char *const *env;
	const char *log; /* file to create for the output of the build */
	bool shown; /* copy the output to stderr */
	/*
	 * Called with each line about the progress of the build, without its
	 * newline; can be NULL.
	 */
	void (*on_progress)(void *ctx, const char *line);
	void *ctx;
	unsigned timeout_s;
	/* time of clock_ms() at which the build is stopped; 0: no limit */
	uint64_t until_ms;
	const atomic_bool *stop; /* once true, ends the build; can be NULL */
};

struct nightly_child_result {
	int status; /* exit status, or 128 plus the signal */
	bool timed_out;
	uint64_t wall_ms;
};

/*
 * Run the build and wait for it.  After the timeout, or once *stop is true, the
 * build gets SIGTERM, which makes kfarm end its jobs.  After ten more seconds,
 * the remaining processes get SIGKILL, so that no descendant survives.  If any
 * other signal ended the build, the last line of the log is an error of kfarm
 * that names the signal.
 *
 * Returns 0; -ECANCELED if *stop is true; or another -errno if the build could
 * not be started.
 */
int nightly_child_run(const struct nightly_child *c,
		      struct nightly_child_result *out, struct err *err);

/*
 * Return true if `line` is a progress line of `kfarm build --ui plain`, such as
 * "[   40s] compile: 160 jobs, ...".
 */
bool nightly_child_is_progress(const char *line);

/* Lower the CPU and disk priority of this process and its children. */
void nightly_child_lower_priority(void);

#endif
