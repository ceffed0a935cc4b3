/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/fixdep-program.h - Identification of fixdep programs.
 *
 * A program is known if its source is known and its saved command, executed
 * again, makes an equal program.  A task executes the command once
 * (inputs/rebuild.h); until it has finished, the program is unknown.  The
 * digest of each known program is recorded in the cache directory, so a later
 * build reads the program once instead of rebuilding it.  After that, the build
 * uses stat(2) to check that the program is unchanged.  If the command makes a
 * different program, the record contains the stamp of the .cmd file, and the
 * command is not executed again until this file changes.
 *
 * These programs remain unknown: a script; a program with an unknown source,
 * with further objects, with macros or with libraries; and a program that
 * differs from the result of its saved command.
 */
#ifndef INPUTS_FIXDEP_PROGRAM_H
#define INPUTS_FIXDEP_PROGRAM_H

enum inputs_fixdep_kind {
	INPUTS_FIXDEP_KIND_UNKNOWN,
	INPUTS_FIXDEP_KIND_6_1, /* of Linux 6.1 */
	INPUTS_FIXDEP_KIND_6_12, /* of Linux 6.12 */
};

struct inputs_fixdep_programs; /* thread-safe; one per build */

/*
 * `cache_dir` is the directory of the digests; NULL disables the cache.
 * `work_dir` is the directory for a rebuilt program.
 */
struct inputs_fixdep_programs *inputs_fixdep_programs_new(const char *cache_dir,
							  const char *work_dir);
/* Accepts NULL.  Cancels a rebuild in progress. */
void inputs_fixdep_programs_free(struct inputs_fixdep_programs *f);

/*
 * Return the version of the program at `path`, an absolute path, without
 * waiting for a rebuild.
 */
enum inputs_fixdep_kind inputs_fixdep_programs_get(
	struct inputs_fixdep_programs *f, const char *path);
/* Wait until no rebuild is in progress. */
void inputs_fixdep_programs_wait(struct inputs_fixdep_programs *f);

#endif
