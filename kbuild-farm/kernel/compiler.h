/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/compiler.h - Choice of the compiler that make calls.
 *
 * Nothing that kbuild records may depend on kfarm, so make gets the names that
 * a plain make would get.  A name with a directory would bypass the masquerade
 * directory (kernel/masquerade.h), so kfarm uses only the last component of
 * such a name, and adds its directory to PATH.  An installed toolchain is used
 * only under its normalized names, such as aarch64-gcc1330-linux-gcc.  These
 * names are links in DATA/bin, which is added to PATH; DATA is kfarm's data
 * directory.
 */
#ifndef KERNEL_COMPILER_H
#define KERNEL_COMPILER_H

#include "base/err.h"
#include "base/str.h"
#include "kernel/arch.h"
#include "toolchain/installed.h"

struct kernel_toolchains {
	char *data_dir; /* DATA */
	char *bin_dir; /* DATA/bin */
	struct toolchain_installed_list list;
};

/*
 * Find the installed toolchain that `word` ("gcc", "gcc-13", "clang-14" or a
 * complete id) selects for this build host and `arch`.  For a release of gcc,
 * the search tries the triplets of the architecture in order, and stops at the
 * first triplet with a matching toolchain.  For a release of clang, the search
 * ignores the triplets.  If several toolchains match, the newest is selected.
 *
 * Returns 0 with a borrowed pointer in *out, which is NULL if no toolchain
 * matches; -EINVAL with `err` set if `word` is the id of a toolchain for
 * another host or another architecture.
 */
int kernel_toolchains_find(const struct kernel_toolchains *in,
			   const struct kernel_arch *arch, const char *word,
			   const struct toolchain_installed **out,
			   struct err *err);
/*
 * Return the installed toolchain that contains the compiler `name`, or NULL.
 * `name` is the word by which make calls the compiler, and `path` is its file.
 */
const struct toolchain_installed *kernel_toolchains_find_owner(
	const struct kernel_toolchains *in, const char *name, const char *path);

/*
 * Format the value of CROSS_COMPILE= ("aarch64-gcc1330-linux-") or LLVM=
 * ("-14.0.6") that selects `t`.  The caller frees *out.  Returns 0, or -ENOENT
 * with `err` set if no link in DATA/bin with the compiler's name points to `t`.
 */
int kernel_toolchains_prefix(const struct kernel_toolchains *in,
			     const struct toolchain_installed *t, char **out,
			     struct err *err);
/* Return true if DATA/bin has a program `name`. */
bool kernel_toolchains_has_program(const struct kernel_toolchains *in,
				   const char *name);

/* The user's choice of a compiler. */
struct kernel_compiler_request {
	/* the kernel tree, which sets the minimum version; may be NULL */
	const char *tree;
	const char *toolchain; /* argument of -t, or NULL */
	const struct strv *variables; /* NAME=VALUE for make's command line */
	char *const *env; /* environment that make inherits */
	/* ARCH=TOOLCHAIN entries of the configuration file, or NULL */
	const struct strv *default_toolchains;
	const char *data_dir; /* DATA; NULL selects the user's data directory */
};

struct kernel_compiler {
	/* name by which make calls it: "aarch64-linux-gnu-gcc" */
	char *name;
	char *path; /* path of its file; "" if CC has several words */
	char *version; /* "12.2.0" */
	bool is_clang;
	/* settings for make: CROSS_COMPILE=, CC=, HOSTCC=, LLVM= */
	struct strv vars;
	/* directories added to PATH after the masquerade directory */
	struct strv path_dirs;
	/* CC or HOSTCC names ccache or a similar program before the compiler */
	bool is_launched;
	/* reason for building without masquerade links, or NULL */
	char *no_masquerade_reason;
	struct strv notes; /* notes for the user, a line each */
	struct kernel_toolchains toolchains;
	/* leases of toolchains, held until kernel_compiler_release() */
	int *lease_fds;
	size_t n_leases;
};

/*
 * Choose the compiler.  The first of these sources decides: -t; the variables
 * CC, LLVM and CROSS_COMPILE; the configuration's toolchain for the
 * architecture; Debian's cross compiler on PATH; the newest installed
 * toolchain; gcc, if `arch` is the architecture of the build host.  LLVM and
 * CROSS_COMPILE are read from request->variables, else from request->env; CC is
 * read only from request->variables.  For a release named by -t or by the
 * configuration, an installed toolchain takes precedence over a program on
 * PATH.  The settings in c->vars replace the user's own variables of the same
 * names.
 *
 * Returns 0; -EINVAL with `err` set if -t conflicts with CROSS_COMPILE or LLVM
 * of request->variables; -ENOTSUP if the tree requires a newer compiler;
 * another negative errno with `err` naming the missing program.  The caller
 * releases `c`, even after an error.
 */
int kernel_compiler_choose(struct kernel_compiler *c,
			   const struct kernel_arch *arch,
			   const struct kernel_compiler_request *request,
			   struct err *err);
/* Close the leases and free the choice. */
void kernel_compiler_release(struct kernel_compiler *c);
/*
 * Add DATA/bin to PATH, and lease the installed toolchain to which the program
 * `name` in DATA/bin belongs, if any.  Returns 0 or a negative errno.
 */
int kernel_compiler_use_installed(struct kernel_compiler *c, const char *name,
				  struct err *err);

#endif
