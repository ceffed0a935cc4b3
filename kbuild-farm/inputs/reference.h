/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/reference.h - what kind of object a compiler makes.
 *
 * What an object must look like is never guessed from ARCH: an x86_64 tree
 * holds i386 objects and an arm64 tree x86-64 ones.  So the local compiler
 * makes a small reference object for each set of machine options, and an
 * answer must be of the same kind (inputs/object.h).  The same unit, given to a
 * node that failed before, must come back equal: that is the known answer that
 * lets it work again.
 */
#ifndef INPUTS_REFERENCE_H
#define INPUTS_REFERENCE_H

#include "inputs/toolchain.h"
#include "options/command.h"

struct child;

struct inputs_reference {
	TAILQ_ENTRY(inputs_reference) link;
	struct inputs_toolchain *toolchain;
	enum inputs_known state;
	uint32_t number; /* for the owner; 0 at first */
	struct strv machine; /* options_rewrite_machine() */
	struct buf object;
	char *path; /* of the object while it is made */
	uint64_t since_ms;
	struct child *child;
};

/* The source of every reference: its name in the work directory, its text. */
#define INPUTS_REFERENCE_SOURCE "kfarm-reference.c"
struct bytes inputs_reference_text(void);

/* The reference for a command; begins to make a new one. */
struct inputs_reference *inputs_reference_get(
	struct inputs_toolchain *tc, const struct options_command *command);
/* Once a second: a compiler that hangs on a few lines is not waited for. */
void inputs_reference_check_all(struct inputs_toolchain *tc);
void inputs_reference_free_all(struct inputs_toolchain *tc);

#endif
