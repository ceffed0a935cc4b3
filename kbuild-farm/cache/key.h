/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache/key.h - Digests of everything that a compile's result depends on.
 *
 * A compile has two keys.  Two compiles with equal full keys have equal
 * results: object, dependency list, side outputs, diagnostics and exit status.
 * The reason is that a compile in the sandbox of a node depends only on its
 * toolchain and on the entries and the flags of its job, and that its result is
 * equal to that of a local compile.  The full key therefore consists of
 *
 *   - the version of this format, which changes with the composition of the
 *     compiler's command line;
 *   - the toolchain, the name of its driver, and the files for the language of
 *     its messages;
 *   - language, working directory, source, object and side outputs, as named in
 *     the command, and the typed flags in their order;
 *   - the environment variables that the compiler reads, except variables that
 *     only locate the toolchain or temporary files, or affect messages on a
 *     terminal;
 *   - the entries of the inputs in the order of their use: the path of each
 *     directory, the path and the target of each symbolic link, and the path,
 *     the digest and the execute permission of each file;
 *   - the program and the arguments of a tool step.
 *
 * The short key does not contain the digests of definition headers, which are
 * headers that consist of macro definitions (cpp/definitions.h).  Instead, it
 * contains only those macro definitions that the unit can use.  A changed
 * Kconfig option or a new version string thus changes the short keys of few
 * units.  The definitions that a unit can use also determine whether the
 * compiler prints messages.  So if one of two compiles with equal short keys
 * has no messages, the results of both compiles are equal.  The text of a
 * message, however, can contain other definitions.  A result with messages is
 * therefore stored under the full key, and any other result under the short
 * key.
 *
 * If the result of a compile without messages cannot depend on the directories
 * of the build, names in the short key are relative to these directories, so
 * that builds in other directories can use the result (cache/roots.h).
 *
 * Paths that must be absent are not part of the keys.  If such a path appears
 * and matters, the scanner finds it, and the file is a new entry.
 *
 * The mtimes and inodes of files matter only for #pragma once: gcc treats files
 * with equal contents and mtimes as the same file, and clang treats files with
 * the same inode as the same file.  If #pragma once takes effect in a unit, its
 * keys contain the information which files are the same.  A unit that expands
 * __TIMESTAMP__, __DATE__ or __TIME__ has no key, because it is compiled
 * locally.
 */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include "base/digest.h"
#include "cache/roots.h"
#include "options/command.h"

/* All pointers are borrowed. */
struct cache_key_inputs {
	const struct compiler_manifest *toolchain;
	/* The compile as it is sent to a node; `tool` is the local program. */
	const struct peer_job_request *job;
	const struct inputs_manifest *manifest;
	const struct options_side_outputs *side_outputs;
	const struct cache_roots *roots;
};

/* Describe the compile for the functions of cache/roots.h. */
void cache_key_locate(struct cache_located_compile *out,
		      const struct cache_key_inputs *in);
/*
 * Compute the short or the full key of a compile.  cache_key_short() returns
 * true if the key contains no path of a root.
 */
bool cache_key_short(struct digest *out, const struct cache_key_inputs *in);
void cache_key_full(struct digest *out, const struct cache_key_inputs *in);

#endif
