/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/build.h - a whole build, from the configuration to the archives.
 */
#ifndef KERNEL_BUILD_H
#define KERNEL_BUILD_H

#include "base/err.h"
#include "events/hub.h"
#include "kernel/plan.h"
#include "node/roster.h"

/* Exit statuses: interface.md, section 2. */
enum kernel_status {
	KERNEL_OK = 0,
	KERNEL_SETUP = 1,
	KERNEL_FAILED = 2, /* as make's */
	KERNEL_WARNED = 101, /* built, with new warnings, under -W */
	KERNEL_FARM = 125, /* `git bisect run` skips */
	KERNEL_INTERRUPTED = 130, /* in the events; kfarm ends by the signal */
};

/* Who hears of the build; called from its event loop. */
struct kernel_hooks {
	struct events_hub *hub;
	/* Each line of build.log, which are no events; or NULL. */
	void (*line)(void *ctx, const char *text);
	void *ctx;
};

/* What a status that is not 0 is owed to, beside the sources. */
enum kernel_cause {
	KERNEL_CAUSE_OTHER,
	KERNEL_CAUSE_CONFIG, /* this revision cannot be configured as asked */
	KERNEL_CAUSE_MACHINE, /* a disk is full */
};

struct kernel_result {
	int status; /* enum kernel_status */
	int signal; /* that ended it, 0: none */
	enum kernel_cause cause;
	char *summary; /* a few lines, each with its newline; may be NULL */
	/* The tables of sizes and of symbols, if they were asked for, or NULL
	 */
	char *sizes;
	/* What the summary says; NULL: there is no output directory. */
	char *output; /* for people, as "~/.cache/kfarm/builds/7" */
	int64_t number; /* in the history; 0: it is not there */
	uint64_t wall_ms;
	unsigned remote, local, warnings, errors;
	/* It was held against an earlier build, which had not these: */
	bool compared;
	unsigned new_warnings, new_errors;
};

/*
 * Build it.  Everything is told through `hooks` but the summary and `err`,
 * which is set with KERNEL_SETUP and KERNEL_FARM, and with KERNEL_FAILED where
 * more can be said than make said.  Nothing that was started is left when it
 * returns.  Release `out` with kernel_result_release().
 */
void kernel_build(struct kernel_result *out, const struct kernel_plan *plan,
		  const struct node_roster *roster,
		  const struct kernel_hooks *hooks, struct err *err);
void kernel_result_release(struct kernel_result *r);

#endif
