/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/rebuild.h - Proof that a kernel tool was built from its sources.
 *
 * kfarm computes fixdep's output itself, and cross-builds genksyms for other
 * machines.  Both are correct only if the program in the tree was built from
 * the sources in the tree.  For this proof, inputs_rebuild_compare() runs the
 * saved commands again, with other output files, and compares the result with
 * the program.  The proof assumes that a compiler generates equal output from
 * equal sources and options.
 */
#ifndef INPUTS_REBUILD_H
#define INPUTS_REBUILD_H

#include "base/err.h"

/* All pointers are borrowed. */
struct inputs_rebuild {
	const char *program; /* the tool, an absolute path */
	/*
	 * path of a temporary program; "-NUMBER.o" is added for temporary
	 * objects
	 */
	const char *output_path;
	char *const *env; /* environment of the compiler */
	const void *cancelled; /* an atomic_bool, or NULL */
};

/*
 * Rebuild the tool, compare the new program with r->program, and remove the
 * temporary files.  This function runs compilers, so call it on a separate
 * thread.
 *
 * Returns 0 if the program is equal; -ESTALE if it differs; -ENOTSUP if a saved
 * command cannot be repeated, for example because it has an option that writes
 * another file; -EINTR if the build was cancelled; -ENOEXEC if a compiler
 * fails; or another error.
 */
int inputs_rebuild_compare(const struct inputs_rebuild *r, struct err *err);

#endif
