/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/probes.h - where the wrappers of a run remember what compilers answer.
 *
 * That is CACHE/probes, for all runs (cc/probe.h).  The lists of compilers that
 * answers depend on (compiler/probes.h) are seen to on a thread: until one is
 * there its compiler is asked as ever.
 */
#ifndef KERNEL_PROBES_H
#define KERNEL_PROBES_H

#include "base/str.h"

struct task;

struct kernel_probes {
	char *dir; /* NULL: nothing is remembered */
	struct strv drivers, env; /* whose lists are seen to, in which */
	struct task *task;
};

/*
 * For these compilers, absolute paths, with that environment, and those that a
 * wrapper missed.  Nothing comes of it where the cache cannot be written.
 */
void kernel_probes_open(struct kernel_probes *p, char *const *drivers,
			char *const *env);
/* Waits for the thread. */
void kernel_probes_release(struct kernel_probes *p);

#endif
