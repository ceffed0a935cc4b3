/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/cell.h - a client's cell: its views, in order, and who waits for them.
 *
 *	made -> filled with the toolchain -> READY -> gone
 *
 * Each VIEW waits in a queue until the client has sent the blobs that it
 * lacks and those before it are applied.  Making the cell, looking for the
 * blobs of a view and applying it are done on a thread, one at a time, unless
 * they are little; views that wait for blobs do not keep the next ones from
 * being looked at, so that the client is asked early.
 *
 * Whatever goes wrong with a view ends the cell: refused before it was ready,
 * lost after that.  Jobs that run in it then come to their end; those that
 * wait, or come later, are told why not.
 */
#ifndef AGENT_CELL_H
#define AGENT_CELL_H

#include "agent/blob.h"
#include "base/err.h"
#include "base/list.h"
#include "wire/msg.h"
#include "wire/paths.h"

#include <stdbool.h>

/* Of one cell: views, and entries in them, that are not applied yet. */
#define AGENT_CELL_VIEWS   4096
#define AGENT_CELL_ENTRIES (1u << 20)

struct agent;
struct agent_cell;
struct cell;

/* What a cell says to its client; the calls come from the loop. */
struct agent_cell_ops {
	void (*have)(void *ctx, struct wire_have *m);
	void (*need)(void *ctx, struct wire_need *m);
	/* The conversation is over; may call agent_cell_close(). */
	void (*refuse)(void *ctx, const char *why);
	/* It frees itself now. */
	void (*gone)(void *ctx, struct agent_cell *cell);
};

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

/* `m` is the cell's afterwards.  It works at once, and says HAVE later. */
struct agent_cell *agent_cell_new(struct agent *a, struct wire_cell *m,
				  struct agent_blobs *blobs,
				  const struct agent_cell_ops *ops, void *ctx);
/*
 * The client left: nothing is said any more, nothing waited for, and it goes
 * as soon as its users and its thread allow.
 */
void agent_cell_close(struct agent_cell *c);
/* The client sends no more jobs to it: it goes when it has no users. */
void agent_cell_shut(struct agent_cell *c);

/* To be called now and then: fails one whose files do not come. */
void agent_cell_check(struct agent_cell *c);

uint32_t agent_cell_number(const struct agent_cell *c);
const struct wire_cell *agent_cell_setup(const struct agent_cell *c);
/* Does it take jobs: is it neither shut nor gone?  Perhaps not ready yet. */
bool agent_cell_open(const struct agent_cell *c);
/* To run something in it; for its users, behind go(). */
struct cell *agent_cell_of(const struct agent_cell *c);

/*
 * A VIEW for it, whose content then is the cell's.  0, also when the cell is
 * gone already; -EPROTO with `err` set when the conversation is over.
 */
int agent_cell_view(struct agent_cell *c, struct wire_view *m,
		    const struct wire_intern *paths, struct err *err);
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
