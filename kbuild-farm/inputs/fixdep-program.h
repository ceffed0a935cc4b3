/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/fixdep-program.h - Identification of fixdep programs.
 *
 * A program is known if its bytes equal those that its saved command makes from
 * a known source.  A task rebuilds the program once to find out
 * (inputs/rebuild.h), and until then the program is unknown.  The cache
 * directory records the digest of each known program, so later builds only read
 * the program once.  After that, a stat check shows that it is unchanged.  For
 * a program that its saved command does not reproduce, the record contains the
 * stamp of the file with this command, and the program is not rebuilt until the
 * file changes.
 *
 * These programs remain unknown: a script, a program with an unknown source,
 * with further objects, with macros or with libraries, and a program that its
 * saved command does not reproduce.
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
