/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/output.h - the files that a compile writes: the object, the
 * dependency list, and those beside the object, which options ask for.
 *
 * Compilers name the last from the object: its name as -o spells it (else the
 * source's name in the working directory), its last suffix taken off, with
 *
 *	.su			-fstack-usage; not with LTO
 *	.gcno			-ftest-coverage, --coverage
 *	.dwo			-gsplit-dwarf; clang's where there is debug
 *				information and no LTO
 *	.ci			gcc's -fcallgraph-info; not with LTO
 *	.c.opt-record.json.gz	gcc's -fsave-optimization-record; ".c" is the
 *				source's suffix
 *	.opt.yaml		clang's -fsave-optimization-record
 *
 * or by the option itself: clang's -foptimization-record-file=FILE and
 * -MJ FILE, where the last one counts, and gcc's -fopt-info-WHAT=FILE, where
 * the first one does.  Of an assembler source there are only the .dwo and
 * -MJ's.  Sources: "Overall Options" and "Developer Options" in gcc 12's
 * manual, lang_dependent_init() in gcc/toplev.cc, ASM_FINAL_SPEC in gcc/gcc.cc;
 * clang/lib/Driver/ToolChains/Clang.cpp and CommonArgs.cpp (SplitDebugName) of
 * LLVM 14; check_options_output.c holds it against the compilers.
 *
 * libc only (the wrapper uses it).
 */
#ifndef OPTIONS_OUTPUT_H
#define OPTIONS_OUTPUT_H

#include "options/command.h"

/* The object's path: -o, or what gcc makes of the source's name. */
char *options_output_object(const struct options_command *c);
/* The dependency file's path, or NULL; the caller frees it. */
char *options_output_dep(const struct options_command *c);
/*
 * Where the output `path` is put together for the wrapper `pid`, which
 * renames it: ".NAME.kfarm.PID" beside it.  The caller frees it.
 */
char *options_output_temporary(const char *path, unsigned pid);

/* The most files that one compile writes beside the object. */
#define OPTIONS_SIDES_MAX 6

struct options_sides {
	/*
	 * The object's own name is in what is made, in the object itself
	 * perhaps (-fprofile-arcs): a compile with another -o is another one.
	 * True wherever there is a file beside the object.
	 */
	bool named;
	size_t n;
	enum options_side kind[OPTIONS_SIDES_MAX];
	char *path[OPTIONS_SIDES_MAX]; /* as the compiler spells them */
};

/* The files beside the object of an OPTIONS_REMOTE compile. */
void options_output_sides(struct options_sides *out,
			  const struct options_command *c);
void options_sides_release(struct options_sides *s);

/*
 * Is a name among all of them that is no plain file's, or one file under two
 * names, or the source's?  Also where more is written than can be told.
 */
bool options_output_clash(const struct options_command *c);

#endif
