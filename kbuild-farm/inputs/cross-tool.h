/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/cross-tool.h - Cross-compilation of a kernel tool for other hosts.
 *
 * kbuild has built the tool for the build host and saved the commands.  The
 * file .TOOL.cmd contains the link command of the tool.  For each object
 * NAME.o, the file .NAME.o.cmd contains the compile command.  A cross compiler
 * compiles the same sources with the same macros, search paths and language
 * options.  This compiler is TRIPLET-gcc in PATH.  It must have a C library,
 * which the compilers of kernel.org do not have.  The result is a static
 * program, so a node needs no other files to run it.
 *
 * The caller must verify that the result works like the native tool
 * (coord/tool-step.h).
 */
#ifndef INPUTS_CROSS_TOOL_H
#define INPUTS_CROSS_TOOL_H

#include "base/err.h"

/* All pointers are borrowed. */
struct inputs_cross_tool {
	const char *native_path; /* the native tool, an absolute path */
	/* from compiler_host_release_name(), for example "arm64" */
	const char *host;
	/* path of the result; "-NUMBER.o" is added for temporary objects */
	const char *output_path;
	char *const *env; /* environment of the compiler */
	const void *cancelled; /* an atomic_bool, or NULL */
};

/*
 * Build the tool.  Runs compilers for seconds, so it must run on a worker
 * thread.
 *
 * Returns 0; -ENOENT if there is no compiler for the host; -ENOTSUP if the
 * saved commands cannot be reproduced, as for a tool that needs libraries;
 * -EINTR if the build was cancelled; -ENOEXEC if a compiler fails or the result
 * is not a static program for the host; or another error.  On failure `err` is
 * set and `output_path` does not exist.
 */
int inputs_cross_tool_build(const struct inputs_cross_tool *c, struct err *err);

#endif
