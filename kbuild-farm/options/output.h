/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/output.h - Files that a compile writes.
 *
 * They are the object, the dependency list, and side outputs, which options
 * request.  Compilers derive the names of side outputs from the object's path,
 * which is the path of -o or the source's base name in the working directory.
 * They replace the last suffix of this path by
 *
 *	.su			-fstack-usage; not with LTO
 *	.gcno			-ftest-coverage, --coverage
 *	.dwo			-gsplit-dwarf; clang: only with debug
 *				information and without LTO
 *	.ci			gcc's -fcallgraph-info; not with LTO
 *	.c.opt-record.json.gz	gcc's -fsave-optimization-record; ".c" is the
 *				source's suffix
 *	.opt.yaml		clang's -fsave-optimization-record
 *
 * Other options name the file: clang's -foptimization-record-file=FILE and
 * -MJ FILE, and gcc's -fopt-info-WHAT=FILE.  If such an option occurs several
 * times, clang uses the last FILE and gcc the first.  An assembler source has
 * only the .dwo and the file of -MJ.
 *
 * Sources: "Overall Options" and "Developer Options" in gcc 12's manual,
 * lang_dependent_init() in gcc/toplev.cc, ASM_FINAL_SPEC in gcc/gcc.cc;
 * clang/lib/Driver/ToolChains/Clang.cpp and CommonArgs.cpp (SplitDebugName) of
 * LLVM 14.  check_options_output.c compares the names with the compilers.
 *
 * Depends only on libc because the wrapper uses it.
 */
#ifndef OPTIONS_OUTPUT_H
#define OPTIONS_OUTPUT_H

#include "options/command.h"

/*
 * Return the path of the object: -o, or gcc's default.  The caller frees it.
 */
char *options_output_object_path(const struct options_command *c);
/* Return the path of the dependency list or NULL; the caller frees it. */
char *options_output_dep_path(const struct options_command *c);
/*
 * Return ".NAME.kfarm.PID" in the directory of the output `path`: the temporary
 * name under which the wrapper `pid` creates the output.  The caller frees it.
 */
char *options_output_temp_path(const char *path, unsigned pid);

/* maximum number of side outputs of a compile */
#define OPTIONS_SIDE_OUTPUTS_MAX 6

struct options_side_outputs {
	/*
	 * An output, possibly the object (-fprofile-arcs), contains the name of
	 * the object, so a compile with another -o gives another result.  Also
	 * true if there is any side output.
	 */
	bool name_in_object;
	size_t n;
	enum options_side_kind kind[OPTIONS_SIDE_OUTPUTS_MAX];
	char *path[OPTIONS_SIDE_OUTPUTS_MAX]; /* as the compiler names them */
};

/* Determine the side outputs of an OPTIONS_CLASS_REMOTE compile. */
void options_output_side_outputs(struct options_side_outputs *out,
				 const struct options_command *c);
void options_side_outputs_release(struct options_side_outputs *s);

/*
 * Return true if an output is not a regular file, if two outputs or an output
 * and the source are the same file, or if the outputs cannot be determined.
 */
bool options_output_has_conflict(const struct options_command *c);

#endif
