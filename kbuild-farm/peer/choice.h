/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/choice.h - which build of a compiler a node uses: our own bytes, or the
 * same release as the node holds it for another architecture.
 *
 *	it runs our programs	our bytes ship with the build, unless `kfarm
 *				toolchain tune` found that one it holds is
 *				faster
 *	it does not		one that it holds; else one that this machine
 *				has installed for it is given first, with
 *				toolchain.sync; else it gets no job, and
 *				people are told why
 *
 * A build that the node holds gets jobs once a canary has passed: recorded
 * before for the two contents (peer/canary-db.h), or run now (peer/canary.h).
 * While a farm is tuned, all of them are tried in turn.
 */
#ifndef PEER_CHOICE_H
#define PEER_CHOICE_H

#include "peer/canary.h"
#include "peer/cell.h"
#include "peer/foreign.h"

/*
 * Ask for a cell of the toolchain, unless more has to be known first: then it
 * is to be called again when f->changed.
 */
void peer_choice_ask(struct peer_foreign *f, struct peer_cells *cells,
		     struct inputs_toolchain *tc);
/* A cell runs now; or it is over, and not by us. */
void peer_choice_cell(struct peer_foreign *f, struct peer_cell *cell);
/* A canary is over; releases `o`. */
void peer_choice_tried(struct peer_foreign *f, struct peer_cell *cell,
		       struct peer_canary_outcome *o);

enum peer_has peer_choice_has(const struct peer_foreign *f,
			      const struct peer_cells *cells,
			      const struct inputs_toolchain *tc);
/* It has none of the toolchains, and gets none; *why may be NULL. */
bool peer_choice_lacks(const struct peer_foreign *f,
		       const struct peer_cells *cells, const char **why);

#endif
