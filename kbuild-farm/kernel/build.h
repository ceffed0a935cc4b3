/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/build.h - a whole build, from the configuration to the archives.
 */
#ifndef KERNEL_BUILD_H
#define KERNEL_BUILD_H

#include "base/err.h"
#include "coord/event.h"
#include "kernel/plan.h"
#include "node/roster.h"

/* Exit statuses: interface.md, section 2. */
enum kernel_status {
	KERNEL_OK = 0,
	KERNEL_SETUP = 1,
	KERNEL_FAILED = 2, /* as make's */
	KERNEL_FARM = 125, /* `git bisect run` skips */
};

/* What the events do not carry. */
struct kernel_figures {
	uint64_t at_ms; /* since the build began */
	unsigned warnings, errors;
};

/* Callbacks, called from the build's event loop. */
struct kernel_hooks {
	coord_event_sink *sink; /* every event */
	void (*note)(void *ctx, const char *text); /* a line for the user */
	void (*line)(void *ctx, const char *text); /* of build.log, or NULL */
	void (*tick)(void *ctx, const struct kernel_figures *now); /* each s */
	void *ctx;
};

struct kernel_result {
	int status; /* enum kernel_status */
	int signal; /* that ended it, 0: none */
	char *summary; /* a few lines, each with its newline; may be NULL */
};

/*
 * Build it.  Everything is reported through `hooks` but the summary and `err`,
 * which is set with KERNEL_SETUP and KERNEL_FARM, and with KERNEL_FAILED where
 * more can be said than make said.  Nothing that was started is left when it
 * returns.  The caller frees out->summary.
 */
void kernel_build(struct kernel_result *out, const struct kernel_plan *plan,
		  const struct node_roster *roster,
		  const struct kernel_hooks *hooks, struct err *err);

#endif
