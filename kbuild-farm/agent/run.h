/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/run.h - one compiler that runs in a cell: its output and how it ended.
 */
#ifndef AGENT_RUN_H
#define AGENT_RUN_H

#include "base/buf.h"
#include "cell/cell.h"

struct event;
struct event_base;

struct agent_run {
	/* Its stdout and stderr; may be taken after done(). */
	struct buf output[2];
	/* It wrote more than WIRE_DIAG_MAX to one of them, and was killed. */
	bool overflowed;
	struct cell_end end; /* after done() */

	struct cell_run *run; /* the rest is run.c's */
	struct event *pipe[2]; /* NULL once read to the end */
	void (*done)(void *ctx);
	void *ctx;
};

/*
 * Start a job in `cell`; `done` and `ctx` of it are not used.  From the loop,
 * once, `done` is called when all of its processes are gone and all of its
 * output is here.  0 with the run in *out, or what cell_start() returned.
 */
int agent_run_start(struct agent_run **out, struct event_base *base,
		    struct cell *cell, const struct cell_job *job,
		    void (*done)(void *ctx), void *ctx, struct err *err);
/* Kills it where it is not over; done() is not called any more. */
void agent_run_free(struct agent_run *run);

/* CPU time of all its processes so far. */
uint32_t agent_run_cpu_ms(const struct agent_run *run);

/*
 * Map its file CELL_OUT/name; to be unmapped before agent_run_free().  An
 * empty one is no bytes.  0; -ENOENT where there is none; -EPERM where it is
 * no plain file; -EFBIG above `max` bytes.
 */
int agent_run_map(struct agent_run *run, const char *name, uint64_t max,
		  struct bytes *out);
void agent_run_unmap(struct bytes *map);

#endif
