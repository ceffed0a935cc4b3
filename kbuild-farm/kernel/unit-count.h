/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/unit-count.h - Number of jobs of a kernel build without a baseline.
 *
 * make itself evaluates the Makefiles of all directories that the .config
 * selects, in one process, and counts the objects, host programs and device
 * trees that they list.  make only parses: it stops before it considers the
 * first target, and $(shell) runs true(1) instead of its command.  Therefore
 * the count writes no file, runs no compiler, and takes less than a second of
 * CPU time even for the largest configurations.
 *
 * The count is an estimate.  It does not include the few units that kbuild adds
 * itself (kallsyms, asm-offsets), and it includes host programs that some
 * configurations do not need.  The difference is below 10 % for tinyconfig and
 * smaller for larger configurations.
 */
#ifndef KERNEL_UNIT_COUNT_H
#define KERNEL_UNIT_COUNT_H

#include "base/str.h"
#include "kernel/plan.h"

#include <stdatomic.h>
#include <stdint.h>

struct event_base;

/*
 * A count on a background thread:
 *
 *	kernel_unit_count_start(&c, base, plan, &targets, on_counted, ctx);
 *	...	the event loop calls on_counted(ctx, n), at most once
 *	kernel_unit_count_stop(&c);
 *
 * A zeroed struct is a count that was not started.
 */
struct kernel_unit_count {
	struct task *task; /* NULL unless the thread runs */
	struct strv argv, env;
	char *dir; /* the tree */
	atomic_bool stop;
	int64_t n_units; /* result, or 0 */
	void (*on_counted)(void *ctx, int64_t n_units);
	void *ctx;
};

/*
 * Start to count what `make TARGETS` compiles in an empty build directory; no
 * targets mean "all".  The number is unknown if a target is not "all", an
 * image, "modules" or "dtbs", if the build is for modules outside of the tree,
 * or if the tree's Makefiles cannot be evaluated.  In these cases, on_counted()
 * is not called.
 */
void kernel_unit_count_start(struct kernel_unit_count *c,
			     struct event_base *base,
			     const struct kernel_plan *p,
			     const struct strv *targets,
			     void (*on_counted)(void *ctx, int64_t n_units),
			     void *ctx);
/* End the count, and free its memory. */
void kernel_unit_count_stop(struct kernel_unit_count *c);

#endif
