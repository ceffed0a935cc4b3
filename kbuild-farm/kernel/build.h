/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/build.h - One kernel build, from the configuration to the artifacts.
 */
#ifndef KERNEL_BUILD_H
#define KERNEL_BUILD_H

#include "base/err.h"
#include "events/hub.h"
#include "kernel/plan.h"
#include "node/roster.h"

/* Exit statuses of `kfarm build`. */
enum kernel_status {
	KERNEL_STATUS_OK = 0,
	KERNEL_STATUS_SETUP = 1,
	KERNEL_STATUS_FAILED = 2, /* same as make's exit status for an error */
	KERNEL_STATUS_WARNED = 101, /* with -W: built, but with new warnings */
	/* too few remote jobs; 125 makes `git bisect run` skip the revision */
	KERNEL_STATUS_OFFLOAD = 125,
	/* reported in events only: the signal terminates kfarm itself */
	KERNEL_STATUS_INTERRUPTED = 130,
};

/* Receivers of the build's output, called from its event loop. */
struct kernel_hooks {
	struct events_hub *hub;
	/*
	 * Called for each line of build.log, in addition to the events.
	 * Repeated lines in which make enters or leaves the build directory are
	 * omitted.  Can be NULL.
	 */
	void (*on_line)(void *ctx, const char *text);
	void *ctx;
};

/* Causes of a failure other than an error in the sources. */
enum kernel_cause {
	KERNEL_CAUSE_OTHER,
	/* this revision cannot provide the requested configuration */
	KERNEL_CAUSE_CONFIG,
	KERNEL_CAUSE_DISK_FULL, /* a disk is full */
};

struct kernel_result {
	int status; /* enum kernel_status */
	int signal; /* signal that ended the build, or 0 */
	/*
	 * signal that the process has received, or 0; a signal after the end of
	 * the build sets only this member, not `signal`
	 */
	int stop_signal;
	enum kernel_cause cause;
	char *summary; /* a few lines, each with its newline; may be NULL */
	char *tables; /* requested tables of sizes and symbols, or NULL */
	/*
	 * output directory for display, "~/.cache/kfarm/builds/7"; NULL if the
	 * build has none
	 */
	char *output_dir;
	int64_t build_number; /* 0: the build has not started */
	uint64_t wall_ms;
	unsigned n_remote, n_local, n_warnings, n_errors;
	bool connected; /* the build needed nodes and connected to them */
	unsigned n_new_warnings, n_new_errors; /* absent from the baseline */
};

/*
 * Before any work, check that the directory of external modules, the checker of
 * C=1, the targets, and the symbols of fragments exist.  Returns 0 or a
 * negative errno with `err` set.  If a target or symbol does not exist, `err`
 * names it.  p->revision_unsupported is then set, because another revision of
 * the tree may have the target or symbol.
 */
int kernel_build_check(struct kernel_plan *p, struct err *err);
/*
 * Execute the plan.  `hooks` receives all events.  `err` is set if out->status
 * is KERNEL_STATUS_SETUP or KERNEL_STATUS_OFFLOAD, or if it is
 * KERNEL_STATUS_FAILED and kfarm has details that make did not report.  No
 * process of the build is left when the function returns.  Release `out` with
 * kernel_result_release().
 */
void kernel_build(struct kernel_result *out, const struct kernel_plan *plan,
		  const struct node_roster *roster,
		  const struct kernel_hooks *hooks, struct err *err);
/* Free the strings of `r`. */
void kernel_result_release(struct kernel_result *r);

#endif
