/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/tool.h - Programs of tool steps as entries for nodes.
 *
 * kbuild builds the programs of tool steps in the tree, so they are not part of
 * a toolchain.  A program is sent to a node like the inputs of a unit, together
 * with its loader and libraries.  The list of these files is cached until one
 * of them changes.
 */
#ifndef INPUTS_TOOL_H
#define INPUTS_TOOL_H

#include "base/err.h"
#include "inputs/path.h"

struct inputs_tool_cache; /* one per build */

/* A version of a program.  Lives as long as the cache. */
struct inputs_tool {
	const struct inputs_path *path; /* of the program, without links */
	const struct inputs_entry *const *entries;
	size_t n_entries;
};

struct inputs_tool_cache *inputs_tool_cache_new(struct inputs_paths *paths);
void inputs_tool_cache_free(struct inputs_tool_cache *t); /* accepts NULL */

/*
 * Return the current version of `program` (an absolute path) in the environment
 * `env`.  Reads new files, so it must run on a worker thread.  Returns NULL
 * with `err` set if the program cannot be sent, for example because it is not
 * an ELF program or lacks a library.
 */
const struct inputs_tool *inputs_tool_get(struct inputs_tool_cache *t,
					  const char *program, char *const *env,
					  struct err *err);
/* Return the first changed file of a program, or NULL. */
const char *inputs_tool_find_changed(const struct inputs_tool *tool);

#endif
