/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/own.h - which build of a compiler a node uses: our own bytes, or the
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
 * before for the two contents (coord/trust.h), or run now (coord/canary.h).
 */
#ifndef COORD_OWN_H
#define COORD_OWN_H

#include "coord/cell.h"
#include "coord/trust.h"

/* What a connection knows of it; p->own. */
struct coord_own;

/* Ask for a cell of the toolchain, at once or when enough is known. */
void coord_own_ask(struct coord_peer *p, struct coord_toolchain *tc);
/* Is it still being found out, or brought there? */
bool coord_own_undecided(const struct coord_peer *p);
/* The ids of all builds of it that the node holds and runs. */
void coord_own_tools(const struct coord_peer *p,
		     const struct coord_toolchain *tc, struct strv *ids);

/* Its messages: 0, or -EPROTO with `err`. */
int coord_own_held(struct coord_peer *p, struct bytes body, struct err *err);
int coord_own_kept(struct coord_peer *p, struct bytes body, struct err *err);
/* A NEED about a KEEP. */
int coord_own_need(struct coord_peer *p, const struct wire_need *m,
		   struct err *err);
/* There is room in the stream again. */
void coord_own_more(struct coord_peer *p);
/* Once a second. */
void coord_own_watch(struct coord_peer *p);
/* Events: a node that is as it was "is given ID". */
void coord_own_tell(const struct coord_peer *p, const char *what,
		    const char *id);

/*
 * coord/own-trial.c: a cell with the node's own build runs; `detail` names its
 * content.
 */
void coord_own_ready(struct coord_cell *cell, const char *detail);
/* Run the canary on a cell that is CELL_TRYING; what it shows is recorded. */
void coord_own_try(struct coord_cell *cell, unsigned rounds);
/* The conversation is over. */
void coord_own_free(struct coord_peer *p);

/*
 * Is `id`, of what a node holds, a build of this compiler?  The release must
 * be the same, and the triplet that of the compiler, where "aarch64-linux" is
 * "aarch64-linux-gnu" too; the canary has the last word.
 */
bool coord_own_matches(const char *id, const char *host,
		       const struct compiler_manifest *m);
/* The key of what is recorded of a node and this compiler. */
void coord_own_key(struct coord_trust_key *key, const struct coord_peer *p,
		   const struct coord_toolchain *tc,
		   const struct digest *theirs);

#endif
