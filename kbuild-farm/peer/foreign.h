/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/foreign.h - which build of a compiler a node uses: our own bytes, or the
 * same release as the node holds it for another architecture.
 *
 *	it runs our programs		our bytes ship with the build, unless
 *					`kfarm toolchain tune` found that one
 *					it holds is faster
 *	it does not			one that it holds (TOOLS, HELD); else
 *one that this machine has installed for it is given first, with
 *toolchain.sync; else it gets no job, and people are told why
 *
 * A build that the node holds gets jobs once a canary has passed: recorded
 * before for the two contents (peer/canary-db.h), or run now (peer/canary.h).
 */
#ifndef PEER_FOREIGN_H
#define PEER_FOREIGN_H

#include "peer/canary-db.h"
#include "peer/cell.h"

/* What a connection knows of it; p->own. */
struct peer_foreign;

/* Ask for a cell of the toolchain, at once or when enough is known. */
void peer_foreign_ask(struct peer *p, struct inputs_toolchain *tc);
/* Is it still being found out, or brought there? */
bool peer_foreign_undecided(const struct peer *p);
/* The ids of all builds of it that the node holds and runs. */
void peer_foreign_tools(const struct peer *p, const struct inputs_toolchain *tc,
			struct strv *ids);

/* Its messages: 0, or -EPROTO with `err`. */
int peer_foreign_held(struct peer *p, struct bytes body, struct err *err);
int peer_foreign_kept(struct peer *p, struct bytes body, struct err *err);
/* A NEED about a KEEP. */
int peer_foreign_need(struct peer *p, const struct wire_need *m,
		      struct err *err);
/* There is room in the stream again. */
void peer_foreign_more(struct peer *p);
/* Once a second. */
void peer_foreign_watch(struct peer *p);
/* Events: a node that is as it was "is given ID". */
void peer_foreign_tell(const struct peer *p, const char *what, const char *id);

/*
 * peer/foreign-canary.c: a cell with the node's own build runs; `detail` names
 * its content.
 */
void peer_foreign_ready(struct peer_cell *cell, const char *detail);
/* Run the canary on a cell that is CELL_TRYING; what it shows is recorded. */
void peer_foreign_try(struct peer_cell *cell, unsigned rounds);
/* The conversation is over. */
void peer_foreign_free(struct peer *p);

/*
 * Is `id`, of what a node holds, a build of this compiler?  The release must
 * be the same, and the triplet that of the compiler, where "aarch64-linux" is
 * "aarch64-linux-gnu" too; the canary has the last word.
 */
bool peer_foreign_matches(const char *id, const char *host,
			  const struct compiler_manifest *m);
/* The key of what is recorded of a node and this compiler. */
void peer_foreign_key(struct peer_canary_db_key *key, const struct peer *p,
		      const struct inputs_toolchain *tc,
		      const struct digest *theirs);

#endif
