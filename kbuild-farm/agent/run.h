/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/run.h - one compiler at work: its process group, its two pipes, its
 * deadline.
 */
#ifndef AGENT_RUN_H
#define AGENT_RUN_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct agent_reaper;
struct event_base;

/* What ended a run. */
enum agent_run_end {
	AGENT_RUN_ITSELF, /* look at `status` */
	AGENT_RUN_DEADLINE, /* we killed it: time was up */
	AGENT_RUN_TALKED, /* we killed it: more than WIRE_DIAG_MAX said */
	AGENT_RUN_KILLED, /* agent_run_kill() */
};

struct agent_run {
	/* For others to read, once it is done. */
	enum agent_run_end end;
	int status; /* as waitpid() gave it */
	uint32_t cpu_ms;
	uint32_t wall_ms;
	uint32_t peak_kib; /* of the largest process */
	struct buf said[2]; /* on stdout and stderr */
	pid_t pid; /* the group's leader; 0 once it is gone */

	struct run_state *state; /* run.c's own */
};

struct agent_run_plan {
	char *const *argv;
	char *const *env;
	const char *dir;
	uint32_t deadline_ms;
	/*
	 * All processes are gone and the pipes are read to their end.  From
	 * the loop, once, also after agent_run_kill().
	 */
	void (*done)(void *ctx);
	void *ctx;
};

/* 0 with the run in *out, or what starting it gave, with `err` set. */
int agent_run_start(struct agent_run **out, struct event_base *base,
		    struct agent_reaper *reaper,
		    const struct agent_run_plan *plan, struct err *err);
void agent_run_kill(struct agent_run *run);
/* CPU time of all its processes so far. */
uint32_t agent_run_cpu_ms(const struct agent_run *run);
/* After done() only. */
void agent_run_free(struct agent_run *run);

#endif
