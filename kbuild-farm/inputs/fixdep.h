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
 * Symbols are those of fixdep's parse_config_file(): the word after each
 * "CONFIG_" that is not preceded by a letter, a digit or '_', without a final
 * "_MODULE", up to the first NUL of the file.
 *
 * The read cache has the recently verified inputs of compiles.  The
 * verification of a unit's result has checked that all files that the compiler
 * read are unchanged.  fixdep processes the same files immediately afterwards
 * and does not check them again.  A file that has changed since the
 * verification is newer than the object, so make recompiles the object, and
 * until then the .cmd file describes the files that the object was made from.
 *
 * All functions are thread-safe, but a struct inputs_verified_files must not be
 * used by two threads at once.
 */
#ifndef INPUTS_FIXDEP_H
#define INPUTS_FIXDEP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/file-stamp.h"
#include "inputs/fixdep-program.h"
#include "inputs/manifest.h"

#include <stddef.h>
#include <stdint.h>

struct inputs_config_symbol_table;
struct inputs_fixdep;
struct inputs_read_cache;
struct inputs_verified_files;

/*
 * Create a fixdep with empty caches.  The directories are those of
 * inputs_fixdep_programs_new().
 */
struct inputs_fixdep *inputs_fixdep_new(const char *cache_dir,
					const char *work_dir);
void inputs_fixdep_free(struct inputs_fixdep *f); /* accepts NULL */

/*
 * Record that the files of `m` were just found unchanged.  A compile in `cwd`
 * with the depfile `depfile` has read these files.
 */
void inputs_fixdep_add_verified(struct inputs_fixdep *f,
				const struct inputs_manifest *m,
				const char *cwd, const char *depfile);

struct inputs_config_symbol_table *inputs_config_symbols_new(void);
void inputs_config_symbols_free(
	struct inputs_config_symbol_table *t); /* accepts NULL */

struct inputs_fixdep_call {
	enum inputs_fixdep_kind kind;
	const char *cwd; /* absolute working directory */
	const char *depfile, *target; /* arguments of fixdep */
	struct inputs_verified_files *verified_files; /* may be NULL */
};

/*
 * Append fixdep's output to `before_command` and `after_command`, without the
 * COMMAND argument that fixdep prints between these parts.  Returns 0, or a
 * negative errno if fixdep would fail or its version is unknown; the output is
 * then incomplete.
 */
int inputs_fixdep_generate(struct inputs_config_symbol_table *t,
			   const struct inputs_fixdep_call *call,
			   struct buf *before_command,
			   struct buf *after_command, struct err *err);

/*
 * Do what `program` (a fixdep, relative to call->cwd) does with the arguments
 * in `call`, whose members `kind` and `verified_files` are ignored.  The output
 * and the return value are those of inputs_fixdep_generate().
 */
int inputs_fixdep_run(struct inputs_fixdep *f, const char *program,
		      const struct inputs_fixdep_call *call,
		      struct buf *before_command, struct buf *after_command,
		      struct err *err);

/*
 * Create the list of the files of `m`, which were found unchanged at `now_us`,
 * a time of clock_us().  The files were read by a compile in `cwd` with the
 * depfile `depfile`, as the compiler spells it.
 */
struct inputs_verified_files *inputs_verified_files_new(
	const struct inputs_manifest *m, const char *cwd, const char *depfile,
	uint64_t now_us);
void inputs_verified_files_free(
	struct inputs_verified_files *s); /* accepts NULL */

/*
 * Return the stamp of the file `name`, in the compiler's spelling, or NULL if
 * the list does not contain this file.
 */
const struct file_stamp *inputs_verified_files_find(
	struct inputs_verified_files *s, const char *name);

/* Maximum number of lists in a read cache, and their maximum age. */
#define INPUTS_READ_CACHE_COMPILES_MAX 64
#define INPUTS_READ_CACHE_MAX_AGE_US   5000000

struct inputs_read_cache *inputs_read_cache_new(void);
void inputs_read_cache_free(struct inputs_read_cache *l); /* accepts NULL */

/*
 * Return true if inputs_read_cache_take() has been called.  Before the first
 * call of that function, adding lists is useless.
 */
bool inputs_read_cache_is_used(struct inputs_read_cache *l);

/* Add a list.  The cache takes ownership of `s`. */
void inputs_read_cache_add(struct inputs_read_cache *l,
			   struct inputs_verified_files *s);

/*
 * Remove and return the newest list for `depfile` of a compile in `cwd`.  The
 * caller frees it.  Returns NULL if every such list was verified more than
 * INPUTS_READ_CACHE_MAX_AGE_US before `now_us`, or if the cache has no such
 * list.
 */
struct inputs_verified_files *inputs_read_cache_take(
	struct inputs_read_cache *l, const char *cwd, const char *depfile,
	uint64_t now_us);

#endif
