/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/run.h - one compiler that runs in a cell, alone or with a tool: its
 * output and how it ended.
 */
#ifndef AGENT_RUN_H
#define AGENT_RUN_H

#include "base/buf.h"
#include "cell/cell.h"

struct event;
struct event_base;
struct agent_run;

/*
 * A second program, with the directory, the variables, the CPUs and the
 * deadline of the first one, in a job of its own: neither sees the other.
 */
struct agent_run_tool {
	char *const *argv;
	/*
	 * NULL: its stdin is the stdout of the first one, and both run at the
	 * same time.  Else it runs once that one has ended with 0, and has a
	 * copy of its CELL_OUT/file.
	 */
	const char *file;
	/*
	 * With a `file`, which it only reads: NULL, or what it writes beside
	 * its stdout, which is what comes out, CELL_OUT/list.
	 */
	const char *list;
	/*
	 * With a `file`: how the client calls that.  The tool's stderr has it
	 * in place of the copy's path.
	 */
	const char *name;
};

/* One program of it; for run.c alone. */
struct agent_run_part {
	struct agent_run *whole;
	struct cell_run *run; /* NULL: not started */
	struct event *pipe[2]; /* NULL once read to the end */
	struct buf output[2];
	struct cell_end end;
	bool ended;
};

struct agent_run {
	/*
	 * Its stdout and stderr; may be taken after done().  Of two programs it
	 * is both stderr, the tool's behind, and the stdout of that which has
	 * one to give: the tool's where it reads the first one's.
	 */
	struct buf output[2];
	/* It wrote more than WIRE_DIAG_MAX to one of them, and was killed. */
	bool overflowed;
	/* The tool wrote something to its stdout, where it has none to give. */
	bool tool_spoke;
	/*
	 * After done().  Of two programs: that of the tool if the first one
	 * came to its end with status 0, or the tool could not be started, and
	 * then by_tool is set; else that of the first one.  CPU time and wall
	 * time are of both, the peak is that of the larger one.
	 */
	struct cell_end end;
	bool by_tool;

	struct agent_run_part part[2]; /* the rest is run.c's */
	struct agent_run_tool tool; /* without argv: none */
	struct event_base *base;
	struct cell *cell;
	struct cell_job job; /* of the first one */
	void (*done)(void *ctx);
	void *ctx;
};

/*
 * Start a job in `cell`, with a tool or NULL; `done` and `ctx` of it are not
 * used.  What both point to has to stay until it is done, where there is a
 * tool.  From the loop, once, `done` is called when all of its processes are
 * gone and all of its output is here.  0 with the run in *out, or what
 * cell_start() returned.
 */
int agent_run_start(struct agent_run **out, struct event_base *base,
		    struct cell *cell, const struct cell_job *job,
		    const struct agent_run_tool *tool, void (*done)(void *ctx),
		    void *ctx, struct err *err);
/* Kills it where it is not over; done() is not called any more. */
void agent_run_free(struct agent_run *run);

/* CPU time of all its processes so far. */
uint32_t agent_run_cpu_ms(const struct agent_run *run);

/*
 * Map its file CELL_OUT/name, that of the tool where it got a copy of it to be
 * changed, and its list; to be unmapped before agent_run_free().  An empty one
 * is no bytes.  0; -ENOENT where there is none; -EPERM where it is no plain
 * file; -EFBIG above `max` bytes.
 */
int agent_run_map(struct agent_run *run, const char *name, uint64_t max,
		  struct bytes *out);
void agent_run_unmap(struct bytes *map);

#endif
