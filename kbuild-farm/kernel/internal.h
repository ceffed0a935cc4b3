/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/internal.h - State shared by the steps of a running build.
 */
#ifndef KERNEL_INTERNAL_H
#define KERNEL_INTERNAL_H

#include "diag/log.h"
#include "kernel/archive.h"
#include "kernel/baseline.h"
#include "kernel/build.h"
#include "kernel/builddir.h"
#include "kernel/config.h"
#include "kernel/goal.h"
#include "kernel/offload.h"
#include "kernel/outdir.h"
#include "kernel/plan.h"
#include "kernel/progress.h"
#include "kernel/supervisor.h"

/* Durations of the parts of a build. */
struct kernel_build_times {
	uint64_t setup_ms; /* until kernel_build_start() returned */
	uint64_t prepare_ms; /* wait for the nodes, then configuration */
	uint64_t compile_ms; /* make */
	uint64_t artifacts_ms;
};

/* The .config of the build directory. */
struct kernel_build_config {
	/* record of the request from which the .config was made */
	struct kernel_config_stamp stamp;
	int64_t mtime_ns; /* mtime after kernel_config_apply() */
	bool failed; /* this tree cannot provide the requested .config */
};

/* Facts published so far. */
struct kernel_build_reported {
	const char *phase; /* last phase, or NULL */
	const char *activity; /* last activity in that phase, or NULL */
	unsigned n_warnings, n_errors;
	/* first target for which make has no rule, or NULL */
	char *unknown_target;
};

struct kernel_build_state {
	const struct kernel_plan *plan;
	const struct kernel_hooks *hooks;

	/* Event loop and programs */
	struct event_base *base;
	struct event *tick_event;
	struct kernel_supervisor supervisor;
	struct kernel_offload offload;
	struct strv env; /* environment of all programs of the build */
	unsigned jobs; /* make's -j */
	/* kernel_jobserver_make_release(); 0 without nodes */
	unsigned make_release;
	/* make builds the goals, so the lines of its log determine the phase */
	bool make_running;

	/* Directories */
	struct kernel_lock lock;
	struct kernel_outdir outdir;
	struct kernel_archive_cache archive_cache;
	/* free space of the build directory's disk at the start */
	uint64_t free_bytes;
	struct err disk_full_err; /* set if a full disk ended the build */

	/* Sources, configuration and goals */
	struct kernel_source_dirty_check dirty_check;
	struct kernel_build_config config;
	struct kernel_goals goals; /* requested goals */
	struct strv targets; /* the goals' words for make */

	/* Log and results */
	struct diag_log log;
	struct kernel_progress progress;
	char series_key[DIGEST_HEX]; /* set when the build is reported */
	struct kernel_baseline baseline;
	struct kernel_build_times times;
	struct kernel_build_reported reported;
};

/*
 * Lock the build directory, then create the output directory, the run
 * directory, the event loop, the log, the masquerade directory and the
 * coordinator.  Returns 0 or a negative errno with `err` set.  The caller must
 * call kernel_build_end(), even after an error.
 */
int kernel_build_start(struct kernel_build_state *run,
		       const struct kernel_plan *plan,
		       const struct node_roster *roster,
		       const struct kernel_hooks *hooks, struct err *err);
/*
 * Start a build that only makes a configuration: like kernel_build_start(), but
 * with neither a masquerade directory nor a coordinator.  The output directory
 * with build.log is in the run directory, which kernel_build_end() removes.
 */
int kernel_build_start_config(struct kernel_build_state *run,
			      const struct kernel_plan *plan,
			      const struct kernel_hooks *hooks,
			      struct err *err);
/*
 * Wait for the nodes (kernel_offload_wait_nodes()) and choose -j.  Returns 0,
 * or -EINTR if a signal ended the wait.
 */
int kernel_build_choose_jobs(struct kernel_build_state *run);
/*
 * Stop the coordinator and all processes left by an interrupted build, and
 * remove temporary files.  Returns the signal that this process has received
 * since the start of the build, or 0.
 */
int kernel_build_end(struct kernel_build_state *run);

/*
 * Publish the phase `name` (a KERNEL_PHASE_* constant) if it differs from the
 * last one, and the activity, which is NULL if unknown.  Both texts are
 * borrowed until kernel_build_end().
 */
void kernel_build_set_phase(struct kernel_build_state *run, const char *name,
			    const char *activity);
/* Return the number of the build, or 0 if it has no number. */
int64_t kernel_build_number(const struct kernel_build_state *run);
/* Publish a note about a problem or an unusual property of the build. */
void kernel_build_note(struct kernel_build_state *run, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Publish a note that the plain view prints only with -v. */
void kernel_build_detail(struct kernel_build_state *run, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Run a program in `cwd` with its output in build.log.  Returns its exit
 * status; 2 if a signal killed the program; -EINTR if the build must stop; or
 * another negative errno with `err` set.
 */
int kernel_build_run_program(struct kernel_build_state *run, char *const *argv,
			     const char *cwd, struct err *err);
/*
 * Run `make OPTIONS O=DIR VAR=VALUE... TARGETS` in the tree.  Returns the same
 * values as kernel_build_run_program().
 */
int kernel_build_run_make(struct kernel_build_state *run, char *const *options,
			  char *const *targets, struct err *err);
/* Run make as kernel_build_run_make() does, with its stdout in `out`. */
int kernel_build_capture_make(struct kernel_build_state *run,
			      const char *target, struct buf *out,
			      struct err *err);

#endif
