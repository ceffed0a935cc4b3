/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/run.h - a build that is going on: what its steps share.
 */
#ifndef BUILD_RUN_H
#define BUILD_RUN_H

#include "build/build.h"
#include "build/farm.h"
#include "build/follow.h"
#include "build/joblog.h"
#include "build/lock.h"
#include "build/make.h"
#include "build/output.h"
#include "build/plan.h"

struct build_run {
	const struct build_plan *plan;
	const struct build_hooks *hooks;
	uint64_t began_ms;
	struct event_base *base;
	struct event *tick;
	struct build_maker maker;
	struct build_lock lock;
	struct build_output output;
	struct build_farm farm;
	struct build_joblog joblog;
	struct build_follow follow;
	struct strv env; /* of all that is started */
	unsigned jobs;
	bool ready; /* the nodes are up, or have failed */
	struct strv targets; /* as make gets them: "kernel" is resolved */
	uint64_t compile_ms;
};

/* Tell the views. */
void build_run_emit(struct build_run *run, struct coord_event *ev);
void build_run_phase(struct build_run *run, const char *name);
void build_run_note(struct build_run *run, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Run a program in `cwd` with its output in build.log.  Its exit status
 * (2 for a death by signal), or a negative errno: -EINTR for a build that is
 * to stop, else with `err` set.
 */
int build_run_program(struct build_run *run, char *const *argv, const char *cwd,
		      struct err *err);
/* `make OPTIONS O=DIR VAR=VALUE... TARGETS` in the tree, in the same way. */
int build_run_make(struct build_run *run, char *const *options,
		   char *const *targets, struct err *err);
/* As build_run_make(), with what it prints on stdout in `out`. */
int build_run_ask(struct build_run *run, const char *target, struct buf *out,
		  struct err *err);

#endif
