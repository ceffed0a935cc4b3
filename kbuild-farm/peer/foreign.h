/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/foreign.h - the compilers that a node holds on its own disk, for its
 * own architecture, and those that it is given by toolchain.sync.
 */
#ifndef PEER_FOREIGN_H
#define PEER_FOREIGN_H

#include "inputs/toolchain.h"
#include "peer/bundle.h"
#include "peer/link.h"

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
	struct strv given; /* ids that were tried to be given */
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

/* Ask what it holds, once. */
void peer_foreign_ask_tools(struct peer_foreign *f);
/* Is it still being found out, or brought there? */
bool peer_foreign_undecided(const struct peer_foreign *f);
/*
 * The ids of all builds of it that the node holds and runs, those of its first
 * host before others.
 */
void peer_foreign_builds(const struct peer_foreign *f,
			 const struct compiler_manifest *m, struct strv *ids);
/* With toolchain.sync: bring what this machine has for it.  False: nothing. */
bool peer_foreign_bring(struct peer_foreign *f,
			const struct compiler_manifest *m);

/* Its messages: 0, or -EPROTO with `err`. */
int peer_foreign_held(struct peer_foreign *f, struct bytes body,
		      struct err *err);
/* Is it about what is on its way?  Then: */
bool peer_foreign_brings(const struct peer_foreign *f, uint32_t number);
int peer_foreign_need(struct peer_foreign *f, const struct wire_need *m,
		      struct err *err);
void peer_foreign_have(struct peer_foreign *f, const struct wire_have *m);
/* Events: the node, which is as it was, "is given ID". */
void peer_foreign_tell(const struct peer_foreign *f, const char *what,
		       const char *id);

/*
 * Is `id`, of what a node holds, a build of this compiler?  The release must
 * be the same, and the triplet that of the compiler, where "aarch64-linux" is
 * "aarch64-linux-gnu" too; the canary has the last word.
 */
bool peer_foreign_matches(const char *id, const char *host,
			  const struct compiler_manifest *m);

#endif
