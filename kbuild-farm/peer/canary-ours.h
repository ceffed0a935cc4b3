/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/canary-ours.h - the canary as our own compiler compiles it.
 */
#ifndef PEER_CANARY_OURS_H
#define PEER_CANARY_OURS_H

#include "inputs/path.h"
#include "inputs/toolchain.h"
#include "options/typed.h"

struct peer_canary_unit {
	const char *name; /* "integers.c" */
	char *object_name; /* "integers.o" */
	bool is_asm;
	bool skipped; /* our compiler does not take it */
	struct strv argv; /* the whole command here */
	struct options_flags flags; /* for the node */
	const struct inputs_entry
		*entry; /* the source, in the work directory */
	struct buf object, said; /* what our compiler made of it */
};

struct peer_canary {
	struct inputs_toolchain *toolchain;
	enum inputs_known state;
	const char *why; /* of INPUTS_BAD; a literal */
	char *dir; /* its absolute path without links */
	const struct inputs_path *cwd; /* the same */
	struct peer_canary_unit *unit;
	size_t n, at; /* the one that is being compiled */
	struct child *child;
	uint64_t since_ms;
};

#endif
