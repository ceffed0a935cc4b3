/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/cell.h - one toolchain on one node, as the coordinator sees it, and
 * what the node has been told of the files there.
 *
 *	ASKED -> [TRYING ->] READY -> OVER
 *	     \-> OVER
 *
 * A view is told in deltas: of each path, the version that the cell was told
 * last is kept, so that a job costs what changed since the job before.
 *
 * A cell may use a build of the compiler that the node holds itself (`own`).
 * Then nothing of the toolchain is sent, and the node has its own files where
 * ours are: what they contain must have been compared by a canary, during
 * which the cell is TRYING (peer/foreign.h).
 */
#ifndef PEER_CELL_H
#define PEER_CELL_H

#include "inputs/path.h"
#include "peer/peer.h"
#include "peer/views.h"

enum peer_cell_state {
	CELL_ASKED,
	CELL_TRYING, /* it runs, and has to show how it compiles */
	CELL_READY,
	CELL_OVER, /* refused, lost, or spoiled */
};

struct peer_told; /* what it knows of a path */

struct peer_cell {
	TAILQ_ENTRY(peer_cell) link;
	struct peer *peer;
	struct inputs_toolchain *toolchain;
	enum peer_cell_state state;
	char *own; /* the id of what the node holds; NULL: our own bytes */
	struct digest theirs; /* content id of that, once it is not ASKED */
	struct peer_trial *trial; /* of TRYING (peer/canary.h) */
	char *detail; /* why it is over, in the node's words */
	uint64_t asked_ms;
	bool needs; /* it lacked bytes of its toolchain */
	bool lost; /* over, but another one may be asked for */
	struct peer_views views;
	uint32_t toolchain_view; /* the last that is the toolchain's */
	struct peer_ship_user user;
	struct peer_told *told; /* by id of the path */
	uint32_t n_told;
};

/*
 * Ask the node for a cell of this toolchain and tell it the toolchain, or,
 * with `own`, that it is to use what it holds by that id.
 */
void peer_cell_ask(struct peer *p, struct inputs_toolchain *tc,
		   const char *own);
/* No more jobs for it: tell the node, and why people should know. */
void peer_cell_shut(struct peer_cell *cell, const char *detail);
/* The last one of a toolchain, NULL: never asked. */
struct peer_cell *peer_cell_find(const struct peer *p,
				 const struct inputs_toolchain *tc);
/*
 * Tell the node what these entries are, as far as it does not know it.  *view
 * becomes the view that a job with them has to wait for.  Returns 0; -ENOSPC
 * when the connection can name no more paths; -ESTALE when an entry is a
 * file of the toolchain with other content.
 */
int peer_cell_tell(struct peer_cell *cell,
		   const struct inputs_entry *const *entry, size_t n,
		   uint32_t *view);
/* The connection, for what goes out beside the cells' own views. */
struct peer_link peer_cell_link(const struct peer *p);

/* Its messages: 0, or -EPROTO with `err`. */
int peer_cell_have(struct peer *p, struct bytes body, struct err *err);
int peer_cell_need(struct peer *p, struct bytes body, struct err *err);

void peer_cell_free_all(struct peer *p);

#endif
