/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/manifest.h - all that a unit may read, as entries of a view.
 *
 * The closure that scan/ found, with every path led through symbolic links:
 *	FILE	what it reads
 *	LINK	the links on the way
 *	DIR	directories that have to be there
 *	GONE	what is not there, and was in some view once
 * What the answer is held against afterwards is in it too.
 *
 * inputs_manifest_make() and inputs_manifest_check() may block: they are for
 * worker threads.
 */
#ifndef INPUTS_MANIFEST_H
#define INPUTS_MANIFEST_H

#include "inputs/path.h"
#include "scan/deps.h"

/* What all units of a build share. */
struct inputs {
	struct inputs_paths *paths;
	struct inputs_dirs *dirs;
	struct inputs_spellings *spellings;
	struct store_identities *identities;
	struct scan *scan;
	uint32_t unit; /* the last one; under the lock of `paths` */
};

/* `scan` is what struct scan_setup says; may be NULL where nothing is. */
void inputs_init(struct inputs *in, const struct scan_setup *scan);
void inputs_release(struct inputs *in);

struct inputs_manifest_file {
	const struct inputs_path *at; /* to stat: links may lead on from here */
	const struct inputs_entry *is;
};

struct inputs_manifest_guard; /* a directory that tells of absences */

struct inputs_manifest {
	enum reason why; /* there is none */
	char *detail; /* which file; may be NULL */
	size_t n;
	const struct inputs_entry **entry; /* each path once */
	const struct inputs_path *cwd;
	struct scan_closure closure;
	struct inputs_manifest_file *file; /* by number in the closure */
	struct inputs_manifest_guard *guard;
	size_t n_guards;
	uint32_t *guarded_by; /* guard of each absence in the closure */
	/*
	 * By clock_us(): when inputs_manifest_make() began; earlier, if the
	 * compile was asked for by then, and whoever asked says so.
	 */
	uint64_t since_us;
	uint32_t scan_us, list_us; /* CPU time */
};

/*
 * Scan `unit` and list what it needs.  Files are read whose digest is not
 * known.  Always fills `m`; m->why tells whether it could.
 */
void inputs_manifest_make(struct inputs_manifest *m, struct inputs *in,
			  const struct scan_unit *unit);
void inputs_manifest_release(struct inputs_manifest *m);

/*
 * Is all of it still as it was?  NULL, or the path that is not (borrowed from
 * the manifest).
 *
 * A file that another unit has found as it is, not before m->since_us and less
 * than INPUTS_HELD_US ago, is not looked at again: the compiler may have read
 * it then as well, had the unit been compiled here.
 */
#define INPUTS_HELD_US 500000
const char *inputs_manifest_changed(const struct inputs_manifest *m,
				    const char *cwd);
/*
 * Is `path`, as a compiler spells it, one of the closure's files?  `cursor`, 0
 * at first, is where to begin; then the number behind the one found.
 */
bool inputs_manifest_has(const struct inputs_manifest *m, const char *path,
			 size_t *cursor);
/*
 * The same for another spelling of it: clang may name a directory as it met it
 * first ("b/x.h" for "a/../b/x.h").  Looks at the file system.
 */
bool inputs_manifest_has_file(const struct inputs_manifest *m, const char *cwd,
			      const char *path, size_t *cursor);

#endif
