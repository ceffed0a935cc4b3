/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/tool.h - a program that runs beside a compile, as entries for nodes.
 *
 * kbuild has built it in the tree a moment ago, so it is no part of any
 * toolchain: it goes to a node as the unit's inputs do, with its loader and its
 * libraries.  What was listed once is remembered as long as no file of it
 * changes.
 */
#ifndef INPUTS_TOOL_H
#define INPUTS_TOOL_H

#include "base/err.h"
#include "inputs/path.h"

struct inputs_tools; /* of a build */

/* One version of one program; lives as long as the table. */
struct inputs_tool {
	const struct inputs_path *path; /* without links */
	const struct inputs_entry *const *entry;
	size_t n;
};

struct inputs_tools *inputs_tools_new(struct inputs_paths *paths);
/* NULL is fine. */
void inputs_tools_free(struct inputs_tools *t);

/*
 * The program (an absolute path) as it is now, in that environment.  Reads its
 * files where they are new, so it is for worker threads.  NULL with `err`: it
 * cannot be shipped, being no ELF program, or lacking a library.
 */
const struct inputs_tool *inputs_tool_get(struct inputs_tools *t,
					  const char *program, char *const *env,
					  struct err *err);
/* The first of its files that is not what it was; NULL: all are. */
const char *inputs_tool_changed(const struct inputs_tool *tool);

#endif
