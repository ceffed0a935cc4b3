/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/compiler.h - which compiler make will call, and by what name.
 *
 * Nothing that kbuild records may depend on kfarm: make is given the names
 * that a plain make would be given.  A name with a directory would bypass
 * the links, so its last component is used and its directory goes into PATH.
 */
#ifndef BUILD_COMPILER_H
#define BUILD_COMPILER_H

#include "base/err.h"
#include "base/str.h"
#include "build/arch.h"

/* What the user said about it. */
struct build_compiler_wish {
	const char *tree; /* that says how new it must be; may be NULL */
	const char *toolchain; /* -t, or NULL */
	const struct strv *variables; /* NAME=VALUE for make's command line */
	char *const *env; /* what make will inherit */
};

struct build_compiler {
	char *name; /* as make calls it: "aarch64-linux-gnu-gcc" */
	char *path; /* the file that this is, "" when CC has several words */
	char *version; /* "12.2.0" */
	bool is_clang;
	struct strv vars; /* for make: CROSS_COMPILE=, CC=, HOSTCC=, LLVM= */
	struct strv dirs; /* go into PATH, behind the links */
	char *unlinked; /* why there will be no links; NULL: there will */
	struct strv notes; /* what the user is to know, a line each */
};

/*
 * Choose it: -t, CC=, LLVM=, CROSS_COMPILE= (variables before environment),
 * else Debian's cross compiler of the architecture, else the host's gcc.
 * `vars` then stand for the user's own variables of the same names.
 *
 * Returns 0; -ENOTSUP when the tree asks for a newer compiler; another
 * negative errno with `err` naming what was looked for.  Release `c` in
 * any case.
 */
int build_compiler_choose(struct build_compiler *c,
			  const struct build_arch *arch,
			  const struct build_compiler_wish *wish,
			  struct err *err);
void build_compiler_release(struct build_compiler *c);
/* PATH with the directories of `c` in front; the caller frees it. */
char *build_compiler_path(const struct build_compiler *c, char *const *env);
/* Is version `a` ("12.2.0") older than `b` ("5.1.0")? */
bool build_compiler_older(const char *a, const char *b);

#endif
