/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/canary-ours.h - the canary as our own compiler compiles it.
 */
#ifndef PEER_CANARY_OURS_H
#define PEER_CANARY_OURS_H

#include "inputs/toolchain.h"
#include "options/typed.h"
#include "peer/farm.h"
#include "peer/job.h"

#include <stdatomic.h>

struct peer_canary_unit {
	const char *name; /* "integers.c" */
	char *object_name; /* "integers.o" */
	bool is_asm;
	bool skipped; /* our compiler does not take it */
	struct strv argv; /* the whole command here */
	struct options_flags flags; /* for the node */
	const struct inputs_entry *entry; /* the source */
	struct buf object, diagnostics; /* what our compiler made of it */
};

struct peer_canary {
	TAILQ_ENTRY(peer_canary) link;
	struct peer_farm *farm;
	const struct inputs_toolchain *toolchain;
	bool is_burn; /* the sources of a burn-in */
	unsigned number;
	enum inputs_known state;
	struct task *task; /* while it is UNKNOWN it has all that follows */
	atomic_bool stop;
	const char *why; /* of INPUTS_BAD; a literal */
	char *dir; /* its absolute path without links */
	const struct inputs_path *cwd; /* the same */
	struct peer_canary_unit *unit;
	size_t n, n_good;
	atomic_uint n_tried; /* so far, for who waits */
};

/*
 * The canary of a toolchain.  A new one is compiled on a thread, which wakes
 * the nodes when it is done.
 */
struct peer_canary *peer_canary_of(struct peer_farm *farm,
				   const struct inputs_toolchain *tc);
/* The same of what a burn-in compiles. */
struct peer_canary *peer_canary_burn(struct peer_farm *farm,
				     const struct inputs_toolchain *tc);
/* What a node is asked about a unit that is not skipped; all is borrowed. */
void peer_canary_ask(struct peer_question *q, const struct peer_canary_unit *u,
		     const struct inputs_path *cwd);
/* Is a checked answer what our compiler made of it? */
bool peer_canary_is_equal(const struct peer_answer *a,
			  const struct peer_canary_unit *u);
void peer_canary_free_all(struct peer_farm *farm);

#endif
