/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/run.h - a build that is going on: what its steps share.
 */
#ifndef KERNEL_RUN_H
#define KERNEL_RUN_H

#include "diag/log.h"
#include "kernel/build.h"
#include "kernel/config-stamp.h"
#include "kernel/dirty.h"
#include "kernel/earlier.h"
#include "kernel/farm.h"
#include "kernel/follow.h"
#include "kernel/goal.h"
#include "kernel/kept.h"
#include "kernel/lock.h"
#include "kernel/make.h"
#include "kernel/output.h"
#include "kernel/plan.h"

struct kernel_run {
	const struct kernel_plan *plan;
	const struct kernel_hooks *hooks;
	struct event_base *base;
	struct event *tick;
	struct kernel_maker maker;
	struct kernel_lock lock;
	struct kernel_output output;
	struct kernel_farm farm;
	struct diag_log joblog;
	struct kernel_earlier earlier;
	struct kernel_follow follow;
	struct kernel_config_stamp config; /* once that is made, */
	int64_t config_time; /* and of when the .config was then */
	struct kernel_dirty dirty;
	struct strv env; /* of all that is started */
	unsigned jobs;
	struct kernel_goals goals; /* what was asked for */
	struct strv targets; /* of them, as make gets them */
	struct kernel_kept kept;
	/* How long the parts took: up to the lock and the log; nodes and
	   configuration; make; artifacts. */
	uint64_t start_ms, prepare_ms, compile_ms, artifacts_ms;
	uint64_t free_bytes; /* of the build directory's disk, at the start */
	const char *phase; /* told last, or NULL */
	bool unconfigured; /* there is no such .config in this tree */
	bool making; /* the log's lines tell the phase */
	unsigned told_warnings, told_errors;
	struct err full; /* which disk is; it ended the build */
	char *unknown; /* the first target that make has no rule for; or NULL */
};

/*
 * Make directories, the lock, the event loop, the log, the links and the
 * coordinator, in that order.  Returns 0 or a negative errno with `err` set;
 * call kernel_run_end() in any case.
 */
int kernel_run_start(struct kernel_run *run, const struct kernel_plan *plan,
		     const struct node_roster *roster,
		     const struct kernel_hooks *hooks, struct err *err);
/*
 * The same for what a build of nothing but the configuration needs: no links,
 * no coordinator, no output directory (build.log is kernel_run_log()'s).
 */
int kernel_run_start_config(struct kernel_run *run,
			    const struct kernel_plan *plan,
			    const struct kernel_hooks *hooks, struct err *err);
/* What build.log holds now; "" where it cannot be read. */
char *kernel_run_log(const struct kernel_run *run);
/* Wait for the nodes (3 s at most) and decide on -j: 0 or -EINTR. */
int kernel_run_jobs(struct kernel_run *run);
/* End the coordinator and every process left of an interrupted build; remove
 * what was temporary. */
void kernel_run_end(struct kernel_run *run);

/* Tell what the build is at (kernel/phase.h), if that is news. */
void kernel_run_phase(struct kernel_run *run, const char *name);
/* Tell a line for people. */
void kernel_run_note(struct kernel_run *run, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Run a program in `cwd` with its output in build.log.  Its exit status
 * (2 for a death by signal), or a negative errno: -EINTR for a build that is
 * to stop, else with `err` set.
 */
int kernel_run_program(struct kernel_run *run, char *const *argv,
		       const char *cwd, struct err *err);
/* `make OPTIONS O=DIR VAR=VALUE... TARGETS` in the tree, in the same way. */
int kernel_run_make(struct kernel_run *run, char *const *options,
		    char *const *targets, struct err *err);
/* As kernel_run_make(), with what it prints on stdout in `out`. */
int kernel_run_ask(struct kernel_run *run, const char *target, struct buf *out,
		   struct err *err);

#endif
