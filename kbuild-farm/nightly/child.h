/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/child.h - one `kfarm build`, as a process of its own: bounded, and
 * ended as a whole.
 */
#ifndef NIGHTLY_CHILD_H
#define NIGHTLY_CHILD_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct nightly_child {
	char *const *argv; /* "kfarm", "build" ...; of this very program */
	char *const *env;
	const char *log; /* a file, made: all that it says */
	bool shown; /* it goes to stderr, too */
	unsigned timeout_s;
	const atomic_bool *stop; /* end it once this is true; or NULL */
};

struct nightly_ended {
	int status; /* its exit status; 128 and the signal that ended it */
	bool timed_out;
	uint64_t wall_ms;
};

/*
 * Run it to its end.  Where its time is up, or *stop became true, it gets
 * SIGTERM, at which kfarm ends its jobs; whoever is left after ten seconds gets
 * SIGKILL.  Nothing that it started is left then.
 *
 * Returns 0; -ECANCELED where it was stopped; or a negative errno where it
 * could not be started.
 */
int nightly_child_run(const struct nightly_child *c, struct nightly_ended *out,
		      struct err *err);

/* This process, and what it starts, at a low priority: processor and disk. */
void nightly_child_lower_priority(void);

#endif
