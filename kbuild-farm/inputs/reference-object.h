/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/reference-object.h - Reference objects with the expected object
 * format.
 *
 * The object format is never derived from ARCH, because an x86_64 tree also
 * contains i386 objects and an arm64 tree x86-64 objects.  Instead the local
 * compiler makes a small reference object for each set of machine options, and
 * results must have the same format (inputs/object-format.h).  The same unit
 * also serves as the known-answer test of a node on probation: its result must
 * equal the reference object.
 */
#ifndef INPUTS_REFERENCE_OBJECT_H
#define INPUTS_REFERENCE_OBJECT_H

#include "inputs/toolchain.h"
#include "options/command.h"

struct child;

struct inputs_reference_object {
	TAILQ_ENTRY(inputs_reference_object) list_entry;
	struct inputs_toolchain *toolchain;
	enum inputs_state state;
	uint32_t user_number; /* for the owner; initially 0 */
	struct strv machine_options; /* options_rewrite_object_format() */
	struct buf object;
	char *output_path; /* of the object during the compile */
	uint64_t start_ms;
	struct child *child;
};

/* The source of all references: its name in the work directory, its text. */
#define INPUTS_REFERENCE_SOURCE_NAME "kfarm-reference.c"
struct bytes inputs_reference_object_source(void);

/*
 * Return the reference for a command.  If it is new, start its compile; its
 * state is INPUTS_STATE_UNKNOWN until the compile has finished.
 */
struct inputs_reference_object *inputs_reference_object_get(
	struct inputs_toolchain *tc, const struct options_command *command);
/* Kill compilers that hang.  The caller calls it once a second. */
void inputs_reference_object_kill_stalled(struct inputs_toolchain *tc);
void inputs_reference_object_free_all(struct inputs_toolchain *tc);

#endif
