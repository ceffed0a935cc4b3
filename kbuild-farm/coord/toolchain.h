/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/toolchain.h - the compilers of this build: who they are, and what
 * kind of object they make.
 *
 * What an object must look like is never guessed from ARCH: an x86_64 tree
 * holds i386 objects and an arm64 tree x86-64 ones.  So the local compiler
 * makes a small reference object for each set of machine options, and an
 * answer must be of the same format.  The same unit, given to a node that
 * failed before, must come back equal: that is the known answer that lets
 * it work again.
 */
#ifndef COORD_TOOLCHAIN_H
#define COORD_TOOLCHAIN_H

#include "coord/state.h"
#include "toolchain/ident.h"

enum coord_known {
	COORD_UNKNOWN,
	COORD_READY,
	COORD_BAD
};

struct coord_toolchain {
	TAILQ_ENTRY(coord_toolchain) link;
	struct coord *coord;
	enum coord_known state;
	const char *why; /* of COORD_BAD; a literal */
	char *driver; /* absolute path */
	struct toolchain_ident ident;
	struct digest stamp; /* of its files, when it was identified */
	TAILQ_HEAD(, coord_reference) references;
	struct task *task;
	struct event *done;
	struct err err;
};

struct coord_reference {
	TAILQ_ENTRY(coord_reference) link;
	struct coord_toolchain *toolchain;
	enum coord_known state;
	struct strv machine; /* options_rewrite_machine() */
	struct buf object;
	char *path; /* of the object while it is made */
	uint64_t since_ms;
	struct coord_child *child;
};

/* The toolchain of a driver; begins to identify a new one. */
struct coord_toolchain *coord_toolchain_get(struct coord *c,
					    const char *driver);
/* The reference for a compile; begins to make a new one. */
struct coord_reference *coord_toolchain_reference(
	struct coord_toolchain *tc, char *const *argv,
	const struct options_compile *compile);
/* The text of every reference. */
struct bytes coord_toolchain_reference_text(void);
/* Once a second: a toolchain whose files changed is not used any more. */
void coord_toolchain_check(struct coord *c);
void coord_toolchain_free_all(struct coord *c);

#endif
