/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/fixdep.h - A replacement of Linux's scripts/basic/fixdep.
 *
 *	fixdep DEPFILE TARGET COMMAND
 *
 * converts a compiler's depfile into the variables that kbuild stores in
 * .TARGET.cmd, with $(wildcard include/config/SYMBOL) for each CONFIG_ symbol
 * that occurs in a file of the depfile.  The symbols of each file are cached.
 *
 * The versions of Linux 6.1 and 6.12 are supported (inputs/fixdep-program.h).
 * For any other program, and for any input on which fixdep fails, the caller
 * must run the program itself.
 *
 * As in fixdep's parse_config_file(), a symbol is the word after a "CONFIG_"
 * that is not preceded by a letter, a digit or '_'.  A final "_MODULE" is not
 * part of the symbol.  The search ends at the first NUL of the file.
 *
 * The read cache contains the recently verified inputs of compiles.  When a
 * unit's result is verified, kfarm checks that all files that the compiler read
 * are unchanged.  fixdep processes the same files immediately afterwards, so it
 * does not check them again.  If a file changes after the verification, the
 * .cmd file may describe the old content, from which the object was made.  This
 * is safe: the changed file is newer than the object, so make recompiles the
 * object.
 *
 * All functions are thread-safe.
 */
#ifndef INPUTS_FIXDEP_H
#define INPUTS_FIXDEP_H

#include "base/buf.h"
#include "base/err.h"
#include "inputs/fixdep-program.h"
#include "inputs/manifest.h"

struct inputs_fixdep;

/*
 * Create a fixdep with empty caches.  The directories are those of
 * inputs_fixdep_programs_new().
 */
struct inputs_fixdep *inputs_fixdep_new(const char *cache_dir,
					const char *work_dir);
void inputs_fixdep_free(struct inputs_fixdep *f); /* accepts NULL */

/*
 * Record that the files of `m` have just been verified to be unchanged.  They
 * were read by a compile in `cwd` with the depfile `depfile`.
 */
void inputs_fixdep_add_verified(struct inputs_fixdep *f,
				const struct inputs_manifest *m,
				const char *cwd, const char *depfile);

struct inputs_fixdep_call {
	const char *cwd; /* absolute working directory */
	const char *depfile, *target; /* arguments of fixdep */
};

/*
 * Do what `program` (path of a fixdep, relative to call->cwd) does with the
 * arguments in `call`.  Append its output to `before_command` and
 * `after_command`, without the COMMAND argument that it prints between them.
 * Returns 0, or a negative errno if fixdep would fail or its version is
 * unknown; the output is then incomplete.
 */
int inputs_fixdep_run(struct inputs_fixdep *f, const char *program,
		      const struct inputs_fixdep_call *call,
		      struct buf *before_command, struct buf *after_command,
		      struct err *err);

#endif
