/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/build.h - a whole build, from the configuration to the archives.
 */
#ifndef BUILD_BUILD_H
#define BUILD_BUILD_H

#include "base/err.h"
#include "build/plan.h"
#include "coord/event.h"
#include "node/roster.h"

/* Exit statuses: interface.md, section 2. */
enum build_status {
	BUILD_OK = 0,
	BUILD_SETUP = 1,
	BUILD_FAILED = 2, /* as make's */
	BUILD_FARM = 125, /* `git bisect run` skips */
};

/* What the events do not carry. */
struct build_figures {
	uint64_t at_ms; /* since the build began */
	unsigned warnings, errors;
};

/* Who is told what; called from the build's event loop. */
struct build_hooks {
	coord_event_sink *sink; /* every event */
	void (*note)(void *ctx, const char *text); /* a line for the user */
	void (*line)(void *ctx, const char *text); /* of build.log, or NULL */
	void (*tick)(void *ctx, const struct build_figures *now); /* each s */
	void *ctx;
};

struct build_result {
	int status; /* enum build_status */
	int signal; /* that ended it, 0: none */
	char *summary; /* a few lines, each with its newline; may be NULL */
};

/*
 * Build it.  What is to be said is said through `hooks`, but for the summary
 * and for `err`, which is set with BUILD_SETUP and BUILD_FARM.  Nothing that
 * was started is left when it returns.  The caller frees out->summary.
 */
void build_build(struct build_result *out, const struct build_plan *plan,
		 const struct node_roster *roster,
		 const struct build_hooks *hooks, struct err *err);

#endif
