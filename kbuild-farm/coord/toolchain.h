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

#include "compiler/manifest.h"
#include "coord/state.h"

enum coord_known {
	COORD_UNKNOWN,
	COORD_READY,
	COORD_TOUCHED, /* was READY: is it still the same? */
	COORD_BAD
};

/* What one choice of language makes a compiler read besides. */
struct coord_language {
	struct coord_language *next;
	char *key; /* the variables that choose it */
	const char *why; /* it cannot be shipped; a literal */
	size_t n;
	const struct coord_entry **entry;
};

struct coord_toolchain {
	TAILQ_ENTRY(coord_toolchain) link;
	struct coord *coord;
	enum coord_known state;
	const char *why; /* of COORD_BAD; a literal */
	char *driver; /* absolute path */
	struct strv env; /* of it what decides which files it runs */
	struct compiler_manifest manifest;
	struct compiler_manifest again; /* of COORD_TOUCHED: as it is now */
	size_t n_entries;
	const struct coord_entry **entry; /* of the manifest */
	struct coord_language *languages; /* under the lock of the paths */
	TAILQ_HEAD(, coord_reference) references;
	struct coord_canary *canary; /* our side of it; NULL: not begun */
	struct task *task;
	struct event *done;
	struct err err;
};

struct coord_reference {
	TAILQ_ENTRY(coord_reference) link;
	struct coord_toolchain *toolchain;
	enum coord_known state;
	struct strv machine; /* options_rewrite_machine() */
	bool is_clang;
	struct buf object;
	char *path; /* of the object while it is made */
	uint64_t since_ms;
	struct coord_child *child;
};

/*
 * The toolchain of a driver in this environment; begins to list a new one,
 * on a thread of its own.
 */
struct coord_toolchain *coord_toolchain_get(struct coord *c, const char *driver,
					    char *const *env);
/*
 * What the language of `env` takes, found out once.  For worker threads; the
 * toolchain is COORD_READY.
 */
const struct coord_language *coord_toolchain_language(
	struct coord_toolchain *tc, char *const *env);
/* The reference for a compile; begins to make a new one. */
struct coord_reference *coord_toolchain_reference(
	struct coord_toolchain *tc, char *const *argv,
	const struct options_compile *compile);
/* The text of every reference. */
struct bytes coord_toolchain_reference_text(void);
/*
 * A toolchain that is READY and whose files were touched is listed again, and
 * is BAD if anything in it changed; a touch alone (a link to one of the files
 * changes its ctime) is no change.  0.1 ms.
 */
void coord_toolchain_look(struct coord_toolchain *tc);
/* Once a second: look at all of them. */
void coord_toolchain_check(struct coord *c);
void coord_toolchain_free_all(struct coord *c);

#endif
