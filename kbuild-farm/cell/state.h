/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/state.h - what cell.c and run.c share; for nobody else.
 */
#ifndef CELL_STATE_H
#define CELL_STATE_H

#include "cell/cell.h"
#include "cell/msg.h"
#include "cell/view.h"

#include <sys/queue.h>

struct cell_run {
	TAILQ_ENTRY(cell_run) link;
	struct cell *cell; /* NULL once that is gone or this is done */
	uint32_t id;
	pid_t pid; /* its PID 1, as we see it; 0 before STARTED */
	int pipe[2];
	int out; /* CELL_OUT, -1 before STARTED */
	bool killed;
	bool failed;
	struct cell_end end; /* FAILED: filled as far as it is known */
	void (*done)(void *ctx, struct cell_run *run,
		     const struct cell_end *end);
	void *ctx;
};

struct cell {
	int sock;
	int keeper; /* pidfd, -1: none */
	struct cell_view view;
	char *layers;
	TAILQ_HEAD(, cell_run) runs; /* those that have not ended */
	uint32_t next_id;
	bool lost;
	bool self_test; /* the next run is not an exec, but cell/selftest.h */
	bool reading; /* in cell_read() */
	bool doomed; /* cell_free() came meanwhile */
	void (*on_lost)(void *ctx, const char *why);
	void *ctx;
};

/* What the keeper or the job says of a run. */
void cell_run_started(struct cell_run *run, struct cell_msg_extra *extra);
void cell_run_failed(struct cell_run *run, const struct cell_msg *m);
void cell_run_ended(struct cell_run *run, const struct cell_msg *m);
/* The keeper is gone. */
void cell_run_lost(struct cell_run *run);

#endif
