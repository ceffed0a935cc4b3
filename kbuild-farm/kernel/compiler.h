/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/compiler.h - which compiler make will call, and by what name.
 *
 * Nothing that kbuild records may depend on kfarm: make is given the names
 * that a plain make would be given.  A name with a directory would bypass
 * the links, so its last component is used and its directory goes into PATH.
 * An installed toolchain is used under its normalized names
 * (kernel/installed.h), with DATA/bin in PATH.
 */
#ifndef KERNEL_COMPILER_H
#define KERNEL_COMPILER_H

#include "base/err.h"
#include "base/str.h"
#include "kernel/arch.h"
#include "kernel/installed.h"

/* What the user asked for. */
struct kernel_compiler_request {
	const char *tree; /* that says how new it must be; may be NULL */
	const char *toolchain; /* -t, or NULL */
	const struct strv *variables; /* NAME=VALUE for make's command line */
	char *const *env; /* what make will inherit */
	const struct strv *standard; /* ARCH=TOOLCHAIN: of the configuration;
					NULL: none */
	const char *data; /* DATA, NULL: the user's */
};

struct kernel_compiler {
	char *name; /* as make calls it: "aarch64-linux-gnu-gcc" */
	char *path; /* the file that this is, "" when CC has several words */
	char *version; /* "12.2.0" */
	bool is_clang;
	struct strv vars; /* for make: CROSS_COMPILE=, CC=, HOSTCC=, LLVM= */
	struct strv dirs; /* go into PATH, behind the links */
	char *unlinked; /* why there will be no links; NULL: there will */
	struct strv notes; /* what the user is to know, a line each */
	struct kernel_installed installed;
	int *lease; /* of toolchains in use, held until the release */
	size_t n_leases;
};

/*
 * Choose it: -t, CC=, LLVM=, CROSS_COMPILE= (variables before environment),
 * what the configuration says for the architecture, else Debian's cross
 * compiler on PATH, else the newest installed one, else, for the machine's
 * own architecture, gcc.  What -t or the configuration name as a release is an
 * installed toolchain before it is a program on PATH.  `vars` then stand for
 * the user's own variables of the same names.
 *
 * Returns 0; -ENOTSUP when the tree asks for a newer compiler; another
 * negative errno with `err` naming what was looked for.  Release `c` in
 * any case.
 */
int kernel_compiler_choose(struct kernel_compiler *c,
			   const struct kernel_arch *arch,
			   const struct kernel_compiler_request *request,
			   struct err *err);
void kernel_compiler_release(struct kernel_compiler *c);
/* Keep the toolchain that `name`, whose file is `path`, belongs to, if any,
 * from being removed as long as `c` lives. */
int kernel_compiler_lease(struct kernel_compiler *c, const char *name,
			  const char *path, struct err *err);
/* The same of one that DATA/bin has under that name, which goes into PATH. */
int kernel_compiler_use(struct kernel_compiler *c, const char *name,
			struct err *err);

#endif
