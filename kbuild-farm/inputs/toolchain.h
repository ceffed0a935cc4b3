/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/toolchain.h - the compilers of this build: who they are, and what
 * kind of object they make.
 *
 * What an object must look like is never guessed from ARCH: an x86_64 tree
 * holds i386 objects and an arm64 tree x86-64 ones.  So the local compiler
 * makes a small reference object for each set of machine options, and an
 * answer must be of the same format.  The same unit, given to a node that
 * failed before, must come back equal: that is the known answer that lets
 * it work again.
 */
#ifndef INPUTS_TOOLCHAIN_H
#define INPUTS_TOOLCHAIN_H

#include "compiler/manifest.h"
#include "coord/state.h"

enum inputs_known {
	INPUTS_UNKNOWN,
	INPUTS_READY,
	INPUTS_TOUCHED, /* was READY: is it still the same? */
	INPUTS_BAD
};

/* What one choice of language makes a compiler read besides. */
struct inputs_language {
	struct inputs_language *next;
	char *key; /* the variables that choose it */
	enum reason why; /* it cannot be shipped */
	size_t n;
	const struct inputs_entry **entry;
};

struct inputs_toolchain {
	TAILQ_ENTRY(inputs_toolchain) link;
	struct coord *coord;
	enum inputs_known state;
	enum reason why; /* of INPUTS_BAD */
	char *driver; /* absolute path */
	struct strv env; /* of it what decides which files it runs */
	struct compiler_manifest manifest;
	struct compiler_manifest again; /* of INPUTS_TOUCHED: as it is now */
	size_t n_entries;
	const struct inputs_entry **entry; /* of the manifest */
	struct inputs_language *languages; /* under the lock of the paths */
	TAILQ_HEAD(, inputs_reference) references;
	struct task *task;
	struct event *done;
	struct err err;
};

struct inputs_reference {
	TAILQ_ENTRY(inputs_reference) link;
	struct inputs_toolchain *toolchain;
	enum inputs_known state;
	struct strv machine; /* options_rewrite_machine() */
	struct buf object;
	char *path; /* of the object while it is made */
	uint64_t since_ms;
	struct child *child;
};

/*
 * The toolchain of a driver in this environment; begins to list a new one,
 * on a thread of its own.
 */
struct inputs_toolchain *inputs_toolchain_get(struct coord *c,
					      const char *driver,
					      char *const *env);
/*
 * What the language of `env` takes, found out once.  For worker threads; the
 * toolchain is INPUTS_READY.
 */
const struct inputs_language *inputs_toolchain_language(
	struct inputs_toolchain *tc, char *const *env);
/* The reference for a compile; begins to make a new one. */
struct inputs_reference *inputs_toolchain_reference(
	struct inputs_toolchain *tc, const struct options_command *compile);
/* The source of every reference: its name in the work directory, its text. */
#define INPUTS_REFERENCE_SOURCE "kfarm-reference.c"
struct bytes inputs_toolchain_reference_text(void);
/*
 * A toolchain that is READY and whose files were touched is listed again, and
 * is BAD if anything in it changed; a touch alone (a link to one of the files
 * changes its ctime) is no change.  0.1 ms.
 */
void inputs_toolchain_look(struct inputs_toolchain *tc);
/* Once a second: look at all of them. */
void inputs_toolchain_check(struct coord *c);
void inputs_toolchain_free_all(struct coord *c);

#endif
