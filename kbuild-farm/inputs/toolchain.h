/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/toolchain.h - the compilers of a build, as entries of a view.
 *
 * A compiler is listed once, on a thread; what its messages' language takes
 * besides, once for each language.  Its files are looked at as long as the
 * build lasts: answers of nodes are those of the compiler that was listed.
 */
#ifndef INPUTS_TOOLCHAIN_H
#define INPUTS_TOOLCHAIN_H

#include "base/list.h"
#include "base/reason.h"
#include "compiler/manifest.h"
#include "inputs/path.h"

struct children;
struct event_base;
struct inputs_reference;
struct inputs_toolchain;
struct task;

enum inputs_known {
	INPUTS_UNKNOWN,
	INPUTS_READY,
	INPUTS_TOUCHED, /* was READY: is it still the same? */
	INPUTS_BAD
};

/* All of a build; the owner fills it, and it stays in its place. */
struct inputs_toolchains {
	struct event_base *base;
	struct children *children;
	struct inputs_paths *paths;
	const char *work; /* a private directory */
	/* From the loop: what is known of one, which was `was`, is another. */
	void (*changed)(void *ctx, struct inputs_toolchain *tc,
			enum inputs_known was);
	/* From the loop: a reference is READY or BAD now. */
	void (*made)(void *ctx, struct inputs_reference *ref);
	void *ctx;

	TAILQ_HEAD(, inputs_toolchain) list;
	unsigned n_references; /* so many files were made in `work` */
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
	struct inputs_toolchains *all;
	enum inputs_known state;
	enum reason why; /* of INPUTS_BAD */
	uint32_t number; /* for the owner; 0 at first */
	char *driver; /* absolute path */
	struct strv env; /* of it what decides which files it runs */
	struct compiler_manifest manifest;
	struct compiler_manifest again; /* of INPUTS_TOUCHED: as it is now */
	size_t n_entries;
	const struct inputs_entry **entry; /* of the manifest */
	/* By clock_ms(), just before the last look, and the last at all files:
	 */
	uint64_t looked_ms, full_ms;
	struct inputs_language *languages; /* under a lock of its own */
	TAILQ_HEAD(, inputs_reference) references;
	struct task *task; /* that lists it */
	struct err err; /* of INPUTS_BAD, for people */
};

/* After the owner's part was filled. */
void inputs_toolchains_init(struct inputs_toolchains *all);
/* Waits for threads. */
void inputs_toolchains_release(struct inputs_toolchains *all);
/*
 * The toolchain of a driver in this environment; begins to list a new one, on
 * a thread of its own.
 */
struct inputs_toolchain *inputs_toolchain_get(struct inputs_toolchains *all,
					      const char *driver,
					      char *const *env);
/*
 * What the language of `env` takes, found out once.  For worker threads; the
 * toolchain is INPUTS_READY.
 */
const struct inputs_language *inputs_toolchain_language(
	struct inputs_toolchain *tc, char *const *env);
/*
 * The files of a compiler as entries, `top` before their paths; the caller
 * frees the list.
 */
const struct inputs_entry **inputs_toolchain_entries(
	struct inputs_paths *paths, const char *top,
	const struct compiler_entries *list);
/*
 * A toolchain that is READY and whose files were touched is listed again, and
 * is BAD if anything in it changed; a touch alone (a link to one of the files
 * changes its ctime) is no change.  Nothing where it was looked at after
 * `since_ms`, by clock_ms(); a glance at its directories (which tells when a
 * file was put in the place of another) where all its files were looked at
 * less than INPUTS_TOOLCHAIN_FULL_MS ago; else 0.1 to 0.3 ms.
 */
#define INPUTS_TOOLCHAIN_FULL_MS 3000
void inputs_toolchain_look(struct inputs_toolchain *tc, uint64_t since_ms);
/* Once a second: look at all of them. */
void inputs_toolchains_check(struct inputs_toolchains *all);

#endif
