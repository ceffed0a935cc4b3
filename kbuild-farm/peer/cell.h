/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/cell.h - the cells that a node was asked for, in one conversation: one
 * for each toolchain, and another one where that is over.
 *
 *	ASKED -> [TRYING ->] READY -> OVER
 *	     \-> OVER
 *
 * A cell may use a build of the compiler that the node holds itself: a
 * foreign one.  Then nothing of the toolchain is sent, and the node has its own
 * files where ours are: what they contain must have been compared by a canary,
 * during which the cell is TRYING (peer/foreign.h).
 */
#ifndef PEER_CELL_H
#define PEER_CELL_H

#include "inputs/toolchain.h"
#include "peer/told.h"

enum peer_cell_state {
	CELL_ASKED,
	CELL_TRYING, /* it runs, and has to show how it compiles */
	CELL_READY,
	CELL_OVER, /* refused, lost, or spoiled */
};

/* The canary on its way through a cell (peer/canary.h). */
struct peer_canary_run {
	unsigned rounds; /* left, this one included; 0: none runs */
	size_t at; /* the unit */
	bool out; /* its job is on the node */
	uint32_t cpu_ms, best_ms;
	bool has_best;
};

struct peer_cell {
	TAILQ_ENTRY(peer_cell) link;
	struct peer_cells *all;
	struct inputs_toolchain *toolchain;
	enum peer_cell_state state;
	char *foreign; /* the id of what the node holds; NULL: our bytes */
	struct digest foreign_id; /* its content, once it is not ASKED */
	bool has_foreign_id;
	struct peer_canary_run canary_run; /* of TRYING */
	char *detail; /* why it is over, in the node's words */
	bool needs; /* it lacked bytes of its toolchain */
	bool lost; /* over, but another one may be asked for */
	struct peer_told told; /* of its files */
	struct peer_ship_user ship_user;
};

struct peer_cells {
	struct peer_link *link;
	TAILQ_HEAD(, peer_cell) list; /* the newest first */
	unsigned lost; /* that the node said it lost */
};

void peer_cells_init(struct peer_cells *all, struct peer_link *link);
void peer_cells_release(struct peer_cells *all);

/*
 * Ask the node for a cell of this toolchain and tell it the toolchain, or,
 * with `foreign`, that it is to use what it holds by that id.
 */
void peer_cell_ask(struct peer_cells *all, struct inputs_toolchain *tc,
		   const char *foreign);
/* No more jobs for it: tell the node, and why people should know. */
void peer_cell_shut(struct peer_cell *cell, const char *detail);
/* The last one of a toolchain, NULL: never asked. */
struct peer_cell *peer_cell_find(const struct peer_cells *all,
				 const struct inputs_toolchain *tc);

/*
 * Is it on a machine that runs what runs here, with our own bytes, so that a
 * program of ours runs in it?  And does the node know such steps?
 */
bool peer_cell_takes_steps(const struct peer_cell *cell,
			   enum wire_step_kind kind);

/*
 * HAVE: the cell that runs now (its state is TRYING where it is foreign) or is
 * OVER; NULL: none.
 */
struct peer_cell *peer_cell_have(struct peer_cells *all,
				 const struct wire_have *m);
/* NEED: what it lacks is sent.  0, or -EPROTO with `err`. */
int peer_cell_need(struct peer_cells *all, const struct wire_need *m,
		   struct err *err);

#endif
