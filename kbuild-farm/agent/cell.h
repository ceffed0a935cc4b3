/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/cell.h - a client's cell: the destination of VIEWs in which its jobs
 * run, and who waits for what VIEWs bring there.
 *
 * When it is refused or lost, jobs that run in it come to their end; those
 * that wait, or come later, are told why not.
 */
#ifndef AGENT_CELL_H
#define AGENT_CELL_H

#include "agent/dest.h"

struct agent_cell;
struct cell;

/* One that uses a cell: a job; part of the job. */
struct agent_cell_user {
	TAILQ_ENTRY(agent_cell_user) link;
	struct agent_cell *cell; /* NULL: none (any more) */
	uint32_t view;
	bool waiting;
	/* It may start now; or never, and `why` says so. */
	void (*go)(void *ctx, const char *why);
	void *ctx;
};

/*
 * `m` is the cell's afterwards.  It works at once, and says HAVE later.  What
 * is done with any destination is done with this.
 */
struct agent_dest *agent_cell_new(struct agent *a, struct wire_cell *m,
				  struct agent_blobs *blobs,
				  const struct agent_dest_ops *ops, void *ctx);
/* NULL where the destination is none. */
struct agent_cell *agent_cell_at(struct agent_dest *p);

const struct wire_cell *agent_cell_setup(const struct agent_cell *c);
/* To run something in it; for its users, behind go(). */
struct cell *agent_cell_of(const struct agent_cell *c);
/* The number of the last VIEW that came. */
uint32_t agent_cell_last_view(const struct agent_cell *c);

/* It stays until _leave(). */
void agent_cell_join(struct agent_cell *c, struct agent_cell_user *u);
void agent_cell_leave(struct agent_cell_user *u);
/*
 * Call u->go() once the cell is ready and view u->view is applied, or when it
 * is gone; perhaps at once.
 */
void agent_cell_await(struct agent_cell_user *u);

#endif
