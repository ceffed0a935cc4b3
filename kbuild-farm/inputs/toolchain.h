/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/toolchain.h - Compilers of a build as entries of an input root.
 *
 * The files of a compiler are listed once, on a separate thread.  The files for
 * the language of its messages are listed once for each language.  Nodes use
 * the compiler as it was listed, so the build host checks during the whole
 * build that the files are unchanged.
 *
 * Reference objects define the expected object format.  ARCH does not determine
 * this format: an x86_64 tree also contains i386 objects, and an arm64 tree
 * also contains x86-64 objects.  Instead, the local compiler makes a small
 * reference object for each set of machine options, and results must have the
 * same format (inputs/object-format.h).  A reference object is also used for
 * the known-answer test of a node on probation: the node compiles the same
 * source, and its object must be equal.
 */
#ifndef INPUTS_TOOLCHAIN_H
#define INPUTS_TOOLCHAIN_H

#include "base/list.h"
#include "base/reason.h"
#include "base/work-timer.h"
#include "compiler/manifest.h"
#include "inputs/path.h"
#include "options/command.h"

struct child;
struct children;
struct event_base;
struct inputs_reference_object;
struct inputs_toolchain;
struct task;

enum inputs_state {
	INPUTS_STATE_UNKNOWN,
	INPUTS_STATE_READY,
	INPUTS_STATE_UNVERIFIED, /* was READY; is being listed again */
	INPUTS_STATE_UNUSABLE
};

/*
 * All toolchains of a build.  The owner sets the members up to `ctx` and must
 * not move the struct.
 */
struct inputs_toolchains {
	struct event_base *event_base;
	struct children *children;
	struct inputs_paths *paths;
	const char *work_dir; /* a private directory */
	/* Called on the event loop after a change from state `was`. */
	void (*on_state_changed)(void *ctx, struct inputs_toolchain *tc,
				 enum inputs_state was);
	/* Called on the event loop; the reference is READY or UNUSABLE. */
	void (*on_reference_made)(void *ctx,
				  struct inputs_reference_object *ref);
	void *ctx;

	char *cache_dir; /* can be NULL */
	TAILQ_HEAD(, inputs_toolchain) toolchains;
	unsigned n_references; /* number of objects made in `work_dir` */
};

/* The additional files that a compiler reads for a language of messages. */
struct inputs_locale {
	struct inputs_locale *next;
	/* environment variables that select the language */
	char *variables;
	enum reason reason; /* why the files cannot be sent, or REASON_NONE */
	size_t n_entries;
	const struct inputs_entry **entries;
};

struct inputs_toolchain {
	TAILQ_ENTRY(inputs_toolchain) list_entry;
	struct inputs_toolchains *table;
	enum inputs_state state;
	enum reason reason; /* of INPUTS_STATE_UNUSABLE */
	uint32_t user_number; /* for the owner; initially 0 */
	char *driver; /* absolute path */
	struct strv env; /* the variables that select the compiler's files */
	struct compiler_manifest manifest;
	struct compiler_manifest new_manifest; /* in INPUTS_STATE_UNVERIFIED */
	size_t n_entries;
	const struct inputs_entry **entries; /* of the manifest */
	/* start times of the last check and of the last full check */
	uint64_t checked_ms, full_check_ms;
	struct inputs_locale *locales; /* see inputs_toolchain_get_locale() */
	TAILQ_HEAD(, inputs_reference_object) references;
	struct task *task; /* lists the compiler's files */
	struct err err; /* of INPUTS_STATE_UNUSABLE, for the user */
	struct err change; /* "FILE changed", from the last failed check */
};

/*
 * Initialize the members after `ctx`.  If `cache_dir` is not NULL, the digests
 * of compilers and the directories of their messages are cached there.  Later
 * builds then do not read an unchanged compiler again.
 */
void inputs_toolchains_init(struct inputs_toolchains *all,
			    const char *cache_dir);

/* Free all toolchains.  Waits for their threads. */
void inputs_toolchains_release(struct inputs_toolchains *all);

/*
 * Return the toolchain of a driver in the environment `env`.  The files of a
 * new toolchain are listed on a separate thread.  The state of the toolchain is
 * INPUTS_STATE_UNKNOWN until this list is complete.
 */
struct inputs_toolchain *inputs_toolchain_get(struct inputs_toolchains *all,
					      const char *driver,
					      char *const *env);
/*
 * Return the files for messages in the language that `env` selects.  The files
 * are listed once for each set of locale variables.  The function can read many
 * files, so it must run on a worker thread.  The toolchain must be in
 * INPUTS_STATE_READY.
 */
const struct inputs_locale *inputs_toolchain_get_locale(
	struct inputs_toolchain *tc, char *const *env);
/*
 * Convert the files of a compiler into entries, with `path_prefix` in front of
 * their paths.  The caller frees the array.
 */
const struct inputs_entry **inputs_toolchain_make_entries(
	struct inputs_paths *paths, const char *path_prefix,
	const struct compiler_entries *list);
/*
 * Check the files of a READY toolchain.  If a stamp has changed, the toolchain
 * is listed again, and becomes UNUSABLE if an entry differs.  A change of only
 * the ctime, for example by a new hard link, is not a difference.
 *
 * Does nothing if the last check was after `since_ms`, a time of clock_ms().
 * Within INPUTS_TOOLCHAIN_FULL_CHECK_MS after a full check, a quick check of
 * the directories and the programs is made first.  It detects replaced files
 * and modified programs.  If it finds no change, the full check is omitted.  A
 * full check takes 0.1 to 0.3 ms.
 */
#define INPUTS_TOOLCHAIN_FULL_CHECK_MS 3000
void inputs_toolchain_check(struct inputs_toolchain *tc, uint64_t since_ms);
/*
 * Check all toolchains and kill hanging compilers of reference objects.  The
 * caller calls this function once a second.
 */
void inputs_toolchain_check_all(struct inputs_toolchains *all);

struct inputs_reference_object {
	TAILQ_ENTRY(inputs_reference_object) list_entry;
	struct inputs_toolchain *toolchain;
	enum inputs_state state;
	uint32_t user_number; /* for the owner; initially 0 */
	/* result of options_rewrite_object_format() */
	struct strv machine_options;
	struct buf object;
	char *output_path; /* of the object during the compile */
	struct work_timer timer; /* limits the time of `child` */
	struct child *child;
};

/* The name (in the work directory) and the text of the reference source. */
#define INPUTS_REFERENCE_SOURCE_NAME "kfarm-reference.c"
struct bytes inputs_reference_object_source(void);

/*
 * Return the reference object for a command.  If the object is new, start its
 * compile.  The state of the object is INPUTS_STATE_UNKNOWN until the compile
 * has finished.
 */
struct inputs_reference_object *inputs_reference_object_get(
	struct inputs_toolchain *tc, const struct options_command *command);
/* Kill hanging compilers.  The caller calls this function once a second. */
void inputs_reference_object_kill_stalled(struct inputs_toolchain *tc);

#endif
