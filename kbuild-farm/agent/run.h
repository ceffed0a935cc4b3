/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/run.h - one compiler at work in a cell: what it says, and its end.
 */
#ifndef AGENT_RUN_H
#define AGENT_RUN_H

#include "base/buf.h"
#include "cell/cell.h"

struct agent_run;
struct event_base;

/*
 * Start a job in `cell`; `done` and `ctx` of it are not used.  From the loop,
 * once, `done` is called when all of its processes are gone and all that it
 * said is here.  0 with the run in *out, or what cell_start() returned.
 */
int agent_run_start(struct agent_run **out, struct event_base *base,
		    struct cell *cell, const struct cell_job *job,
		    void (*done)(void *ctx), void *ctx, struct err *err);
/* Kills it where it is not over; done() is not called any more. */
void agent_run_free(struct agent_run *run);

/* CPU time of all its processes so far. */
uint32_t agent_run_cpu_ms(const struct agent_run *run);

/* The rest is for after done(). */

const struct cell_end *agent_run_end(const struct agent_run *run);
/* Was it killed since it said more than WIRE_DIAG_MAX on one of the two? */
bool agent_run_talked(const struct agent_run *run);
/* What it said on stdout (0) and stderr (1); the caller may steal it. */
struct buf *agent_run_said(struct agent_run *run, int which);
/*
 * Map its file CELL_OUT/name; to be unmapped before agent_run_free().  An
 * empty one is no bytes.  0; -ENOENT where there is none; -EPERM where it is
 * no plain file; -EFBIG above `max` bytes.
 */
int agent_run_map(struct agent_run *run, const char *name, uint64_t max,
		  struct bytes *out);
void agent_run_unmap(struct bytes *map);

#endif
