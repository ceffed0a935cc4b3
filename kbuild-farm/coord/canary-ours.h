/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/canary-ours.h - the canary as our own compiler compiles it.
 */
#ifndef COORD_CANARY_OURS_H
#define COORD_CANARY_OURS_H

#include "coord/path.h"
#include "coord/toolchain.h"
#include "options/typed.h"

struct coord_canary_unit {
	const char *name; /* "integers.c" */
	char *object_name; /* "integers.o" */
	bool is_asm;
	bool skipped; /* our compiler does not take it */
	struct strv argv; /* the whole command here */
	struct options_flags flags; /* for the node */
	const struct coord_entry *entry; /* the source, in the work directory */
	struct buf object, said; /* what our compiler made of it */
};

struct coord_canary {
	struct coord_toolchain *toolchain;
	enum coord_known state;
	const char *why; /* of COORD_BAD; a literal */
	char *dir; /* its absolute path without links */
	const struct coord_path *cwd; /* the same */
	struct coord_canary_unit *unit;
	size_t n, at; /* the one that is being compiled */
	struct coord_child *child;
	uint64_t since_ms;
};

#endif
