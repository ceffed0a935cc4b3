/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/foreign.h - which build of a compiler a node uses: our own bytes, or the
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
#ifndef PEER_FOREIGN_H
#define PEER_FOREIGN_H

#include "peer/bundle.h"
#include "peer/canary.h"

struct peer_sync; /* one on its way */

/* Of one conversation, from FIT on. */
struct peer_foreign {
	struct peer_link *link;
	const char *machine; /* uname -m; borrowed from HELLO */
	const struct strv *hosts; /* what it runs; borrowed from FIT */
	bool asked, known; /* what it holds */
	struct peer_foreign_tool {
		char *id, *host;
	} * tool;
	size_t n_tools;
	struct strv
		pushed; /* ids that were offered to it, successfully or not */
	struct peer_sync *sync; /* under way */
	struct peer_delivery delivery;
	bool changed; /* what it holds; the one who looks clears it */
	bool stuck; /* it waits for what never comes: begin anew */
	char *lacks; /* the last toolchain that it can never have, and why */
};

void peer_foreign_init(struct peer_foreign *f, struct peer_link *link,
		       const char *machine, const struct strv *hosts);
/* Fine on a zeroed one. */
void peer_foreign_release(struct peer_foreign *f);

/*
 * Ask for a cell of the toolchain, unless more has to be known first: then it
 * is to be called again when f->changed.
 */
void peer_foreign_ask(struct peer_foreign *f, struct peer_cells *cells,
		      struct inputs_toolchain *tc);
/* A cell runs now; or it is over, and not by us. */
void peer_foreign_cell(struct peer_foreign *f, struct peer_cell *cell);
/* A canary is over; releases `o`. */
void peer_foreign_tried(struct peer_foreign *f, struct peer_cell *cell,
			struct peer_canary_outcome *o);

enum peer_has peer_foreign_has(const struct peer_foreign *f,
			       const struct peer_cells *cells,
			       const struct inputs_toolchain *tc);
/* Of a toolchain that it has: see peer_takes_steps(). */
bool peer_foreign_takes_steps(const struct peer_foreign *f,
			      const struct peer_cells *cells,
			      const struct inputs_toolchain *tc,
			      enum wire_step_kind kind, const char **host);
/* It has none of the toolchains, and gets none; *why may be NULL. */
bool peer_foreign_lacks(const struct peer_foreign *f,
			const struct peer_cells *cells, const char **why);

/* Its messages: 0, or -EPROTO with `err`. */
int peer_foreign_held(struct peer_foreign *f, struct bytes body,
		      struct err *err);
/* Is it about what is on its way?  Then: */
bool peer_foreign_brings(const struct peer_foreign *f, uint32_t number);
int peer_foreign_need(struct peer_foreign *f, const struct wire_need *m,
		      struct err *err);
void peer_foreign_have(struct peer_foreign *f, const struct wire_have *m);

/*
 * Is `id`, of what a node holds, a build of this compiler?  The release must
 * be the same, and the triplet that of the compiler, where "aarch64-linux" is
 * "aarch64-linux-gnu" too; the canary has the last word.
 */
bool peer_foreign_matches(const char *id, const char *host,
			  const struct compiler_manifest *m);

#endif
